"""The bench as tables on a terminal, and in one line."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from callfleet_rehearsal.bench.contenders import OURS, PLAIN, Contender
from callfleet_rehearsal.bench.figures import ROWS, Cell, Middle, figure, ratio

_BY_KEY = {row.key: row for row in ROWS}
HEADLINE_CALLS = 10


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
            title = f"{row.title}, {row.unit}" if row.unit else row.title
            figures = [
                _written(figure(cells, one.key, calls, row), row.scale) for one in contenders
            ]
            ratios = [_ratio(ratio(cells, OURS.key, one.key, calls, row)) for one in others]
            made.add_row(title, *figures, *ratios)
        yield made


def last_line(cells: Sequence[Cell]) -> str:
    """Say in one line what ours is of plain."""
    most = HEADLINE_CALLS
    if not any(cell.calls == most for cell in cells):
        most = max((cell.calls for cell in cells), default=0)
    shown = {"p95": "added_p95", "cpu": "cpu", "memory": "memory"}
    parts = []
    for name, key in shown.items():
        found = ratio(cells, OURS.key, PLAIN.key, most, _BY_KEY[key])
        parts.append(f"{name}={found.median:.2f}" if found else f"{name}=?")
    return f"bench: {' '.join(parts)}"


def _written(found: Middle | None, scale: float) -> str:
    if found is None:
        return ""
    digits = 2 if abs(found.median * scale) < 10 else 0  # noqa: PLR2004 - two figures are shown
    least, most = found.least * scale, found.most * scale
    return f"{found.median * scale:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def _ratio(found: Middle | None) -> str:
    return f"{found.median:.2f} ({found.least:.2f} to {found.most:.2f})" if found else ""
