"""The figures that the bench shows, and how contenders compare in them. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from callfleet_rehearsal.bench.cell import WORKER_ROLES, Cell, of_worker
from callfleet_rehearsal.verdict import percentile

Figure = Callable[[Cell], float | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table, shown times ``scale`` in ``unit``. Less is better in all of them.

    ``under`` is the figure below which it stands, as a part of it or beside it. ``compared`` is
    false where contenders are made differently, so that their ratio says nothing.
    """

    key: str
    title: str
    unit: str
    of: Figure
    scale: float = 1.0
    compared: bool = True
    under: str = ""

    @property
    def heading(self) -> str:
        """Its title with its unit, set in where it stands below another."""
        indent = "  " if self.under else ""
        return f"{indent}{self.title}, {self.unit}" if self.unit else f"{indent}{self.title}"

    @property
    def name(self) -> str:
        """Its heading as it is understood alone."""
        return f"{self.under}, {self.heading.strip()}" if self.under else self.heading


_ADDED = "added by the fleet"
_SPREAD = (
    ("added", _ADDED, (50, 95, 99), ""),
    ("up", "of that, up to the model", (50, 95, 99), _ADDED),
    ("down", "of that, down to the caller", (50, 95, 99), _ADDED),
    ("ear", "of that, caller's jitter buffer", (50, 95, 99), _ADDED),
    ("model", "the model", (50, 95, 99), ""),
    ("dispatch", "let in to agent in the room", (50, 95), ""),
    ("dispatch_track", "let in to agent's track there", (50, 95), ""),
    ("answer", "joined to greeting heard", (50, 95), ""),
    ("barge_in", "barge-in in the first reply", (50, 95), ""),
)
_BUSY = "machine busy"
_ROLES = (
    ("worker parent", "of that, its first process"),
    ("worker calls", "of that, its other processes"),
    ("livekit-server", "beside it: the LiveKit server"),
    ("emulator", "beside it: the emulator"),
    ("callers", "beside it: the callers"),
    ("rehearsal", "beside it: the bench itself"),
)


def _at(name: str, percent: float) -> Figure:
    return lambda cell: percentile(getattr(cell, name), percent)


def _worker(name: str) -> Figure:
    return lambda cell: of_worker(getattr(cell, name))


def _role(name: str, role: str) -> Figure:
    return lambda cell: getattr(cell, name).get(role)


def _plain(name: str) -> Figure:
    return lambda cell: getattr(cell, name)


def _idle(name: str) -> Figure:
    return lambda cell: getattr(cell.idle, name, None)


def _cost(key: str, title: str, unit: str, name: str, scale: float = 1.0) -> tuple[Row, ...]:
    own = Row(key, title, unit, _worker(name), scale)
    rows = (
        Row(f"{key}: {role}", said, unit, _role(name, role), scale, role not in WORKER_ROLES, title)
        for role, said in _ROLES
    )
    return (own, *rows)


ROWS = (
    *(
        Row(
            f"{name}_p{percent}",
            f"{title}, p{percent}",
            "ms",
            _at(name, percent),
            1e3,
            under=under,
        )
        for name, title, percents, under in _SPREAD
        for percent in percents
    ),
    *_cost("cpu", "CPU of the worker", "s/call-min", "cpu_seconds_per_call_minute"),
    *_cost("memory", "memory of the worker (PSS)", "MB", "pss_bytes", 1e-6),
    *_cost(
        "switches",
        "context switches of the worker",
        "/call-s",
        "context_switches_per_call_second",
    ),
    Row("idle_memory", "memory with no call (PSS)", "MB", _idle("pss_bytes"), 1e-6),
    Row("idle_cpu", "CPU with no call", "% of a core", _idle("cores"), 100),
    Row("loss", "packets lost", "%", _plain("packet_loss_ratio"), 100),
    Row("lost", "calls lost", "", _plain("lost_calls")),
    Row("failed", "turns without an answer", "", _plain("failed_turns")),
    Row("crossed", "another call's replies", "", _plain("crossed")),
    Row("talked_over", "talked into a pause", "", _plain("talked_over")),
    Row("not_stopped", "talked on over the caller", "", _plain("not_stopped")),
    Row("busy", _BUSY, "%", _plain("machine_busy_ratio"), 100),
    Row("others", "of that, others", "%", _plain("machine_other_ratio"), 100, under=_BUSY),
    Row("steal", "withheld by the host", "%", _plain("machine_steal_ratio"), 100, under=_BUSY),
)
BY_KEY = {row.key: row for row in ROWS}


@dataclass(frozen=True, slots=True)
class Middle:
    """The median over the rounds that have the figure, the least and the most, and how many."""

    median: float
    least: float
    most: float
    count: int


def middle(values: Iterable[float | None]) -> Middle | None:
    """Take the middle of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Middle(median(known), min(known), max(known), len(known))


def figure(cells: Iterable[Cell], contender: str, calls: int, row: Row) -> Middle | None:
    """Give one figure of one contender over all rounds."""
    return middle(
        row.of(cell) for cell in cells if (cell.contender, cell.calls) == (contender, calls)
    )


def ratio(cells: Iterable[Cell], ours: str, theirs: str, calls: int, row: Row) -> Middle | None:
    """Divide ours by theirs, round by round, so that what drifts between rounds cancels out.

    A round counts where both have the figure; what is divided by nothing is no ratio.
    """
    rounds: dict[int, dict[str, float | None]] = {}
    for cell in cells if row.compared else ():
        if cell.calls == calls and cell.contender in {ours, theirs}:
            rounds.setdefault(cell.round, {})[cell.contender] = row.of(cell)
    return middle(divided(found.get(ours), found.get(theirs)) for found in rounds.values())


def divided(ours: float | None, theirs: float | None) -> float | None:
    """Divide what is known."""
    return None if ours is None or not theirs else ours / theirs
