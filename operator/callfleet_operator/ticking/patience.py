"""How long not to ask again for what was refused: longer each time, until something changes."""

from dataclasses import dataclass

FIRST_SECONDS = 2.0
MOST_SECONDS = 60.0


@dataclass(slots=True)
class Patience:
    """About one thing that is asked for, of one fleet."""

    _generation: int = 0
    _times: int = 0
    _not_before: float = 0.0

    def may_ask(self, generation: int, now: float) -> bool:
        """Tell whether it is time; a spec that was changed is always asked for."""
        return generation != self._generation or now >= self._not_before

    def refused(self, generation: int, now: float) -> None:
        """Wait twice as long as the last time."""
        self._times = self._times + 1 if generation == self._generation else 1
        self._generation = generation
        wait = min(MOST_SECONDS, FIRST_SECONDS * 2 ** min(self._times - 1, 8))
        self._not_before = now + wait

    def granted(self) -> None:
        """Begin anew."""
        self._times, self._not_before = 0, 0.0
