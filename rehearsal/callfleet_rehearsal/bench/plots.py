"""The plots of the bench: for each number of calls, latency, its parts, CPU and memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from callfleet_rehearsal.bench.cell import Cell
from callfleet_rehearsal.bench.figures import BY_KEY, figure
from callfleet_rehearsal.bench.table import number, written
from callfleet_rehearsal.report.drawing import Axis, line, nice_ceiling, picture, rect, text
from callfleet_rehearsal.report.figures import milliseconds
from callfleet_rehearsal.report.strips import axis_milliseconds, strip, vertical_grid
from callfleet_rehearsal.verdict import percentile

WIDTH = 1000.0
_NAMES, _RIGHT = 96.0, 990.0
_VALUES = 210.0
_ROW, _BAR = 40.0, 18.0

PARTS = (
    ("up_p50", "caller to model", "stage-uplink"),
    ("model_p50", "the model", "stage-thinking"),
    ("down_p50", "model to caller", "stage-downlink"),
    ("ear_p50", "caller's jitter buffer", "stage-ear"),
)
WORKER = (
    ("worker parent", "the worker's first process", "stage-uplink"),
    ("worker calls", "its other processes", "stage-downlink"),
)
BESIDE = (
    ("livekit-server", "LiveKit server", "stage-tool"),
    ("emulator", "emulator", "stage-thinking"),
    ("callers", "callers", "stage-silence"),
)


@dataclass(frozen=True, slots=True)
class _Bar:
    """One contender's bar: parts as length and look, what is written beside it, its spread."""

    name: str
    parts: tuple[tuple[float, str, str], ...]
    value: str
    spread: tuple[float, float] | None = None

    @property
    def length(self) -> float:
        return max(sum(part[0] for part in self.parts), self.spread[1] if self.spread else 0.0)


def added(cells: Sequence[Cell], whose: Iterable[str]) -> str:
    """Draw what was added to every turn of all rounds, a row for each contender."""
    rows = [(who, [cell for cell in cells if cell.contender == who]) for who in whose]
    samples = {who: tuple(one for cell in own for one in cell.added) for who, own in rows}
    reach = max((percentile(one, 97) or 0.0 for one in samples.values()), default=0.0)
    axis = Axis(0, nice_ceiling(max(reach, 0.01) * 1.05), _NAMES, _RIGHT - _VALUES)
    height = len(rows) * _ROW + 30
    marks = vertical_grid(axis, height - 24, axis_milliseconds)
    for index, (who, own) in enumerate(rows):
        y = index * _ROW + _ROW / 2 + 2
        failed, due = sum(cell.failed_turns for cell in own), sum(cell.turns for cell in own)
        marks.append(text(_NAMES - 14, y + 4, who, "end name"))
        marks += strip(samples[who], axis, y, "stage-uplink") if samples[who] else []
        spread = [milliseconds(percentile(samples[who], percent)) for percent in (50, 95)]
        marks.append(text(WIDTH - 4, y - 3, " / ".join(spread), "end value"))
        look = "end bad" if failed else "end value"
        marks.append(text(WIDTH - 4, y + 12, f"{failed} of {due} turns failed", look))
    return picture(WIDTH, height, marks, "Added by the fleet to every turn")


def parts(cells: Sequence[Cell], whose: Iterable[str], calls: int) -> str:
    """Draw the medians of what a reply's time is made of."""
    bars = []
    for who in whose:
        found = [(figure(cells, who, calls, BY_KEY[key]), said, look) for key, said, look in PARTS]
        known = tuple((one.median, said, look) for one, said, look in found if one)
        value = " + ".join(f"{one[0] * 1e3:.0f}" for one in known)
        bars.append(_Bar(who, known, f"{value} ms" if known else "not measured"))
    return _bars(bars, "Where the time goes", 1e3, "ms")


def cpu(cells: Sequence[Cell], whose: Iterable[str], calls: int) -> str:
    """Draw the CPU of the worker, and of what is measured beside it."""
    roles = (*WORKER, *BESIDE)
    bars = [_of_roles(cells, who, calls, "cpu", roles) for who in whose]
    return _bars(bars, "CPU seconds of a call-minute", 1.0, "s")


def memory(cells: Sequence[Cell], whose: Iterable[str], calls: int) -> str:
    """Draw the worker's memory, with the least and the most of all rounds."""
    bars = [_of_roles(cells, who, calls, "memory", WORKER) for who in whose]
    return _bars(bars, "Memory of the worker", 1e-6, "MB")


def _of_roles(
    cells: Sequence[Cell],
    who: str,
    calls: int,
    key: str,
    roles: tuple[tuple[str, str, str], ...],
) -> _Bar:
    row = BY_KEY[key]
    found = {role: figure(cells, who, calls, BY_KEY[f"{key}: {role}"]) for role, _, _ in roles}
    known = {role: one.median for role, one in found.items() if one is not None}
    own = figure(cells, who, calls, row)
    return _Bar(
        who,
        tuple((known[role], said, look) for role, said, look in roles if role in known),
        f"{written(own, row)} {row.unit.partition('/')[0]}" if own else "not measured",
        (own.least, own.most) if own else None,
    )


def _bars(bars: Sequence[_Bar], title: str, scale: float, unit: str) -> str:
    longest = max((bar.length for bar in bars), default=0.0)
    axis = Axis(0, nice_ceiling((longest or 1.0) * scale) / scale, _NAMES, _RIGHT - _VALUES)
    height = len(bars) * _ROW + 30
    shown = Axis(0, axis.high * scale, axis.start, axis.end)
    marks = vertical_grid(shown, height - 24, lambda value: f"{value:g} {unit}")
    for index, bar in enumerate(bars):
        marks += _bar(bar, index * _ROW + _ROW / 2 + 2, axis, f" {unit}", scale)
    return picture(WIDTH, height, marks, title)


def _bar(bar: _Bar, y: float, axis: Axis, unit: str, scale: float) -> list[str]:
    marks = [text(_NAMES - 14, y + 4, bar.name, "end name")]
    reached = 0.0
    for length, said, look in bar.parts:
        x, to = axis.at(reached), axis.at(reached + length)
        tip = f"{bar.name}: {said} {number(length * scale)}{unit}"
        marks.append(rect((x, y - _BAR / 2), (to - x, _BAR), look, tip))
        reached += length
    if bar.spread is not None:
        low, high = (axis.at(value) for value in bar.spread)
        marks.append(line(low, y, high, y, "p50"))
        marks += [line(x, y - 5, x, y + 5, "p50") for x in (low, high)]
    marks.append(text(WIDTH - 4, y + 4, bar.value, "end value"))
    return marks


def keys_of(parts_shown: Iterable[tuple[str, str, str]]) -> Mapping[str, str]:
    """Give what each colour stands for."""
    return {look: said for _, said, look in parts_shown}
