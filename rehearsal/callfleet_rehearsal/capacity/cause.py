"""Why so many calls are too many. Pure."""

from enum import StrEnum

from callfleet_contract import objectives as slo
from callfleet_rehearsal.verdict import Evidence, Verdict, percentile

FULL_RATIO = 0.9
"""A machine that is busier than this has nothing left to give."""
STALLED_RATIO = 0.02
"""An event loop that stands still for a larger share of the time makes its calls late."""
SLOWER_MODEL_SECONDS = 0.05
"""So much more than at a call alone is more than its jitter."""
IDEAL_MODEL_SECONDS = 0.3


class Cause(StrEnum):
    """What ran out first."""

    CPU = "the machine's CPU"
    LOOP = "the event loop of the calls' process stood still"
    MODEL = "the model took longer"
    NETWORK = "packets were lost"
    UNKNOWN = "nothing that was measured"


def cause_of(verdict: Verdict, evidence: Evidence, stalled_seconds: float) -> Cause:
    """Name the first thing that explains missed objectives.

    Args:
        verdict: What was missed.
        evidence: What was seen meanwhile.
        stalled_seconds: For how long, in all, event loops of the worker stood still.

    """
    machine = evidence.machine
    loss = verdict.result(slo.PACKET_LOSS.key)
    model = percentile(
        (turn.model_seconds for turn in verdict.turns if turn.model_seconds is not None), 95
    )
    if machine is not None and machine.busy_ratio >= FULL_RATIO:
        return Cause.CPU
    if machine is not None and stalled_seconds / max(machine.seconds, 1e-9) >= STALLED_RATIO:
        return Cause.LOOP
    if loss.met is False:
        return Cause.NETWORK
    if model is not None and model > IDEAL_MODEL_SECONDS + SLOWER_MODEL_SECONDS:
        return Cause.MODEL
    return Cause.UNKNOWN
