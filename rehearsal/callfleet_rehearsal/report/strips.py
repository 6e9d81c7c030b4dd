"""Rows of a plot: samples as dots along an axis, and the axis that they share."""

from collections.abc import Callable

from callfleet_rehearsal.report.drawing import Axis, dot, line, text, ticks
from callfleet_rehearsal.report.figures import milliseconds
from callfleet_rehearsal.verdict import percentile


def strip(samples: tuple[float, ...], axis: Axis, y: float, look: str) -> list[str]:
    """Draw every sample, in seconds, as a dot around ``y``; p50 and p95 as ticks."""
    marks = []
    for index, sample in enumerate(samples):
        shift = ((index * 7) % 11 - 5) * 1.3
        marks.append(
            dot(axis.at(sample), y + shift, 3, look=f"{look} seen", tip=milliseconds(sample))
        )
    for percent in (50, 95):
        place = axis.at(percentile(samples, percent) or 0.0)
        marks.append(line(place, y - 12, place, y + 12, f"p{percent}"))
    return marks


def vertical_grid(axis: Axis, bottom: float, label: Callable[[float], str]) -> list[str]:
    """Draw a line at each round value, with what ``label`` calls it below."""
    marks = []
    for value in ticks(axis.low, axis.high, 6):
        x = axis.at(value)
        marks.append(line(x, 2, x, bottom, "grid"))
        marks.append(text(x, bottom + 16, label(value), "small middle"))
    return marks


def axis_milliseconds(seconds: float) -> str:
    """Write a place on an axis of seconds."""
    return f"{seconds * 1e3:.0f} ms"
