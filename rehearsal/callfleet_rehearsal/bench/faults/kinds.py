"""The faults there are, and in which calls they strike. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from callfleet_rehearsal.evidence import TurnKind


class By(StrEnum):
    """Who does it."""

    TOOL = "the agent's tool"
    CONTROL = "somebody outside"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong in one call. ``key`` is also what its room is named after."""

    key: str
    title: str
    by: By


FAULTS = (
    Fault("block", "a tool blocks the loop for 5 s", By.TOOL),
    Fault("raise", "every callback raises", By.TOOL),
    Fault("cancel", "the call's task is cancelled", By.TOOL),
    Fault("leak", "a call leaks memory up to the limit", By.TOOL),
    Fault("terminate", "LiveKit ends the call's job", By.CONTROL),
    Fault("kill", "the process is killed (SIGKILL)", By.TOOL),
    Fault("stall", "the model says nothing more", By.CONTROL),
    Fault("signal", "LiveKit's signal connection is cut", By.CONTROL),
)
BY_KEY = {fault.key: fault for fault in FAULTS}

STRUCK_TURN = 2
"""In this turn of the struck call it happens: by then all calls talk."""
TURNS = 5


class Mode(StrEnum):
    """How calls are spread over processes."""

    SHARED = "shared"
    APART = "apart"

    @property
    def calls_per_process(self) -> int | None:
        """What CALLFLEET_CALLS_PER_PROCESS is set to; None leaves its default."""
        return 1 if self is Mode.APART else None


def room_of(fault: Fault, run_id: str) -> str:
    """Name the room of the struck call."""
    return f"fault-{fault.key}-{run_id}"


def struck_kinds(fault: Fault, turns: int = TURNS) -> tuple[TurnKind, ...]:
    """Say what the struck caller does: a tool is asked for in the turn in which it misbehaves."""
    kinds = [TurnKind.PLAIN] * turns
    if fault.by is By.TOOL:
        kinds[STRUCK_TURN - 1] = TurnKind.TOOL
    return tuple(kinds)
