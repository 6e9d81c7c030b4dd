"""Hold one run of the bench against an earlier one. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from callfleet_rehearsal.bench.carried import capacity
from callfleet_rehearsal.bench.cell import Cell
from callfleet_rehearsal.bench.contenders import OURS, PLAIN
from callfleet_rehearsal.bench.figures import ROWS, Middle, Row, divided, figure, middle, ratio
from callfleet_rehearsal.bench.kept import Kept

AGAINST = f"{OURS.key} / {PLAIN.key}"
_ROUNDS_WITH_A_SPREAD = 2
_CAPACITY = Row("capacity", "calls carried within the objectives", "", lambda _: None)


@dataclass(frozen=True, slots=True)
class Change:
    """One figure then and now. ``who`` is a contender or ``AGAINST``, a ratio of two of them."""

    who: str
    calls: int
    row: Row
    then: Middle | None
    now: Middle | None

    @property
    def ratio(self) -> float | None:
        """What it is now of what it was then, by the medians."""
        if self.now is None or self.then is None:
            return None
        return divided(self.now.median, self.then.median)

    @property
    def moved(self) -> bool:
        """Whether it moved by more than both spread: no round of one is within the other's."""
        if self.then is None or self.now is None:
            return False
        if min(self.then.count, self.now.count) < _ROUNDS_WITH_A_SPREAD:
            return False
        return self.now.least > self.then.most or self.now.most < self.then.least


def changes(then: Kept, now: Kept) -> Iterator[Change]:
    """Give every figure that both runs measured: of each contender, and ours as a share of plain's.

    What one of them could not measure is there as None.
    """
    for calls in sorted(_numbers(then.cells) & _numbers(now.cells)):
        both = _contenders(then.cells, calls).keys() & _contenders(now.cells, calls).keys()
        for who in _contenders(now.cells, calls):
            for row in ROWS if who in both else ():
                found = (figure(kept.cells, who, calls, row) for kept in (then, now))
                yield Change(who, calls, row, *found)
        for row in ROWS if {OURS.key, PLAIN.key} <= both else ():
            shares = (ratio(kept.cells, OURS.key, PLAIN.key, calls, row) for kept in (then, now))
            yield Change(AGAINST, calls, row, *shares)


def carried_changes(then: Kept, now: Kept) -> Iterator[Change]:
    """Give what contenders carried then and now; a search has no spread."""
    for one in now.carried:
        before, after = (capacity(kept.carried, one.contender) for kept in (then, now))
        yield Change(one.contender, 0, _CAPACITY, middle([before]), middle([after]))


def differences(then: Kept, now: Kept) -> tuple[str, ...]:
    """Say what else differs between two runs, and so may have moved the figures."""
    said: list[str] = []
    if then.machine != now.machine:
        said.append(
            f"another machine: then {then.machine}, now {now.machine}; "
            f"only figures of {AGAINST} can be compared, and those with care"
        )
    said += _differing("version of ", then.versions, now.versions)
    said += _differing("text of ", then.contenders, now.contenders, shown=lambda text: text[:8])
    for what in ("seed", "turns"):
        before, after = getattr(then, what), getattr(now, what)
        if before != after:
            said.append(f"{what}: then {before}, now {after}")
    cells = (then.cells, now.cells)
    numbers = [", ".join(map(str, sorted(_numbers(one)))) for one in cells]
    if numbers[0] != numbers[1]:
        said.append(f"numbers of calls: then {numbers[0]}, now {numbers[1]}")
    rounds = [len({cell.round for cell in one}) for one in cells]
    if min(rounds) < _ROUNDS_WITH_A_SPREAD:
        said.append(
            f"rounds: then {rounds[0]}, now {rounds[1]}; one round has no spread, "
            "so nothing can be said to have moved"
        )
    return tuple(said)


def _differing(
    what: str,
    then: Mapping[str, str],
    now: Mapping[str, str],
    shown: Callable[[str], str] = str,
) -> Iterator[str]:
    for name in sorted(then.keys() & now.keys()):
        if then[name] != now[name]:
            yield f"{what}{name}: then {shown(then[name])}, now {shown(now[name])}"


def _numbers(cells: tuple[Cell, ...]) -> set[int]:
    return {cell.calls for cell in cells}


def _contenders(cells: tuple[Cell, ...], calls: int) -> dict[str, None]:
    return dict.fromkeys(cell.contender for cell in cells if cell.calls == calls)
