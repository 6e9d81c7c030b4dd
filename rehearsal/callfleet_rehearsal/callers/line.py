"""What a caller is given before it calls."""

from dataclasses import dataclass

from callfleet_rehearsal.callers.earfaults import Spoiler
from callfleet_rehearsal.callers.presence import Way
from callfleet_rehearsal.callers.script import Script
from callfleet_rehearsal.callers.speech import Utterance


@dataclass(frozen=True, slots=True)
class Voicebox:
    """What a caller can say, encoded: per turn wide and narrow, and what lies between."""

    turns: tuple[Utterance, ...]
    narrow_turns: tuple[Utterance, ...]
    between: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """Where and how a caller calls."""

    room: str
    way: Way
    script: Script
    voicebox: Voicebox
    spoiler: Spoiler | None
    phase_seconds: float
