"""What the bench measured of one contender in one round. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from callfleet_rehearsal.evidence import CallEnd, CallRecord, Dispatch
from callfleet_rehearsal.measuring import by_call_and_turn, faults_of, measure
from callfleet_rehearsal.report.facts import call_minutes
from callfleet_rehearsal.verdict import Evidence, FaultKind

WORKER_ROLES = ("worker parent", "worker calls")


@dataclass(frozen=True, slots=True)
class Idle:
    """A worker with no call: cores that it keeps busy, and its share of memory."""

    cores: float
    pss_bytes: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One contender with so many calls, in one round. Times are in seconds, one for each turn.

    Costs are by role. What could not be measured is empty or None; ``broken`` says why, where the
    whole run broke. Turns that never came to be, because their call was lost, are failed turns.
    """

    contender: str
    round: int
    calls: int
    added: tuple[float, ...] = ()
    up: tuple[float, ...] = ()
    model: tuple[float, ...] = ()
    down: tuple[float, ...] = ()
    ear: tuple[float, ...] = ()
    dispatch: tuple[float, ...] = ()
    dispatch_track: tuple[float, ...] = ()
    answer: tuple[float, ...] = ()
    barge_in: tuple[float, ...] = ()
    cpu_seconds_per_call_minute: Mapping[str, float] = field(default_factory=dict)
    pss_bytes: Mapping[str, int] = field(default_factory=dict)
    context_switches_per_call_second: Mapping[str, float] = field(default_factory=dict)
    packet_loss_ratio: float | None = None
    turns: int = 0
    failed_turns: int = 0
    lost_calls: int = 0
    crossed: int | None = None
    talked_over: int | None = None
    not_stopped: int | None = None
    idle: Idle | None = None
    machine_busy_ratio: float | None = None
    machine_other_ratio: float | None = None
    machine_steal_ratio: float | None = None
    broken: str = ""

    @classmethod
    def of(cls, contender: str, number: int, due: tuple[int, int], evidence: Evidence) -> Self:
        """Take from the evidence what is compared; ``due`` is how many calls and turns of each."""
        measured = measure(evidence.calls, by_call_and_turn(evidence.model_turns))
        faults = [fault.kind for call in evidence.calls for fault in faults_of(call)]
        turns = [turn for call in evidence.calls for turn in call.turns]
        minutes, machine = call_minutes(evidence.calls), evidence.machine
        calls, turns_due = due[0], due[0] * due[1]
        return cls(
            contender=contender,
            round=number,
            calls=calls,
            added=_known(turn.fleet_added_seconds for turn in measured),
            up=_known(turn.uplink_seconds for turn in measured),
            model=_known(turn.model_seconds for turn in measured),
            down=_known(turn.downlink_seconds for turn in measured),
            ear=tuple(turn.ear_seconds for turn in measured),
            dispatch=_known(_came(call.dispatch) for call in evidence.calls),
            dispatch_track=_known(_track_came(call.dispatch) for call in evidence.calls),
            answer=_known(_between(c.joined_ns, c.greeting_heard_ns) for c in evidence.calls),
            barge_in=_known(_between(t.barge_in_onset_ns, t.barge_in_silent_ns) for t in turns),
            cpu_seconds_per_call_minute={
                cost.role: cost.cpu_seconds / minutes for cost in evidence.costs if minutes
            },
            pss_bytes={cost.role: cost.pss_bytes for cost in evidence.costs if cost.processes},
            packet_loss_ratio=_loss(evidence.calls),
            turns=turns_due,
            failed_turns=max(0, turns_due - len(measured)),
            lost_calls=sum(call.end is not CallEnd.HUNG_UP for call in evidence.calls),
            crossed=faults.count(FaultKind.CROSSED),
            talked_over=sum(turn.talked_into_pause for turn in turns),
            not_stopped=faults.count(FaultKind.NOT_STOPPED),
            machine_busy_ratio=machine.busy_ratio if machine else None,
            machine_other_ratio=machine.other_cpu_ratio if machine else None,
            machine_steal_ratio=machine.steal_ratio if machine else None,
        )

    @classmethod
    def of_broken(cls, contender: str, number: int, due: tuple[int, int], why: str) -> Self:
        """Show a run that broke as one that lost every call and failed every turn."""
        calls, turns = due[0], due[0] * due[1]
        return cls(
            contender,
            number,
            calls,
            turns=turns,
            failed_turns=turns,
            lost_calls=calls,
            broken=why,
        )


def of_worker(by_role: Mapping[str, float]) -> float | None:
    """Add up all that a worker is; None where nothing of it was measured."""
    known = [by_role[role] for role in WORKER_ROLES if role in by_role]
    return sum(known) if known else None


def _came(dispatch: Dispatch) -> float | None:
    return _between(dispatch.let_in_ns, dispatch.agent_came_ns)


def _track_came(dispatch: Dispatch) -> float | None:
    return _between(dispatch.let_in_ns, dispatch.agent_track_ns)


def _between(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / 1e9


def _known(samples: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(sample for sample in samples if sample is not None)


def _loss(calls: Iterable[CallRecord]) -> float | None:
    lost = due = 0
    for call in calls:
        lost += call.packets_sent_lost + call.packets_received_lost
        due += call.packets_sent + call.packets_received + call.packets_received_lost
    return lost / due if due else None
