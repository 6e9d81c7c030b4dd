"""Judge a rehearsal by the objectives. Pure: evidence in, verdict out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from callfleet_contract import objectives as slo
from callfleet_contract.objectives import Objective, Statistic
from callfleet_rehearsal.evidence import CallEnd, CallRecord, TurnKind
from callfleet_rehearsal.machine import starvation
from callfleet_rehearsal.measuring import by_call_and_turn, faults_of, measure
from callfleet_rehearsal.residual import BEFORE_HEARD_SECONDS, residual_of
from callfleet_rehearsal.verdict import (
    Evidence,
    FaultKind,
    MeasuredTurn,
    ObjectiveResult,
    Outcome,
    ReplyFault,
    Spread,
    Verdict,
    percentile,
    spread_of,
)

MODEL_LOG = "the model's own log"
TURN_CLOCK = "the worker's turn clock, since the model keeps no log of ours"


@dataclass(frozen=True, slots=True)
class _Samples:
    """What one objective is judged by: times, or hits out of a number of chances."""

    times: tuple[float, ...] | None = None
    hits: float = 0.0
    chances: float = 0.0
    count: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class _Measured:
    evidence: Evidence
    turns: tuple[MeasuredTurn, ...]
    faults: tuple[ReplyFault, ...]

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        return self.evidence.calls


def judge(
    evidence: Evidence,
    objectives: Iterable[Objective] = slo.TEN_CALL_SLO,
    untested: frozenset[str] = frozenset(),
) -> Verdict:
    """Judge every objective; ``untested`` names those that this rehearsal was told to leave out.

    A starved machine gives no verdict. Otherwise one missed objective fails the run, and one
    that could not be judged leaves it inconclusive.
    """
    turns = measure(evidence.calls, by_call_and_turn(evidence.model_turns))
    faults = tuple(fault for call in evidence.calls for fault in faults_of(call))
    measured = _Measured(evidence, turns, faults)
    results = tuple(_judge_one(objective, measured, untested) for objective in objectives)
    outcome, reasons = _decide(evidence, results)
    return Verdict(
        outcome=outcome,
        reasons=reasons,
        results=results,
        turns=turns,
        faults=faults,
        cross_talk=sum(1 for fault in faults if fault.kind is FaultKind.CROSSED),
        residual=residual_of(evidence.calls, evidence.model_turns, evidence.inside_turns),
    )


def untested_by(kinds: Iterable[TurnKind]) -> frozenset[str]:
    """Name the objectives that turns of these kinds cannot test."""
    planned = set(kinds)
    needed = {TurnKind.PAUSE: slo.TALKED_INTO_PAUSE, TurnKind.BARGE_IN: slo.BARGE_IN_STOP}
    return frozenset(needed[kind].key for kind in needed if kind not in planned)


def _decide(
    evidence: Evidence, results: tuple[ObjectiveResult, ...]
) -> tuple[Outcome, tuple[str, ...]]:
    starved = starvation(evidence.machine) if evidence.machine else ()
    if starved:
        return Outcome.INCONCLUSIVE, starved
    missed = tuple(_missed(result) for result in results if result.met is False)
    if missed:
        return Outcome.FAIL, missed
    unjudged = [r.objective.title for r in results if r.met is None and not r.untested]
    reasons = [f"not judged, for want of samples: {title}" for title in unjudged]
    if evidence.machine is None:
        reasons.append("nobody measured how busy the machine was")
    if reasons:
        return Outcome.INCONCLUSIVE, tuple(reasons)
    return Outcome.PASS, ()


def _missed(result: ObjectiveResult) -> str:
    objective = result.objective
    return (
        f"{objective.title}: {objective.statistic} is {show(objective, result.value)}, "
        f"at most {show(objective, objective.limit)}"
    )


def show(objective: Objective, value: float | None) -> str:
    """Write a figure of an objective for people."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash is what tables have here
    if objective.statistic is Statistic.COUNT:
        return f"{value:.0f}"
    if objective.statistic is Statistic.RATIO:
        return f"{value * 100:.2f} %"
    return f"{value * 1e3:.0f} ms" if abs(value) < 1 else f"{value:.2f} s"


def _judge_one(
    objective: Objective, measured: _Measured, untested: frozenset[str]
) -> ObjectiveResult:
    samples = _SAMPLERS[objective.key](measured)
    value, count, spread = _figure(objective, samples)
    return ObjectiveResult(
        objective=objective,
        value=value,
        count=count,
        met=None if value is None else value <= objective.limit,
        spread=spread,
        untested=value is None and objective.key in untested,
        source=samples.source,
    )


def _figure(objective: Objective, samples: _Samples) -> tuple[float | None, int, Spread | None]:
    if samples.times is not None:
        return percentile(samples.times, 95), len(samples.times), spread_of(samples.times)
    if objective.statistic is Statistic.COUNT:
        return (samples.hits if samples.chances else None), int(samples.chances), None
    ratio = samples.hits / samples.chances if samples.chances else None
    return ratio, samples.count, None


def _voice_to_voice(measured: _Measured) -> _Samples:
    return _Samples(tuple(turn.voice_to_voice_seconds for turn in measured.turns))


def _fleet_added(measured: _Measured) -> _Samples:
    added = [turn.fleet_added_seconds for turn in measured.turns]
    known = tuple(seconds for seconds in added if seconds is not None)
    if measured.evidence.model_turns:
        return _Samples(known, source=MODEL_LOG)
    ears = {call.room: call.rtt_seconds for call in measured.calls}
    inside = tuple(
        turn.fleet_overhead_seconds + BEFORE_HEARD_SECONDS + ears[turn.room]
        for turn in measured.evidence.inside_turns
        if turn.room in ears and turn.first_played_ns > 0 and turn.speech_end_ns > 0
    )
    return _Samples(inside, source=TURN_CLOCK)


def _barge_in(measured: _Measured) -> _Samples:
    return _Samples(
        tuple(
            (turn.barge_in_silent_ns - turn.barge_in_onset_ns) / 1e9
            for call in measured.calls
            for turn in call.turns
            if turn.barge_in_onset_ns is not None and turn.barge_in_silent_ns is not None
        )
    )


def _talked_into_pause(measured: _Measured) -> _Samples:
    pauses = [turn for call in measured.calls for turn in call.turns if turn.kind is TurnKind.PAUSE]
    talked = sum(turn.talked_into_pause for turn in pauses)
    return _Samples(hits=talked, chances=len(pauses), count=len(pauses))


def _answer(measured: _Measured) -> _Samples:
    return _Samples(
        tuple(
            (call.greeting_heard_ns - call.joined_ns) / 1e9
            for call in measured.calls
            if call.greeting_heard_ns is not None and call.joined_ns is not None
        )
    )


def _packet_loss(measured: _Measured) -> _Samples:
    lost = sum(call.packets_sent_lost + call.packets_received_lost for call in measured.calls)
    sent = sum(call.packets_sent for call in measured.calls)
    due = sum(call.packets_received + call.packets_received_lost for call in measured.calls)
    return _Samples(hits=lost, chances=sent + due, count=sent + due)


def _concealed(measured: _Measured) -> _Samples:
    concealed = sum(call.concealed_seconds for call in measured.calls)
    heard = sum(call.heard_seconds for call in measured.calls)
    return _Samples(hits=concealed, chances=heard, count=round(heard))


def _reply_faults(measured: _Measured) -> _Samples:
    turns = sum(len(call.turns) for call in measured.calls)
    return _Samples(hits=len(measured.faults), chances=turns, count=turns)


def _calls_lost(measured: _Measured) -> _Samples:
    lost = sum(call.end is not CallEnd.HUNG_UP for call in measured.calls)
    return _Samples(hits=lost, chances=len(measured.calls), count=len(measured.calls))


_SAMPLERS: Mapping[str, Callable[[_Measured], _Samples]] = {
    slo.VOICE_TO_VOICE.key: _voice_to_voice,
    slo.FLEET_ADDED.key: _fleet_added,
    slo.BARGE_IN_STOP.key: _barge_in,
    slo.TALKED_INTO_PAUSE.key: _talked_into_pause,
    slo.ANSWER.key: _answer,
    slo.PACKET_LOSS.key: _packet_loss,
    slo.CONCEALED.key: _concealed,
    slo.REPLY_FAULTS.key: _reply_faults,
    slo.CALLS_LOST.key: _calls_lost,
}
