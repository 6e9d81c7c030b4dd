"""How many calls a contender carries on this machine within the objectives. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from callfleet_rehearsal.bench.figures import divided


@dataclass(frozen=True, slots=True)
class Carried:
    """What a search found: so many calls held (0: not even one), so many did not, and ``why``.

    ``failed`` is None where even the most that was tried held, or where the machine was too busy
    with other things to tell: then ``known`` is false.
    """

    contender: str
    held: int
    failed: int | None
    known: bool
    why: str = ""

    @property
    def sentence(self) -> str:
        """Say it in words."""
        if not self.known:
            return f"{self.contender}: {self.held} calls held; what more would do is unknown"
        if self.failed is None:
            return f"{self.contender} carries {self.held} calls or more within the objectives"
        carries = f"{self.held} calls" if self.held else "not a single call"
        why = f": {self.why}" if self.why else ""
        return f"{self.contender} carries {carries} within the objectives; at {self.failed}{why}"


def capacity(found: Iterable[Carried], contender: str) -> float | None:
    """Give how many calls a contender carries; None where nobody knows."""
    return next(
        (float(one.held) for one in found if one.contender == contender and one.known), None
    )


def capacity_ratio(found: Iterable[Carried], ours: str, theirs: str) -> float | None:
    """Divide what ours carries by what theirs does; None where one is unknown or theirs none."""
    known = tuple(found)
    return divided(capacity(known, ours), capacity(known, theirs))
