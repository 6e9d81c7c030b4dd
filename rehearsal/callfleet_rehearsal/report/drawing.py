"""Draw SVG as text: an axis, ticks, marks with a tooltip. No library, no script, no resource."""

import math
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values from ``low`` to ``high`` onto places from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value; values outside are drawn at the edge."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


def nice_ceiling(value: float) -> float:
    """The next round number: 1, 1.5, 2, 3, 4, 5, 6 or 8 with zeros."""
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    steps = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
    return next(step * size for step in steps if step * size >= value * (1 - 1e-9))


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values between two, about ``count`` of them."""
    raw = (high - low) / count
    size = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 9) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def rect(place: tuple[float, float], size: tuple[float, float], look: str, tip: str = "") -> str:
    """A bar; at least half a pixel wide, so that it can be seen."""
    (x, y), (width, height) = place, size
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" '
        f'height="{max(height, 0.0):.1f}" class="{look}">{_tip(tip)}</rect>'
    )


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{look}"/>'


def dot(x: float, y: float, radius: float, *, look: str, tip: str = "") -> str:
    """A dot."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{look}">{_tip(tip)}</circle>'


def text(x: float, y: float, words: str, look: str = "") -> str:
    """Words; ``look`` may align them: ``end`` or ``middle``."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{look}">{escape(words)}</text>'


def picture(width: float, height: float, marks: list[str], title: str) -> str:
    """Put marks into one picture that scales with the page and has a name for screen readers."""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(marks)}</svg>"
    )


def _tip(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""
