"""Draw what changes over time: lines, stacks, bars, heatmaps, states."""

import time
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from callfleet_drawing.asking import Json, Labels, Span
from callfleet_drawing.frames import COLOURS, Drawn, steps, unit
from callfleet_drawing.units import shown

GRID, TEXT, DIM = "#2c3038", "#ccccdc", "#8e8e9a"
_SMALL = 7.5
_OF_A_WINDOW = 0.9
_TICKS = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_MOST_TICKS = 7
_WORTH_A_WORD = 0.012
"""Of the width, for each letter."""
Dots = Sequence[tuple[float, float, Labels]]


def graph(axes: Axes, panel: Json, drawn: Sequence[Drawn], dots: Dots, span: Span) -> None:
    """Draw lines, or areas or bars on top of each other."""
    custom = panel["fieldConfig"]["defaults"]["custom"]
    if custom["drawStyle"] == "bars":
        _bars(axes, drawn, span)
    elif "stacking" in custom:
        _stack(axes, drawn, custom["fillOpacity"], span)
    else:
        _lines(axes, drawn, custom["fillOpacity"], span)
    for at, value, _ in dots:
        axes.plot(at, value, marker="D", markersize=4, color="#5794f2", mec="#181b1f")
    peak = max(value for each in drawn for _, value in each.line.points)
    _range(axes, panel, peak)
    _limits(axes, panel)
    _clock(axes, span)


def _lines(axes: Axes, drawn: Sequence[Drawn], opacity: int, span: Span) -> None:
    for each in drawn:
        times, values = _with_gaps(each, span)
        axes.plot(times, values, color=each.colour, linewidth=1.3, solid_joinstyle="round")
        axes.fill_between(times, 0, values, color=each.colour, alpha=opacity / 100, linewidth=0)
        for at, value in _alone(each, span):
            axes.plot(at, value, marker="o", markersize=2.5, color=each.colour)


def _with_gaps(each: Drawn, span: Span) -> tuple[list[float], list[float]]:
    times, values, before = list[float](), list[float](), None
    for at, value in each.line.points:
        if before is not None and at - before > 1.5 * span.step:
            times.append(before + span.step / 2)
            values.append(float("nan"))
        times.append(at)
        values.append(value)
        before = at
    return times, values


def _alone(each: Drawn, span: Span) -> list[tuple[float, float]]:
    """Give the points that no line leads to."""
    times = [at for at, _ in each.line.points]
    near = 1.5 * span.step
    return [
        (at, value)
        for place, (at, value) in enumerate(each.line.points)
        if (place == 0 or at - times[place - 1] > near)
        and (place + 1 == len(times) or times[place + 1] - at > near)
    ]


def _on_one_clock(drawn: Sequence[Drawn], span: Span) -> tuple[list[float], list[list[float]]]:
    count = int(span.seconds / span.step) + 1
    times = [span.start + place * span.step for place in range(count)]
    rows = []
    for each in drawn:
        row = [0.0] * count
        for at, value in each.line.points:
            row[min(count - 1, max(0, round((at - span.start) / span.step)))] = value
        rows.append(row)
    return times, rows


def _there(drawn: Sequence[Drawn], span: Span) -> list[bool]:
    """Say at which times there was any value."""
    there = [False] * (int(span.seconds / span.step) + 1)
    for each in drawn:
        for at, _ in each.line.points:
            there[min(len(there) - 1, max(0, round((at - span.start) / span.step)))] = True
    return there


def _stack(axes: Axes, drawn: Sequence[Drawn], opacity: int, span: Span) -> None:
    times, rows = _on_one_clock(drawn, span)
    at = times
    bottom = np.where(_there(drawn, span), 0.0, np.nan)
    for each, row in zip(drawn, rows, strict=True):
        top = bottom + np.array(row)
        axes.fill_between(at, bottom, top, color=each.colour, alpha=opacity / 100, linewidth=0)
        bottom = top


def _bars(axes: Axes, drawn: Sequence[Drawn], span: Span) -> None:
    times, rows = _on_one_clock(drawn, span)
    # Windows overlap. With bars a little less than one apart, for its first scrape only begins it,
    # hardly anything is shown twice, and nothing never.
    every = max(1, int(_OF_A_WINDOW * span.window / span.step))
    width = 0.8 * every * span.step
    at = times[::every]
    bottom = np.zeros(len(at))
    for each, row in zip(drawn, rows, strict=True):
        heights = np.array(row[::every])
        axes.bar(at, heights, width, bottom, color=each.colour, alpha=0.85, linewidth=0)
        bottom = bottom + heights


def _limits(axes: Axes, panel: Json) -> None:
    custom = panel["fieldConfig"]["defaults"]["custom"]
    if "thresholdsStyle" in custom:
        for value, colour in steps(panel, {}):
            if value is not None and value <= axes.get_ylim()[1]:
                axes.axhline(value, color=colour, linewidth=1, linestyle=(0, (5, 4)))


def _range(axes: Axes, panel: Json, peak: float) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    least, most = axes.get_ylim()
    if "min" in defaults:
        least = defaults["min"]
    whole = defaults.get("decimals") == 0
    soft = defaults["custom"].get("axisSoftMax")
    if peak <= 0:
        most = 0 if soft else 1
    axes.set_ylim(least, max(most, soft or 0, least + 1 if whole else least))
    name, decimals = unit(panel, {})
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=defaults.get("decimals") == 0))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, name, decimals)))


def _clock(axes: Axes, span: Span) -> None:
    axes.set_xlim(span.start, span.end)
    apart = next((each for each in _TICKS if span.seconds / each <= _MOST_TICKS), _TICKS[-1])
    first = span.start - span.start % apart + apart
    axes.xaxis.set_major_locator(FixedLocator(list(np.arange(first, span.end, apart))))
    form = "%H:%M" if apart % 60 == 0 else "%H:%M:%S"
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda at, _: time.strftime(form, time.gmtime(at)))
    )
    axes.tick_params(colors=DIM, labelsize=_SMALL, length=0)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def heat(axes: Axes, panel: Json, drawn: Sequence[Drawn], dots: Dots, span: Span) -> None:
    """Draw how many observations there were in each bucket."""
    known = sorted(drawn, key=lambda each: float(each.line.labels["le"]))
    times, rows = _on_one_clock(known, span)
    every = max(1, round(span.window / span.step))
    counts = np.maximum(0, np.diff(np.array(rows)[:, ::every], axis=0, prepend=0))
    names = [each.line.labels["le"] for each in known]
    at = times[::every]
    edges = [*at, at[-1] + (at[1] - at[0])]
    shades = np.ma.masked_less_equal(counts**0.5, 1e-6)
    axes.pcolormesh(edges, range(len(names) + 1), shades, cmap="Oranges", vmin=-0.5)
    bounds = [0.0, *(float(name) for name in names if name != "+Inf")]
    for when, value, _ in dots:
        place = float(np.interp(value, bounds, range(len(bounds))))
        axes.plot(when, place, marker="D", markersize=4, color="#5794f2", mec="#181b1f")
    name, decimals = unit(panel, {})
    axes.set_yticks(
        [place + 1 for place in range(len(names) - 1)],
        [shown(float(each), name, decimals) for each in names[:-1]],
    )
    _clock(axes, span)


def words_of(panel: Json) -> dict[str, tuple[str, str]]:
    """Give the words and the colours that values are shown in."""
    return {
        value: (told["text"], COLOURS[told["color"]])
        for mapping in panel["fieldConfig"]["defaults"]["mappings"]
        for value, told in mapping["options"].items()
    }


def states(axes: Axes, panel: Json, drawn: Sequence[Drawn], span: Span) -> None:
    """Draw a strip for each series: what it was, from when to when."""
    words = words_of(panel)
    for place, each in enumerate(reversed(drawn)):
        for start, end, value in _pieces(each, span):
            text, colour = words.get(f"{value:g}", (f"{value:g}", each.colour))
            axes.barh(place, end - start, left=start, height=0.8, color=colour, alpha=0.75)
            if end - start > _WORTH_A_WORD * len(text) * span.seconds:
                middle = (start + end) / 2
                axes.text(middle, place, text, color="#111217", size=8, ha="center", va="center")
    axes.set_yticks(range(len(drawn)), [each.name for each in reversed(drawn)])
    axes.set_ylim(-0.6, max(len(drawn), 1) - 0.4)
    _clock(axes, span)
    axes.grid(visible=False, axis="y")


def _pieces(each: Drawn, span: Span) -> list[tuple[float, float, float]]:
    """Put points of one value into one piece: start, end, value."""
    found: list[tuple[float, float, float]] = []
    for at, value in each.line.points:
        if found and found[-1][2] == value and at - found[-1][1] < span.step / 2:
            found[-1] = (found[-1][0], at + span.step, value)
        else:
            found.append((at, at + span.step, value))
    return found
