"""Lay a board's panels out as Grafana does, and draw each from the answers to its queries."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from PIL import Image

from callfleet_drawing import figures, graphs
from callfleet_drawing.asking import Json, Span, exemplars
from callfleet_drawing.frames import Drawn, promql, series

_COLUMN, _ROW, _GAP, _HEAD = 66.0, 38.0, 8.0, 56.0
"""In pixels: a column and a row of the grid, what is between panels, and the line above them."""
_COLUMNS = 24
_DPI = 100
_TITLE, _LEGEND = 26.0, 20.0
_HUES = 256
_EVERY_HUE = Image.Quantize.MAXCOVERAGE
_BACK, _PANEL, _EDGE = "#111217", "#181b1f", "#25272e"

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""


def draw(board: Json, url: str, span: Span, file: Path) -> None:
    """Draw one board into a PNG file."""
    mpl.rcParams["font.family"] = "DejaVu Sans"
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    page = _Page(_COLUMNS * _COLUMN, rows * _ROW + _HEAD)
    page.write(board["title"], 14, 34, size=14, weight="bold")
    for panel in board["panels"]:
        box = _box(panel)
        if panel["type"] == "row":
            page.write(f"▾  {panel['title']}", box[0], box[1] + 22, size=10.5, weight="bold")
        else:
            _draw_panel(page, panel, box, url, span)
    drawn = io.BytesIO()
    page.figure.savefig(drawn, dpi=_DPI, facecolor=_BACK, format="png")
    # Few colours make a small file, of which git keeps each that ever was.
    Image.open(drawn).convert("RGB").quantize(_HUES, _EVERY_HUE).save(file, optimize=True)


def _box(panel: Json) -> Box:
    place = panel["gridPos"]
    left, top = place["x"] * _COLUMN + _GAP / 2, place["y"] * _ROW + _HEAD + _GAP / 2
    return left, top, place["w"] * _COLUMN - _GAP, place["h"] * _ROW - _GAP


class _Page:
    """A figure on which places are given in pixels from the top left."""

    def __init__(self, width: float, height: float) -> None:
        self._width, self._height = width, height
        self.figure = Figure(figsize=(width / _DPI, height / _DPI))

    def write(self, text: str, left: float, base: float, **style: object) -> None:
        told: dict[str, Any] = {"color": graphs.TEXT, **style}
        self.figure.text(left / self._width, 1 - base / self._height, text, **told)

    def frame(self, box: Box) -> None:
        left, top, width, height = box
        corner = (left / self._width, 1 - (top + height) / self._height)
        size = (width / self._width, height / self._height)
        patch = FancyBboxPatch(
            corner, *size, "square,pad=0", facecolor=_PANEL, edgecolor=_EDGE, linewidth=1, zorder=-1
        )
        self.figure.add_artist(patch)

    def square(self, left: float, base: float, colour: str) -> None:
        corner = (left / self._width, 1 - base / self._height)
        size = (9 / self._width, 3 / self._height)
        self.figure.add_artist(Rectangle(corner, *size, color=colour))

    def axes(self, box: Box) -> Axes:
        left, top, width, height = box
        place = (
            left / self._width,
            1 - (top + height) / self._height,
            width / self._width,
            height / self._height,
        )
        return self.figure.add_axes(place, facecolor="none")


def _draw_panel(page: _Page, panel: Json, box: Box, url: str, span: Span) -> None:
    page.frame(box)
    left, top, width, height = box
    page.write(panel["title"], left + 10, top + 19, size=9.5, weight="bold")
    inner = (left + 12, top + _TITLE + 4, width - 24, height - _TITLE - 12)
    kind = panel["type"]
    if kind == "text":
        figures.text(page.axes(inner), panel)
    elif kind == "table":
        figures.table(page.axes(inner), panel, url, span)
    elif not any(promql(panel)):
        figures.silent(page.axes(inner), f"from {panel['datasource']['type'].capitalize()}")
    else:
        drawn = series(panel, url, span)
        if not drawn:
            figures.silent(page.axes(inner), "No data")
        elif kind in ("stat", "bargauge"):
            {"stat": figures.figure, "bargauge": figures.lengths}[kind](
                page.axes(inner), panel, drawn
            )
        else:
            dots = [
                dot
                for query in promql(panel)
                if query.get("exemplar")
                for dot in exemplars(url, query, span)
            ]
            _draw_over_time(page, panel, box, Answers(drawn, dots, span))


@dataclass(frozen=True, slots=True)
class Answers:
    """What a graph shows: series, single events, and of when."""

    drawn: list[Drawn]
    dots: graphs.Dots
    span: Span


def _draw_over_time(page: _Page, panel: Json, box: Box, answers: Answers) -> None:
    drawn, dots, span = answers.drawn, answers.dots, answers.span
    left, top, width, height = box
    kind = panel["type"]
    lines = _legend(page, _named(panel, drawn), box)
    margin = 7.2 * max(len(each.name) for each in drawn) if kind == "state-timeline" else 62
    below = 26 + lines * _LEGEND
    place = (left + margin, top + _TITLE + 6, width - margin - 14, height - _TITLE - 6 - below)
    axes = page.axes(place)
    if kind == "heatmap":
        graphs.heat(axes, panel, drawn, dots, span)
    elif kind == "state-timeline":
        graphs.states(axes, panel, drawn, span)
    else:
        graphs.graph(axes, panel, drawn, dots, span)


def _named(panel: Json, drawn: list[Drawn]) -> list[tuple[str, str]]:
    """Give what a legend names, with colours: series, or the states that they are in."""
    if panel["type"] == "timeseries":
        return [(each.name, each.colour) for each in drawn]
    if panel["type"] == "state-timeline":
        seen = {f"{value:g}" for each in drawn for _, value in each.line.points}
        return [told for value, told in graphs.words_of(panel).items() if value in seen]
    return []


def _legend(page: _Page, named: list[tuple[str, str]], box: Box) -> int:
    """Write names below the graph, in as many lines as they need, two at most."""
    left, top, width, height = box
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for name, colour in named:
        wide = 24 + 5.6 * len(name)
        if used + wide > width - 20 and rows[-1]:
            rows.append([])
            used = 0.0
        rows[-1].append((name, colour))
        used += wide
    rows = rows[:2] if named else []
    for place, row in enumerate(rows):
        base = top + height - 8 - (len(rows) - 1 - place) * (_LEGEND - 4)
        x = left + 12
        for name, colour in row:
            page.square(x, base - 3, colour)
            page.write(name, x + 14, base, size=7.5)
            x += 24 + 5.6 * len(name)
    return len(rows)
