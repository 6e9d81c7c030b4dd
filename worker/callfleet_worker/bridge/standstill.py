"""Decide from the beats of a loop when it stands still. Pure: instants come in, in seconds."""

from dataclasses import dataclass
from enum import Enum, auto

from callfleet_contract.metrics import LOOP_HELD_SECONDS

BEAT_SECONDS = 0.1
"""A loop that does not stand still beats so often."""
LOOK_SECONDS = 0.1


class News(Enum):
    """What a look at a loop brought."""

    NONE = auto()
    HELD = auto()
    GOES_ON = auto()


@dataclass(slots=True)
class Standstill:
    """Tells each standstill of a loop once, and its end once."""

    held_since: float | None = None

    def look(self, now: float, beat_at: float, waited: float = 0.0) -> News:
        """Compare the last beat with now.

        ``waited`` is for how long of that the loop's thread wanted a CPU and got none: then it is
        the machine that is busy, and whatever code is found there is not to blame.
        """
        if self.held_since is not None:
            if beat_at == self.held_since:
                return News.NONE
            self.held_since = None
            return News.GOES_ON
        if now - beat_at - waited >= BEAT_SECONDS + LOOP_HELD_SECONDS:
            self.held_since = beat_at
            return News.HELD
        return News.NONE
