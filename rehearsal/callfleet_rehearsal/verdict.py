"""What a rehearsal comes to, as frozen values: the judge makes them, the report shows them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from callfleet_contract.events import TurnMeasured
from callfleet_contract.objectives import Objective
from callfleet_rehearsal.evidence import (
    CallRecord,
    MachineState,
    ModelTurn,
    ProcessCost,
    TurnKind,
)


class Outcome(StrEnum):
    """The verdict in a word."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class ExitCode(IntEnum):
    """What the command's exit code says; 2 is a wrong use of the command line."""

    PASS = 0
    FAIL = 1
    INCONCLUSIVE = 3


class FaultKind(StrEnum):
    """What was wrong with a reply. CROSSED is another call's reply, and always an alarm."""

    CROSSED = "crossed"
    WRONG_TURN = "wrong turn"
    MISSING = "missing"
    UNRECOGNISED = "not recognised"
    DOUBLED = "doubled"
    CUT = "cut"
    EARLY = "early"
    NOT_STOPPED = "not stopped"


@dataclass(frozen=True, slots=True)
class ReplyFault:
    """One fault of one reply, as its caller heard it."""

    call: int
    turn: int
    kind: FaultKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a rehearsal saw. ``model_turns`` is empty where the model keeps no log of ours."""

    calls: tuple[CallRecord, ...]
    model_turns: tuple[ModelTurn, ...] = ()
    inside_turns: tuple[TurnMeasured, ...] = ()
    costs: tuple[ProcessCost, ...] = ()
    machine: MachineState | None = None


@dataclass(frozen=True, slots=True)
class MeasuredTurn:
    """One answered turn in its parts, which add up to voice to voice and the tools' time.

    ``uplink_seconds``: last speech sample sent to its arrival at the model. ``silence_seconds``
    and ``thinking_seconds``: the model's share. ``downlink_seconds``: the model's first audio to
    its arrival at the caller. ``ear_seconds``: the caller's jitter buffer. The parts around the
    model are None where the model keeps no log.
    """

    call: int
    turn: int
    kind: TurnKind
    voice_to_voice_seconds: float
    arrival_seconds: float
    ear_seconds: float
    tool_seconds: float
    uplink_seconds: float | None = None
    silence_seconds: float | None = None
    thinking_seconds: float | None = None
    downlink_seconds: float | None = None

    @property
    def model_seconds(self) -> float | None:
        """The model's share: the silence it waits for and its thinking."""
        if self.silence_seconds is None or self.thinking_seconds is None:
            return None
        return self.silence_seconds + self.thinking_seconds

    @property
    def fleet_added_seconds(self) -> float | None:
        """The fleet's share: everything but the model."""
        model = self.model_seconds
        return None if model is None else self.voice_to_voice_seconds - model


@dataclass(frozen=True, slots=True)
class Spread:
    """How samples are spread; ``count`` 0 has no figures."""

    count: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


def percentile(samples: Iterable[float], percent: float) -> float | None:
    """Take the nearest-rank percentile: the smallest sample with ``percent`` % at or below it.

    It is always a sample that was measured; below twenty samples p95 is the largest of them.
    """
    ordered = sorted(samples)
    if not ordered:
        return None
    return ordered[max(1, math.ceil(percent / 100 * len(ordered))) - 1]


def spread_of(samples: Iterable[float]) -> Spread:
    """Give count, p50, p95 and p99 (nearest rank)."""
    known = tuple(samples)
    return Spread(len(known), *(percentile(known, percent) for percent in (50, 95, 99)))


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """One objective, judged. ``met`` is None where there was nothing to judge it by.

    ``count`` says by how much it was judged: turns, pauses, packets, calls. ``untested`` where
    the rehearsal was told to leave it out.
    """

    objective: Objective
    value: float | None
    count: int
    met: bool | None
    spread: Spread | None = None
    untested: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class ResidualTurn:
    """One turn seen from outside and from inside; differences are outside less inside."""

    call: int
    turn: int
    outside_seconds: float
    inside_seconds: float
    uplink_seconds: float | None = None
    model_seconds: float | None = None
    downlink_seconds: float | None = None

    @property
    def total_seconds(self) -> float:
        """What the inside figures do not explain."""
        return self.outside_seconds - self.inside_seconds


@dataclass(frozen=True, slots=True)
class Residual:
    """Inside against outside. ``unmatched`` counts the answered turns that the worker missed."""

    turns: tuple[ResidualTurn, ...]
    unmatched: int
    total: Spread
    uplink: Spread
    model: Spread
    downlink: Spread


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome with its reasons, and everything that it was taken from."""

    outcome: Outcome
    reasons: tuple[str, ...]
    results: tuple[ObjectiveResult, ...]
    turns: tuple[MeasuredTurn, ...]
    faults: tuple[ReplyFault, ...]
    cross_talk: int
    residual: Residual

    @property
    def exit_code(self) -> ExitCode:
        """The command's exit code."""
        return ExitCode[self.outcome.name]

    def result(self, key: str) -> ObjectiveResult:
        """The result of one objective.

        Raises:
            KeyError: no such objective was judged.

        """
        for result in self.results:
            if result.objective.key == key:
                return result
        raise KeyError(key)
