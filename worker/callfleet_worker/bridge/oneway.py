"""Decide whether one of the two is not heard, from what two looks saw. No clock, no network.

A caller is not heard whose voice is published and not muted, and of whom no packet came from one
look to the next; even a silent one with discontinuous transmission sends some every second. An
agent is not heard whose track the caller does not take, or of whose packets the SFU acknowledges
none while it speaks.
"""

from dataclasses import dataclass, field

from callfleet_contract.metrics import UNHEARD_CALLER_SECONDS
from callfleet_contract.outcomes import AudioDirection

WHOLE_LOOK_SECONDS = 4.5
"""What is looked at for less tells nothing: the packets of a silence may be a second apart."""
SPOKEN_PACKETS = 50
"""A second of speech in a look: the SFU reports once a second on what it gets of it."""

HELD_BACK_SECONDS = {
    AudioDirection.FROM_CALLER: UNHEARD_CALLER_SECONDS,
    AudioDirection.TO_CALLER: 0,
}
"""An agent is acknowledged by LiveKit, which stays: nothing else looks like that."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is known at one look of who is there. ``changes`` rises whenever anything of it does."""

    answered: bool = False
    caller_here: bool = False
    caller_speaks: bool = False
    """The caller's voice is published and not muted."""
    agent_speaks: bool = False
    """The agent's track is published."""
    agent_taken: bool = False
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw: the line, and the engine's totals of packets and of the SFU's reports."""

    at_seconds: float
    line: Line
    received: int = 0
    sent: int = 0
    reports: int = 0


@dataclass(slots=True)
class Lasting:
    """Tells of no caller who is unheard for a moment; of who stays so, all of it."""

    _waiting: dict[AudioDirection, float] = field(default_factory=dict)
    _told: set[AudioDirection] = field(default_factory=set)

    def look(
        self, found: tuple[AudioDirection, ...], seconds: float
    ) -> tuple[tuple[AudioDirection, float], ...]:
        """Take whose sound did not reach the other for so long; give what is to be told by now."""
        self._told.intersection_update(found)
        self._waiting = {each: self._waiting.get(each, 0.0) + seconds for each in found}
        due = [
            each
            for each in found
            if each in self._told or self._waiting[each] >= HELD_BACK_SECONDS[each]
        ]
        self._told.update(due)
        return tuple((each, self._waiting.pop(each)) for each in due)


def unheard(before: Look, now: Look) -> tuple[AudioDirection, ...]:
    """Say whose sound did not reach the other from one look to the next.

    Whatever changed in between, a mute, a return, a connection built anew, is reason enough to
    wait for another look. Totals that fall are those of a new connection and tell nothing.
    """
    is_whole = now.at_seconds - before.at_seconds >= WHOLE_LOOK_SECONDS
    if not is_whole or before.line != now.line:
        return ()
    found = []
    if _caller_is_silenced(before, now):
        found.append(AudioDirection.FROM_CALLER)
    if _agent_is_silenced(before, now):
        found.append(AudioDirection.TO_CALLER)
    return tuple(found)


def _caller_is_silenced(before: Look, now: Look) -> bool:
    return now.line.answered and now.line.caller_speaks and now.received == before.received


def _agent_is_silenced(before: Look, now: Look) -> bool:
    line = now.line
    if line.caller_here and line.agent_speaks and not line.agent_taken:
        return True
    # Where there never was a report, none says anything by staying away.
    spoke = now.sent - before.sent >= SPOKEN_PACKETS
    return line.caller_here and spoke and 0 < before.reports == now.reports
