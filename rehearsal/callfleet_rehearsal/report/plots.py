"""The plots of the report: turns by stage, spread of each part, the residual."""

from callfleet_rehearsal.report.drawing import (
    Axis,
    line,
    nice_ceiling,
    picture,
    rect,
    text,
    ticks,
)
from callfleet_rehearsal.report.figures import Figure, milliseconds
from callfleet_rehearsal.report.strips import axis_milliseconds, strip, vertical_grid
from callfleet_rehearsal.verdict import MeasuredTurn, Residual, percentile

WIDTH = 1000.0
RESIDUAL_LIMIT_SECONDS = 0.020
_LEFT, _RIGHT = 66.0, 990.0
_NAMES = 290.0
_ROW = 34.0


def stacked_turns(turns: tuple[MeasuredTurn, ...], limit: float | None) -> str:
    """Draw a column for each turn, fastest first, made of its stages from the bottom up."""
    ordered = sorted(turns, key=lambda turn: turn.voice_to_voice_seconds)
    longest = max(turn.voice_to_voice_seconds for turn in ordered)
    # One turn of many seconds must not flatten all others: columns are cut off at the top.
    typical = percentile((turn.voice_to_voice_seconds for turn in ordered), 90) or longest
    top = nice_ceiling(max(min(longest, 2 * typical), limit or 0.0) * 1.05)
    height, base = 300.0, 270.0
    axis = Axis(0, top, base, 14)
    marks = _horizontal_grid(axis)
    step = (_RIGHT - _LEFT) / len(ordered)
    for index, turn in enumerate(ordered):
        marks += _column(turn, _LEFT + index * step, step, axis)
    if limit is not None:
        y = axis.at(limit)
        marks.append(line(_LEFT, y, _RIGHT, y, "limit"))
        marks.append(text(_LEFT + 4, y - 5, f"at most {milliseconds(limit)} at p95", "limit"))
    marks.append(text(_LEFT, height - 8, "fastest turn", "small"))
    marks.append(text(_RIGHT, height - 8, "slowest turn", "small end"))
    return picture(WIDTH, height, marks, "Response time of every turn by stage")


def _column(turn: MeasuredTurn, x: float, step: float, axis: Axis) -> list[str]:
    gap = min(2.0, step * 0.2)
    stages = {
        "uplink": turn.uplink_seconds,
        "silence": turn.silence_seconds,
        "thinking": turn.thinking_seconds,
        "downlink": turn.downlink_seconds,
        "ear": turn.ear_seconds,
    }
    if turn.model_seconds is None:
        stages = {"unknown": turn.arrival_seconds, "ear": turn.ear_seconds}
    known = {name: seconds for name, seconds in stages.items() if seconds is not None}
    parts = ", ".join(f"{name} {milliseconds(seconds)}" for name, seconds in known.items())
    total = milliseconds(turn.voice_to_voice_seconds)
    tip = f"call {turn.call}, turn {turn.turn} ({turn.kind}): {total} — {parts}"
    marks, reached = [], 0.0
    for name, seconds in known.items():
        y_low, y_high = axis.at(reached), axis.at(reached + max(seconds, 0.0))
        marks.append(
            rect((x + gap / 2, y_high), (step - gap, y_low - y_high), f"stage-{name}", tip)
        )
        reached += max(seconds, 0.0)
    return marks


def _horizontal_grid(axis: Axis) -> list[str]:
    marks = []
    for value in ticks(axis.low, axis.high):
        y = axis.at(value)
        marks.append(line(_LEFT, y, _RIGHT, y, "grid"))
        marks.append(text(_LEFT - 8, y + 4, axis_milliseconds(value), "small end"))
    return marks


def spreads(shown: tuple[Figure, ...]) -> str:
    """Draw a row for each part: every turn a dot, p50 and p95 as ticks."""
    rows = [figure for figure in shown if figure.key != "residual"]
    highest = max(percentile(figure.samples, 99) or 0.0 for figure in rows)
    axis = Axis(0, nice_ceiling(highest * 1.02), _NAMES, _RIGHT - 120)
    height = len(rows) * _ROW + 30
    marks = vertical_grid(axis, height - 24, axis_milliseconds)
    for index, figure in enumerate(rows):
        y = index * _ROW + _ROW / 2 + 2
        marks.append(text(_NAMES - 14, y + 4, figure.title, "end name"))
        marks += strip(figure.samples, axis, y, _look(figure))
        spread = figure.spread
        written = f"{milliseconds(spread.p50)} / {milliseconds(spread.p95)}"
        marks.append(text(WIDTH - 4, y + 4, written, "end value"))
    return picture(WIDTH, height, marks, "Spread of each part of the response time")


def _look(figure: Figure) -> str:
    totals = {"model": "thinking", "fleet": "uplink", "arrival": "both", "heard": "both"}
    return f"stage-{totals.get(figure.key, figure.key)}"


def residuals(residual: Residual) -> str:
    """Draw what inside figures do not explain: in all, and component by component."""
    turns = residual.turns
    rows = (
        ("in all", tuple(t.total_seconds for t in turns)),
        ("up to the model", tuple(t.uplink_seconds for t in turns if t.uplink_seconds is not None)),
        ("the model", tuple(t.model_seconds for t in turns if t.model_seconds is not None)),
        (
            "down to the caller",
            tuple(t.downlink_seconds for t in turns if t.downlink_seconds is not None),
        ),
    )
    shown = [(name, samples) for name, samples in rows if samples]
    widest = max(max(abs(sample) for sample in samples) for _, samples in shown)
    reach = nice_ceiling(min(max(widest, 1.5 * RESIDUAL_LIMIT_SECONDS), 0.2))
    axis = Axis(-reach, reach, _NAMES, _RIGHT - 120)
    height = len(shown) * _ROW + 30
    left, right = axis.at(-RESIDUAL_LIMIT_SECONDS), axis.at(RESIDUAL_LIMIT_SECONDS)
    marks = [rect((left, 2), (right - left, height - 26), "band")]
    marks += vertical_grid(axis, height - 24, axis_milliseconds)
    for index, (name, samples) in enumerate(shown):
        y = index * _ROW + _ROW / 2 + 2
        marks.append(text(_NAMES - 14, y + 4, name, "end name"))
        marks += strip(samples, axis, y, "stage-both")
        p50, p95 = (milliseconds(percentile(samples, percent)) for percent in (50, 95))
        marks.append(text(WIDTH - 4, y + 4, f"{p50} / {p95}", "end value"))
    return picture(WIDTH, height, marks, "Outside figures less inside figures")
