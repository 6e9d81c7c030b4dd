"""Decide which model and key a call tries next. No clock, no network."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from callfleet_worker.model.failure import Refusal

COOLDOWN_SECONDS = 30.0
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to a model: which model with which key. ``key`` is a position, never a secret."""

    model: str
    key: int

    @property
    def label(self) -> str:
        """Name it in logs."""
        return f"{self.model} with key {self.key + 1}"


def candidates(models: tuple[str, ...], keys: int) -> tuple[Candidate, ...]:
    """Order the ways: the preferred model with every key, then the next model."""
    return tuple(Candidate(model, key) for model in models for key in range(keys))


@dataclass(slots=True)
class Roster:
    """The ways of one call, the preferred first, and until when each is left alone."""

    ways: tuple[Candidate, ...]
    _blocked_until: dict[Candidate, float] = field(default_factory=dict)

    def pick(self, now: float) -> Candidate | None:
        """Return the most preferred way that may be tried now, or None when nothing is left."""
        return next((way for way in self.ways if self._blocked_until.get(way, 0.0) <= now), None)

    def fail(self, way: Candidate, refusal: Refusal, now: float) -> None:
        """Leave a way alone: a refused key for the whole call, anything else for a while."""
        if refusal is Refusal.KEY:
            self._block((other for other in self.ways if other.key == way.key), _NEVER)
        elif refusal is Refusal.REQUEST:
            self._block((other for other in self.ways if other.model == way.model), _NEVER)
        else:
            self._block((way,), now + COOLDOWN_SECONDS)

    def _block(self, ways: Iterable[Candidate], until: float) -> None:
        for way in ways:
            self._blocked_until[way] = max(until, self._blocked_until.get(way, 0.0))
