"""A run of the bench beside an earlier one, as tables on a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table

from callfleet_rehearsal.bench.compare import AGAINST, Change
from callfleet_rehearsal.bench.figures import Middle
from callfleet_rehearsal.bench.table import MISSING, figure_of, number

MOVED = "*"


def tables(changes: Iterable[Change]) -> Iterator[Table]:
    """Lay out a table for each number of calls: then, now, and now as a share of then."""
    by_calls: dict[int, list[Change]] = {}
    for change in changes:
        by_calls.setdefault(change.calls, []).append(change)
    for calls, own in by_calls.items():
        whose = list(dict.fromkeys(change.who for change in own))
        found = {(change.who, change.row.key): change for change in own}
        made = Table(
            title=f"{calls} calls at once: then > now, and now as a share of then "
            f"({MOVED} moved by more than both runs' spread)",
            title_justify="left",
            box=None,
            pad_edge=False,
        )
        made.add_column("figure")
        for who in whose:
            made.add_column(who, justify="right")
        for row in dict.fromkeys(change.row for change in own):
            made.add_row(row.heading, *(_cell(found[who, row.key]) for who in whose))
        yield made


def sentences(changes: Sequence[Change]) -> Iterator[str]:
    """Name each figure that moved by more than both runs' spread; say so where none did."""
    moved = [change for change in changes if change.moved]
    for change in moved:
        yield f"{change.who}, {change.calls} calls, {change.row.name}: {_cell(change)}"
    if not moved:
        yield f"nothing of {len(changes)} figures moved by more than both runs' spread"


def carried_sentence(change: Change) -> str:
    """Say what a contender carried then and carries now."""
    return f"{change.row.title}, {change.who}: {_cell(change)}"


def _cell(change: Change) -> str:
    then, now = (_median(one, change) for one in (change.then, change.now))
    if change.then is None and change.now is None:
        return MISSING
    mark = f" {MOVED}" if change.moved else ""
    return f"{then} > {now} ({number(change.ratio)}){mark}"


def _median(found: Middle | None, change: Change) -> str:
    median = None if found is None else found.median
    return number(median) if change.who == AGAINST else figure_of(median, change.row)
