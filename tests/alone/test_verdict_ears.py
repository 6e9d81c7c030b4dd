"""On real calls, what is done to a caller's ear moves its own objective, and no other.

Seven callers talk at once. Beside one whose ear is sound, each ear is spoiled in a way of its own;
each call is judged by itself and held against the sound one.
"""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from statistics import median
from typing import Any

import pytest
from rehearsing import PACKET_SECONDS, STEP_SECONDS, noted, order_of, rehearsed, verdict_on

from callfleet_contract import objectives as slo
from callfleet_rehearsal.callers.plan import CallPlan, EarFaults, RunPlan
from callfleet_rehearsal.evidence import CallRecord, TurnKind
from callfleet_rehearsal.judge import judge
from callfleet_rehearsal.verdict import Evidence, FaultKind, ObjectiveResult, Outcome, Verdict

SOUND, LATE, LOSSY, HOLED, CUT, ONE, OTHER = range(7)
DELAY_SECONDS, DROPPED, HOLE_SECONDS, CUT_AFTER_SECONDS = 0.1, 0.05, 0.2, 1.0
EARS = {
    SOUND: EarFaults(),
    LATE: EarFaults(delay_seconds=DELAY_SECONDS),
    LOSSY: EarFaults(drop_ratio=DROPPED),
    HOLED: EarFaults(silence_seconds=HOLE_SECONDS),
    CUT: EarFaults(cut_after_seconds=CUT_AFTER_SECONDS),
    ONE: EarFaults(hears_call=OTHER),
    OTHER: EarFaults(hears_call=ONE),
}
TURNS = (TurnKind.PLAIN, TurnKind.PAUSE, TurnKind.PLAIN)
# Who hears another's replies does not wait for its own, and so soon is in another turn than it.
TURNS_OF_CROSSED = (TurnKind.PLAIN, TurnKind.PLAIN)
HEARD_ALIKE = PACKET_SECONDS + STEP_SECONDS
CHANCE = {slo.CONCEALED: slo.CONCEALED.limit, slo.PACKET_LOSS: slo.PACKET_LOSS.limit}
"""What a busy machine does now and then, and these objectives allow for: a packet comes late, or is
left out by LiveKit. On the wire the agent's were whole, and one was missing behind the SFU, which
takes the redundancy off for callers who do not ask for it.
"""
LENGTH_KNOWN = 0.06
"""What codec and detectors add to a reply's ends."""


def spoiled(plan: RunPlan) -> RunPlan:
    def spoil(call: CallPlan) -> CallPlan:
        crossed = call.call in {ONE, OTHER}
        kinds = TURNS_OF_CROSSED if crossed else TURNS
        return replace(call, kinds=kinds, ear=EARS[call.call])

    return replace(plan, calls=tuple(spoil(call) for call in plan.calls))


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, record_outcome: Callable[[str], None]
) -> Evidence:
    """One rehearsal for all tests here."""
    folder = tmp_path_factory.mktemp("spoiled-ears")
    evidence = rehearsed(order_of(len(EARS), len(TURNS)), folder, spoiled)
    return noted(evidence, SOUND, record_outcome)


def figure(verdict: Verdict, result: ObjectiveResult) -> float | None:
    """What an objective comes to; of times the middle one, less what the worker says it took.

    So the load on the machine, which differs from call to call, is not taken for the ear's doing.
    """
    if not result.spread:
        return result.value
    inside = {turn.turn: turn.inside_seconds for turn in verdict.residual.turns}
    taken = [getattr(turn, result.objective.key) - inside[turn.turn] for turn in verdict.turns]
    return median(taken) if taken else None


def unlike(result: ObjectiveResult, before: float | None, after: float | None) -> bool:
    """Whether two callers' figures differ by more than chance makes them."""
    if before is None or after is None:
        return before is not after
    if result.spread:
        return abs(after - before) > HEARD_ALIKE
    return abs(after - before) > CHANCE.get(result.objective, 0.0)


def moved(run: Evidence, number: int) -> dict[str, Any]:
    """Say which objectives differ from the sound caller's, and by how much; None: nothing left.

    Not the time to the greeting: callers that come one after another meet an ever busier machine.
    """
    sound, verdict = verdict_on(run, SOUND), verdict_on(run, number)
    changes: dict[str, float | None] = {}
    for old, new in zip(sound.results, verdict.results, strict=True):
        if new.untested or new.objective is slo.ANSWER:
            continue
        before, after = figure(sound, old), figure(verdict, new)
        if unlike(new, before, after):
            changes[new.objective.key] = None if after is None else after - (before or 0.0)
    return changes


def call_of(run: Evidence, number: int) -> CallRecord:
    return run.calls[number]


def kinds(verdict: Verdict) -> list[FaultKind]:
    return [fault.kind for fault in verdict.faults]


def test_a_sound_ear_beside_spoiled_ones_hears_nothing_wrong(run: Evidence) -> None:
    verdict = verdict_on(run, SOUND)
    assert len(verdict.turns) == len(TURNS)
    assert verdict.faults == ()
    for objective in (slo.TALKED_INTO_PAUSE, slo.CALLS_LOST):
        assert verdict.result(objective.key).value == 0
    assert verdict.result(slo.PACKET_LOSS.key).met


def test_sound_that_comes_100_ms_late_is_voice_to_voice_and_the_fleets(run: Evidence) -> None:
    late = pytest.approx(DELAY_SECONDS, abs=HEARD_ALIKE)
    assert moved(run, LATE) == {slo.VOICE_TO_VOICE.key: late, slo.FLEET_ADDED.key: late}
    before, after = verdict_on(run, SOUND).residual, verdict_on(run, LATE).residual
    assert before.downlink.p50 is not None
    assert after.downlink.p50 is not None
    # The worker cannot know of it, so that what is heard outside no longer fits what it says.
    assert after.downlink.p50 - before.downlink.p50 == late


def test_5_percent_of_packets_dropped_are_lost_and_concealed(run: Evidence) -> None:
    call = call_of(run, LOSSY)
    due = call.packets_received + call.packets_received_lost
    played = call.heard_seconds / PACKET_SECONDS
    of_packets = due / (call.packets_sent + due)
    assert moved(run, LOSSY) == {
        slo.PACKET_LOSS.key: pytest.approx(DROPPED * of_packets, abs=by_chance(due) * of_packets),
        slo.CONCEALED.key: pytest.approx(DROPPED, abs=by_chance(played)),
    }


def by_chance(packets: float) -> float:
    """How far from 5 % the share of packets that a dice drops may be: three deviations."""
    return 3 * sqrt(DROPPED * (1 - DROPPED) / packets)


def test_200_ms_of_silence_in_each_reply_are_concealed_audio(run: Evidence) -> None:
    heard = call_of(run, HOLED).heard_seconds / len(TURNS)
    share = pytest.approx(HOLE_SECONDS / heard, abs=LENGTH_KNOWN / heard)
    assert moved(run, HOLED) == {slo.CONCEALED.key: share}


def test_replies_cut_short_are_a_fault_each(run: Evidence) -> None:
    assert moved(run, CUT) == {slo.REPLY_FAULTS.key: len(TURNS)}
    assert kinds(verdict_on(run, CUT)) == [FaultKind.CUT] * len(TURNS)
    for turn in call_of(run, CUT).turns:
        assert turn.reply_seconds == pytest.approx(CUT_AFTER_SECONDS, abs=LENGTH_KNOWN)


@pytest.mark.parametrize(("number", "other"), [(ONE, OTHER), (OTHER, ONE)])
def test_swapped_replies_are_an_alarm_in_every_turn(run: Evidence, number: int, other: int) -> None:
    verdict = verdict_on(run, number)
    turns = len(TURNS_OF_CROSSED)
    # A stranger's reply is no answer, so there is no time to take either.
    assert moved(run, number) == {
        slo.REPLY_FAULTS.key: turns,
        slo.VOICE_TO_VOICE.key: None,
        slo.FLEET_ADDED.key: None,
    }
    assert kinds(verdict) == [FaultKind.CROSSED] * turns
    assert verdict.cross_talk == turns
    assert {fault.detail.split("'")[0] for fault in verdict.faults} == {f"call {other}"}


def test_what_was_spoiled_fails_the_whole_rehearsal(run: Evidence) -> None:
    verdict = judge(run)
    assert verdict.outcome is Outcome.FAIL
    missed = {result.objective.key for result in verdict.results if result.met is False}
    assert {slo.PACKET_LOSS.key, slo.CONCEALED.key, slo.REPLY_FAULTS.key} <= missed
    assert slo.CALLS_LOST.key not in missed
