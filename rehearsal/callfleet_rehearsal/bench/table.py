"""The bench as tables on a terminal, and in one line."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from callfleet_rehearsal.bench.carried import Carried, capacity_ratio
from callfleet_rehearsal.bench.cell import Cell
from callfleet_rehearsal.bench.contenders import OURS, PLAIN, Contender
from callfleet_rehearsal.bench.figures import BY_KEY, ROWS, Middle, Row, figure, ratio

HEADLINE_CALLS = 10
UNKNOWN = "?"
MISSING = "—"
MANY_FAILED = 0.1
"""Where a larger share of turns failed, what is left is no fair sample of all."""


def tables(cells: Sequence[Cell], contenders: Sequence[Contender]) -> Iterator[Table]:
    """Lay out a table for each number of calls: medians over rounds, ours as a share of others."""
    for calls in sorted({cell.calls for cell in cells}):
        rounds = len({cell.round for cell in cells if cell.calls == calls})
        made = Table(
            title=f"{calls} calls at once, median of {rounds} rounds (least to most)",
            title_justify="left",
            box=None,
            pad_edge=False,
        )
        made.add_column("figure")
        for contender in contenders:
            made.add_column(contender.key, justify="right")
        others = [one for one in contenders if one is not OURS] if OURS in contenders else []
        for other in others:
            made.add_column(f"{OURS.key} / {other.key}", justify="right")
        for row in ROWS:
            figures = [written(figure(cells, one.key, calls, row), row) for one in contenders]
            ratios = [written(ratio(cells, OURS.key, one.key, calls, row)) for one in others]
            made.add_row(row.heading, *figures, *ratios)
        yield made


def reservations(cells: Sequence[Cell]) -> Iterator[str]:
    """Say which figures are of few turns, and which runs broke."""
    for who, calls in dict.fromkeys((cell.contender, cell.calls) for cell in cells):
        own = [cell for cell in cells if (cell.contender, cell.calls) == (who, calls)]
        failed, due = sum(cell.failed_turns for cell in own), sum(cell.turns for cell in own)
        if failed > due * MANY_FAILED:
            yield (
                f"{who}, {calls} calls: {failed} of {due} turns failed; "
                "times are those of the others, and flatter it"
            )
    for cell in cells:
        if cell.broken:
            where = f"{cell.contender}, {cell.calls} calls, round {cell.round + 1}"
            yield f"{where}: {cell.broken}"


def last_line(cells: Sequence[Cell], carried: Sequence[Carried] = ()) -> str:
    """Say in one line what ours is of plain; ``?`` stands where one of them has no figure."""
    most = HEADLINE_CALLS
    if not any(cell.calls == most for cell in cells):
        most = max((cell.calls for cell in cells), default=0)
    rows = {"p95": "added_p95", "cpu": "cpu", "memory": "memory"}
    ratios = {
        name: ratio(cells, OURS.key, PLAIN.key, most, BY_KEY[key]) for name, key in rows.items()
    }
    shown = {name: found and found.median for name, found in ratios.items()}
    shown["capacity"] = capacity_ratio(carried, OURS.key, PLAIN.key)
    parts = (f"{name}={UNKNOWN if of is None else f'{of:.2f}'}" for name, of in shown.items())
    return f"bench: {' '.join(parts)}"


def number(value: float | None, *, counted: bool = False) -> str:
    """Write a figure; with two digits behind the point where it is small and was not counted."""
    if value is None:
        return MISSING
    if counted:
        return f"{value:,g}"
    digits = 2 if 0 < abs(value) < 10 else 0  # noqa: PLR2004 - two figures are shown
    return f"{value:,.{digits}f}"


def figure_of(value: float | None, row: Row) -> str:
    """Write a figure in its row's unit."""
    return number(None if value is None else value * row.scale, counted=not row.unit)


def written(found: Middle | None, row: Row | None = None) -> str:
    """Write a median with the least and the most; of one round alone. Ratios have no row."""
    if found is None:
        return MISSING
    middle, least, most = (
        figure_of(value, row) if row else number(value)
        for value in (found.median, found.least, found.most)
    )
    return middle if found.count == 1 else f"{middle} ({least} to {most})"
