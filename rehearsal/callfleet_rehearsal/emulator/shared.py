"""What all sessions of one emulator share."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from callfleet_rehearsal.emulator.configuration import EmulatorConfig
from callfleet_rehearsal.emulator.conversations import Handles
from callfleet_rehearsal.emulator.events import EventLog
from callfleet_rehearsal.emulator.faults import Effect, FaultBox


class OpenSession(Protocol):
    """What the control port needs of a session."""

    def describe(self) -> dict[str, Any]:
        """Say what the session is doing, for people and tests."""

    def strike_now(self, effect: Effect) -> None:
        """Carry a fault out at once."""

    def drop(self) -> None:
        """Cut the connection without a word."""


@dataclass(slots=True)
class Shared:
    """Configuration, log, faults, resumption handles and the sessions that are open."""

    config: EmulatorConfig
    log: EventLog
    faults: FaultBox
    handles: Handles
    sessions: dict[str, OpenSession] = field(default_factory=dict)
