"""Draw a flame graph: a function's width is its time, what it calls stands on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

from callfleet_rehearsal.profile.stacks import Stack, part_of, title_of

WIDTH, ROW, HEAD = 1600, 17, 30
_LEAST_WIDTH = 0.4
_LETTER = 6.4
_HUES = {"callfleet": 205, "livekit": 30, "google": 110, "websockets": 280, "asyncio": 60}


@dataclass(slots=True)
class _Node:
    """A function at one place of the graph; its time holds that of what it calls."""

    title: str
    part: str
    seconds: float = 0.0
    inner: dict[str, "_Node"] = field(default_factory=dict)

    def depth(self) -> int:
        return 1 + max((node.depth() for node in self.inner.values()), default=0)


def flame_graph(seconds: Mapping[Stack, float], heading: str) -> str:
    """Draw stacks and their seconds as an SVG of ``WIDTH`` pixels; names show under the mouse."""
    root = _Node("all", "")
    for stack, spent in seconds.items():
        node = root
        node.seconds += spent
        for frame in stack:
            title = title_of(frame)
            node = node.inner.setdefault(title, _Node(title, part_of(frame)))
            node.seconds += spent
    height = HEAD + root.depth() * ROW + ROW
    body = "\n".join(_boxes(root, 0.0, 0, height, root.seconds)) if root.seconds else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="8" y="20" font-size="14">{escape(heading)}</text>\n{body}\n</svg>\n'
    )


def _boxes(node: _Node, left: float, level: int, height: int, total: float) -> Iterator[str]:
    width = node.seconds / total * WIDTH
    if width < _LEAST_WIDTH:
        return
    top = height - (level + 2) * ROW
    share = f"{node.title}: {node.seconds:.2f} s, {node.seconds / total:.1%}"
    letters = int(width / _LETTER) - 1
    label = node.title if len(node.title) <= letters else node.title[: max(0, letters - 1)] + "…"
    shown = f'<text x="{left + 3:.1f}" y="{top + 12}">{escape(label)}</text>' if letters > 2 else ""  # noqa: PLR2004 - shorter says nothing
    yield (
        f'<g><title>{escape(share)}</title><rect x="{left:.1f}" y="{top}" width="{width:.1f}" '
        f'height="{ROW - 1}" fill="{_colour(node.part)}"/>{shown}</g>'
    )
    for inner in sorted(node.inner.values(), key=lambda one: one.title):
        yield from _boxes(inner, left, level + 1, height, total)
        left += inner.seconds / total * WIDTH


def _colour(part: str) -> str:
    hue = next((hue for name, hue in _HUES.items() if part.startswith(name)), None)
    return "#ddd" if hue is None else f"hsl({hue},70%,75%)"
