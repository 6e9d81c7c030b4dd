"""Draw what has one value now: figures, lengths, tables, and texts."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from callfleet_drawing.asking import Json, Labels, Line, Span, ask
from callfleet_drawing.frames import Drawn, coloured, promql, properties, unit
from callfleet_drawing.graphs import DIM, GRID, TEXT
from callfleet_drawing.units import shown

_CELL_CHARACTERS = 46
_MARKUP = re.compile(r"\*\*|`|(?<!\w)\*|\*(?!\w)")


def figure(axes: Axes, panel: Json, drawn: Sequence[Drawn]) -> None:
    """Draw one big value for each series, with its way there below."""
    axes.set_axis_off()
    has_names = panel["options"]["textMode"] == "value_and_name"
    for place, each in enumerate(drawn):
        left, width = place / len(drawn), 1 / len(drawn)
        colour = coloured(panel, each.properties, each.line.last)
        told = shown(each.line.last, *unit(panel, each.properties))
        size = 19 if has_names else 26
        axes.text(left + width / 2, 0.5, told, color=colour, size=size, weight="bold", **_MIDDLE)
        if has_names:
            name = "\n".join(textwrap.wrap(each.name, 24))
            axes.text(left + width / 2, 0.9, name, color=TEXT, size=8, ha="center", va="center")
        _spark(axes, each, (left + 0.01, width - 0.02), colour)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


_MIDDLE: dict[str, Any] = {"ha": "center", "va": "center"}


def _spark(axes: Axes, each: Drawn, place: tuple[float, float], colour: str) -> None:
    points = each.line.points
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return
    left, width = place
    begin, end = points[0][0], points[-1][0]
    values = [value for _, value in points]
    least, most = min(values), max(values)
    reach = (most - least) or 1
    x = [left + width * (at - begin) / (end - begin) for at, _ in points]
    y = [0.02 + 0.2 * (value - least) / reach for value in values]
    axes.fill_between(x, 0, y, color=colour, alpha=0.25, linewidth=0)
    axes.plot(x, y, color=colour, linewidth=0.9)


def lengths(axes: Axes, panel: Json, drawn: Sequence[Drawn]) -> None:
    """Draw a bar for each series."""
    axes.set_axis_off()
    most = panel["fieldConfig"]["defaults"].get("max") or max(
        (each.line.last for each in drawn), default=1
    )
    for place, each in enumerate(drawn):
        y = len(drawn) - place - 0.5
        colour = coloured(panel, each.properties, each.line.last)
        share = min(1.0, max(0.0, each.line.last / (most or 1)))
        axes.text(0, y + 0.24, each.name, color=TEXT, size=8, va="center")
        axes.barh(y - 0.1, 0.86, height=0.3, color=GRID)
        axes.barh(y - 0.1, 0.86 * share, height=0.3, color=colour, alpha=0.85)
        told = shown(each.line.last, *unit(panel, each.properties))
        axes.text(0.99, y - 0.1, told, color=colour, size=11, ha="right", va="center")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(len(drawn), 1))


def table(axes: Axes, panel: Json, url: str, span: Span) -> None:
    """Draw a row for each set of labels, a column for each query."""
    axes.set_axis_off()
    answers = [(query["legendFormat"], ask(url, query, span)) for query in promql(panel)]
    keys = sorted({_key(line.labels) for _, lines in answers for line in lines})
    labels = [name for name, _ in keys[0]] if keys else []
    columns = [*labels, *(title for title, _ in answers)]
    widths = _widths(columns, keys)
    for place, title in enumerate(columns):
        axes.text(widths[place], 0.97, title, color="#6e9fff", size=8.5, va="top")
    step = min(0.16, 0.85 / max(1, len(keys)))
    for row, key in enumerate(keys):
        y = 0.80 - row * step
        axes.axhline(y + step * 0.55, color=GRID, linewidth=0.6)
        for place, (_, value) in enumerate(key):
            axes.text(widths[place], y, value, color=TEXT, size=9, va="center")
        for place, (title, lines) in enumerate(answers, start=len(labels)):
            _cell(axes, panel, (widths[place], y), title, _value(lines, key))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items(), reverse=True))


def _widths(columns: Sequence[str], keys: Sequence[tuple[tuple[str, str], ...]]) -> list[float]:
    """Say where each column begins: long labels take more room."""
    longest = [len(title) + 4 for title in columns]
    for key in keys:
        for place, (_, value) in enumerate(key):
            longest[place] = max(longest[place], len(value) + 3)
    total = sum(longest)
    return [0.005 + sum(longest[:place]) / total for place in range(len(columns))]


def _value(lines: Sequence[Line], key: tuple[tuple[str, str], ...]) -> float | None:
    return next((line.last for line in lines if _key(line.labels) == key), None)


def _cell(
    axes: Axes, panel: Json, place: tuple[float, float], title: str, value: float | None
) -> None:
    if value is None:
        return
    own = properties(panel, title)
    colour = coloured(panel, own, value) if "thresholds" in own else TEXT
    axes.text(*place, shown(value, *unit(panel, own)), color=colour, size=9, va="center")


def text(axes: Axes, panel: Json) -> None:
    """Write a panel's text, without its marks."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    lines = panel["options"]["content"].splitlines()
    if any(line.startswith("|") for line in lines):
        _rows([line for line in lines if line.startswith("|") and "---" not in line], axes)
        return
    width = 9 * panel["gridPos"]["w"]
    plain = _MARKUP.sub("", " ".join(line.strip() or "\n" for line in lines))
    told = [
        wrapped
        for part in re.split(r"\n|(?<=\.) (?=\d\. )", plain)
        for wrapped in textwrap.wrap(part.strip(), width) or [""]
    ]
    axes.text(0, 1, "\n".join(told), color=TEXT, size=8.5, va="top", linespacing=1.5)


def _rows(lines: Sequence[str], axes: Axes) -> None:
    rows = [
        [_MARKUP.sub("", cell.strip()) for cell in line.strip("|").split("|")] for line in lines
    ]
    at = (0.0, 0.40, 0.48, 0.83)
    for place, row in enumerate(rows):
        y = 0.98 - place / (len(rows) + 0.3)
        for x, cell in zip(at, row, strict=False):
            colour = "#6e9fff" if place == 0 else TEXT
            told = "\n".join(textwrap.wrap(cell, _CELL_CHARACTERS))
            axes.text(x, y, told, color=colour, size=8, va="top")


def silent(axes: Axes, why: str) -> None:
    """Say why there is nothing to see."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, color=DIM, size=10, transform=axes.transAxes, **_MIDDLE)
