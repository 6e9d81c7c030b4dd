"""What the bench measured, cell by cell, and how contenders compare. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Self

from callfleet_rehearsal.evidence import CallRecord
from callfleet_rehearsal.measuring import by_call_and_turn, faults_of, measure
from callfleet_rehearsal.verdict import Evidence, FaultKind, percentile

WORKER_ROLES = ("worker parent", "worker calls")


@dataclass(frozen=True, slots=True)
class Idle:
    """A worker with no call: cores that it keeps busy, and its share of memory."""

    cores: float = 0.0
    pss_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One contender with so many calls, in one round. Times are in seconds, one for each turn."""

    contender: str
    round: int
    calls: int
    added: tuple[float, ...] = ()
    up: tuple[float, ...] = ()
    model: tuple[float, ...] = ()
    down: tuple[float, ...] = ()
    answer: tuple[float, ...] = ()
    barge_in: tuple[float, ...] = ()
    cpu_seconds_per_call_minute: Mapping[str, float] = field(default_factory=dict)
    pss_bytes: int = 0
    context_switches_per_call_second: float = 0.0
    packet_loss_ratio: float = 0.0
    turns: int = 0
    failed_turns: int = 0
    crossed: int = 0
    talked_over: int = 0
    lost_calls: int = 0
    idle: Idle = field(default_factory=Idle)
    machine_busy_ratio: float = 0.0
    machine_other_ratio: float = 0.0

    @classmethod
    def of(cls, contender: str, number: int, calls: int, evidence: Evidence) -> Self:
        """Take from the evidence what is compared."""
        measured = measure(evidence.calls, by_call_and_turn(evidence.model_turns))
        faults = [fault.kind for call in evidence.calls for fault in faults_of(call)]
        turns = [turn for call in evidence.calls for turn in call.turns]
        minutes = sum(_seconds(call) for call in evidence.calls) / 60 or 1.0
        machine = evidence.machine
        return cls(
            contender=contender,
            round=number,
            calls=calls,
            added=_known(turn.fleet_added_seconds for turn in measured),
            up=_known(turn.uplink_seconds for turn in measured),
            model=_known(turn.model_seconds for turn in measured),
            down=_known(turn.downlink_seconds for turn in measured),
            answer=tuple(
                (call.greeting_heard_ns - call.joined_ns) / 1e9
                for call in evidence.calls
                if call.greeting_heard_ns is not None and call.joined_ns is not None
            ),
            barge_in=tuple(
                (turn.barge_in_silent_ns - turn.barge_in_onset_ns) / 1e9
                for turn in turns
                if turn.barge_in_silent_ns is not None and turn.barge_in_onset_ns is not None
            ),
            cpu_seconds_per_call_minute={
                cost.role: cost.cpu_seconds / minutes for cost in evidence.costs
            },
            pss_bytes=sum(c.pss_bytes for c in evidence.costs if c.role in WORKER_ROLES),
            packet_loss_ratio=_loss(evidence.calls),
            turns=len(turns),
            failed_turns=len(turns) - len(measured),
            crossed=faults.count(FaultKind.CROSSED),
            talked_over=sum(turn.talked_into_pause for turn in turns),
            lost_calls=sum(call.greeting_heard_ns is None for call in evidence.calls),
            machine_busy_ratio=machine.busy_ratio if machine else 0.0,
            machine_other_ratio=machine.other_cpu_ratio if machine else 0.0,
        )

    @property
    def worker_cpu(self) -> float:
        """CPU seconds a call-minute of all that the worker is."""
        return sum(self.cpu_seconds_per_call_minute.get(role, 0.0) for role in WORKER_ROLES)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table. Less is better in every one of them."""

    key: str
    title: str
    unit: str
    of: Callable[[Cell], float | None]
    scale: float = 1.0


def _at(name: str, percent: float) -> Callable[[Cell], float | None]:
    return lambda cell: percentile(getattr(cell, name), percent)


ROWS = (
    Row("added_p50", "added by the fleet, p50", "ms", _at("added", 50), 1e3),
    Row("added_p95", "added by the fleet, p95", "ms", _at("added", 95), 1e3),
    Row("added_p99", "added by the fleet, p99", "ms", _at("added", 99), 1e3),
    Row("up_p50", "up to the model, p50", "ms", _at("up", 50), 1e3),
    Row("up_p95", "up to the model, p95", "ms", _at("up", 95), 1e3),
    Row("model_p50", "the model, p50", "ms", _at("model", 50), 1e3),
    Row("down_p50", "down to the caller, p50", "ms", _at("down", 50), 1e3),
    Row("down_p95", "down to the caller, p95", "ms", _at("down", 95), 1e3),
    Row("answer_p50", "joined to greeting heard, p50", "ms", _at("answer", 50), 1e3),
    Row("answer_p95", "joined to greeting heard, p95", "ms", _at("answer", 95), 1e3),
    Row("barge_in_p95", "barge-in in the first reply, p95", "ms", _at("barge_in", 95), 1e3),
    Row("cpu", "CPU of the worker", "s/call-min", lambda cell: cell.worker_cpu),
    Row("memory", "memory of the worker (PSS)", "MB", lambda cell: cell.pss_bytes, 1e-6),
    Row(
        "switches",
        "context switches of the worker",
        "/call-s",
        lambda cell: cell.context_switches_per_call_second,
    ),
    Row("idle_memory", "memory with no call (PSS)", "MB", lambda cell: cell.idle.pss_bytes, 1e-6),
    Row("idle_cpu", "CPU with no call", "% of a core", lambda cell: cell.idle.cores, 100),
    Row("loss", "packets lost", "%", lambda cell: cell.packet_loss_ratio, 100),
    Row("failed", "turns without an answer", "", lambda cell: cell.failed_turns),
    Row("crossed", "another call's replies", "", lambda cell: cell.crossed),
    Row("talked_over", "talked into a pause", "", lambda cell: cell.talked_over),
    Row("busy", "machine busy", "%", lambda cell: cell.machine_busy_ratio, 100),
    Row("others", "of that, others", "%", lambda cell: cell.machine_other_ratio, 100),
)


@dataclass(frozen=True, slots=True)
class Middle:
    """The median over the rounds, and the least and the most."""

    median: float
    least: float
    most: float


def middle(values: Iterable[float | None]) -> Middle | None:
    """Take the middle of what is known; None where nothing is."""
    known = _known(values)
    return Middle(median(known), min(known), max(known)) if known else None


def figure(cells: Iterable[Cell], contender: str, calls: int, row: Row) -> Middle | None:
    """Give one figure of one contender over all rounds."""
    return middle(
        row.of(cell) for cell in cells if (cell.contender, cell.calls) == (contender, calls)
    )


def ratio(cells: Iterable[Cell], ours: str, theirs: str, calls: int, row: Row) -> Middle | None:
    """Divide ours by theirs, round by round, so that what drifts between rounds cancels out."""
    rounds: dict[int, dict[str, float | None]] = {}
    for cell in cells:
        if cell.calls == calls and cell.contender in {ours, theirs}:
            rounds.setdefault(cell.round, {})[cell.contender] = row.of(cell)
    return middle(_divided(found.get(ours), found.get(theirs)) for found in rounds.values())


def _divided(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else ours / theirs


def _seconds(call: CallRecord) -> float:
    return 0.0 if call.joined_ns is None else (call.ended_ns - call.joined_ns) / 1e9


def _known(samples: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(sample for sample in samples if sample is not None)


def _loss(calls: Iterable[CallRecord]) -> float:
    lost = due = 0
    for call in calls:
        lost += call.packets_sent_lost + call.packets_received_lost
        due += call.packets_sent + call.packets_received + call.packets_received_lost
    return lost / due if due else 0.0
