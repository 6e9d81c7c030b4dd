"""Try one number of calls, on a stack of its own."""

import re
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from callfleet_contract.metrics import EVENT_LOOP_BLOCKED_SECONDS
from callfleet_rehearsal.capacity.search import Step
from callfleet_rehearsal.judge import judge, untested_by
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.rehearsal import (
    Model,
    Order,
    Watcher,
    evidence_of,
    place_calls,
    start_stack,
)
from callfleet_rehearsal.stack.scenario import turn_kinds
from callfleet_rehearsal.verdict import Evidence, Outcome, Verdict

SPACING_SECONDS = 0.2
_HELD = {Outcome.PASS: True, Outcome.FAIL: False, Outcome.INCONCLUSIVE: None}
_QUIET = Watcher(step=lambda _: None, call=lambda _: None)


@dataclass(frozen=True, slots=True)
class Tried:
    """One run, judged; ``stalled_seconds`` is how long its calls' event loops stood still."""

    step: Step
    verdict: Verdict
    evidence: Evidence
    stalled_seconds: float


def try_calls(calls: int, turns: int, seed: int, folder: Path) -> Tried:
    """Place so many calls at once and judge them by the objectives.

    Raises:
        StackError: a part of the stack failed; the message has the end of its log.
        ToolError: there is no LiveKit server, and none can be built.
        UnreadableError: a part did not write what it should have.

    """
    order = Order(calls, turns, seed, Model.EMULATOR, "ideal", SPACING_SECONDS)
    with Children(folder) as children:
        stack = start_stack(order, children, _QUIET)
        placed = place_calls(order, stack, folder, _QUIET)
        stalled = _stalled_seconds(stack.worker.http_url) / calls
    evidence = evidence_of(placed, stack)
    kinds = [kind for call in turn_kinds(calls, turns, seed) for kind in call]
    verdict = judge(evidence, untested=untested_by(kinds))
    return Tried(Step(calls, _HELD[verdict.outcome]), verdict, evidence, stalled)


def _stalled_seconds(http_url: str) -> float:
    """Ask the worker how long loops stood still; each call tells of its own."""
    with urllib.request.urlopen(f"{http_url}/metrics", timeout=5) as answer:  # noqa: S310 - our own
        text = answer.read().decode()
    name = f"callfleet_{EVENT_LOOP_BLOCKED_SECONDS.name}_sum"
    return sum(
        float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    )
