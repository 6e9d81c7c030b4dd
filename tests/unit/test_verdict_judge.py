"""Each way to spoil a rehearsal moves its own objective by the right amount, and no other."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoiling import BEFORE, SOUND, moved
from synthetic import MS, change_call, change_turn, change_turns, hear_later

from callfleet_contract import objectives as slo
from callfleet_rehearsal.evidence import CallEnd, CallRecord, TurnKind, TurnRecord
from callfleet_rehearsal.judge import MODEL_LOG, TURN_CLOCK, judge, untested_by
from callfleet_rehearsal.verdict import (
    Evidence,
    ExitCode,
    Outcome,
    percentile,
    spread_of,
)


def test_a_sound_rehearsal_passes() -> None:
    assert BEFORE.outcome is Outcome.PASS
    assert BEFORE.exit_code is ExitCode.PASS == 0
    assert BEFORE.reasons == ()
    assert BEFORE.result(slo.VOICE_TO_VOICE.key).spread == spread_of(
        (410 + vary) / 1e3
        for turn in range(1, 7)
        for call in range(10)
        for vary in [(call * 7 + turn * 5) % 13 - 6]
    )


def test_lost_packets_move_the_packets_only() -> None:
    lost = replace(
        SOUND,
        calls=tuple(
            replace(
                call,
                packets_received=call.packets_received - call.packets_received // 20,
                packets_received_lost=call.packets_received // 20,
            )
            for call in SOUND.calls
        ),
    )
    verdict = judge(lost)
    # Five of a hundred one way, none the other.
    assert moved(verdict) == {slo.PACKET_LOSS.key: pytest.approx(0.025, abs=5e-4)}
    assert verdict.outcome is Outcome.FAIL


@pytest.mark.parametrize("late_ms", [100, 200])
def test_delayed_sound_moves_both_times_by_the_delay(late_ms: int) -> None:
    verdict = judge(change_turns(SOUND, lambda turn: hear_later(turn, late_ms * MS)))
    expected = pytest.approx(late_ms / 1e3)
    assert moved(verdict) == {slo.VOICE_TO_VOICE.key: expected, slo.FLEET_ADDED.key: expected}
    assert verdict.residual.total.p95 == pytest.approx(late_ms / 1e3)
    assert verdict.residual.downlink.p50 == pytest.approx(late_ms / 1e3)
    assert verdict.residual.uplink.p50 == pytest.approx(0.0)


def test_silence_that_the_model_inserts_is_not_the_fleets() -> None:
    slower = replace(
        change_turns(SOUND, lambda turn: hear_later(turn, 200 * MS)),
        model_turns=tuple(
            replace(turn, first_audio_sent_ns=turn.first_audio_sent_ns + 200 * MS)
            for turn in SOUND.model_turns
        ),
    )
    verdict = judge(slower)
    assert moved(verdict) == {slo.VOICE_TO_VOICE.key: pytest.approx(0.2)}
    assert all(turn.model_seconds == pytest.approx(0.5) for turn in verdict.turns)
    assert all(turn.silence_seconds == pytest.approx(0.2) for turn in verdict.turns)


def test_a_deep_jitter_buffer_is_heard_but_did_not_arrive_later() -> None:
    def deepen(turn: TurnRecord) -> TurnRecord:
        heard = tuple(replace(m, played_at_ns=m.played_at_ns + 60 * MS) for m in turn.heard)
        return replace(turn, heard=heard)

    verdict = judge(change_turns(SOUND, deepen))
    added = pytest.approx(0.06)
    assert moved(verdict) == {slo.VOICE_TO_VOICE.key: added, slo.FLEET_ADDED.key: added}
    assert [t.arrival_seconds for t in verdict.turns] == [t.arrival_seconds for t in BEFORE.turns]


def test_one_late_answer_of_sixty_is_in_p99_and_does_not_fail_the_run() -> None:
    verdict = judge(change_turn(SOUND, 1, 1, lambda turn: hear_later(turn, 2_000 * MS)))
    spread = verdict.result(slo.VOICE_TO_VOICE.key).spread
    assert spread is not None
    assert spread.p99 is not None
    assert spread.p99 > 2
    assert verdict.outcome is Outcome.PASS
    assert verdict.faults == ()


def test_a_dropped_call_counts_once() -> None:
    def drop(call: CallRecord) -> CallRecord:
        last = replace(call.turns[3], heard=(), reply_seconds=0.0)
        return replace(call, end=CallEnd.CONNECTION_LOST, turns=(*call.turns[:3], last))

    verdict = judge(change_call(SOUND, 5, drop))
    changed = moved(verdict)
    assert changed.pop(slo.CALLS_LOST.key) == 1
    assert all(abs(change) < 0.005 for change in changed.values()), changed
    assert verdict.faults == ()
    assert verdict.outcome is Outcome.FAIL


def test_a_slow_stop_moves_barge_in_only() -> None:
    def talk_on(turn: TurnRecord) -> TurnRecord:
        if turn.barge_in_silent_ns is None:
            return turn
        return replace(turn, barge_in_silent_ns=turn.barge_in_silent_ns + 150 * MS)

    verdict = judge(change_turns(SOUND, talk_on))
    assert moved(verdict) == {slo.BARGE_IN_STOP.key: pytest.approx(0.15)}


def test_a_slow_greeting_moves_the_answer_only() -> None:
    late = change_call(
        SOUND, 9, lambda call: replace(call, greeting_heard_ns=(call.joined_ns or 0) + 3_200 * MS)
    )
    verdict = judge(late)
    assert moved(verdict) == {slo.ANSWER.key: pytest.approx(2.5)}


def test_concealed_sound_moves_its_share_only() -> None:
    holes = change_call(SOUND, 1, lambda call: replace(call, concealed_seconds=5.0))
    heard = sum(call.heard_seconds for call in SOUND.calls)
    assert moved(judge(holes)) == {slo.CONCEALED.key: pytest.approx(5.0 / heard)}


def test_a_tools_time_is_nobodys_and_is_shown() -> None:
    tools = [turn for turn in BEFORE.turns if turn.kind is TurnKind.TOOL]
    assert all(turn.tool_seconds == pytest.approx(0.4) for turn in tools)
    assert all(turn.model_seconds == pytest.approx(0.3) for turn in tools)
    assert max(turn.voice_to_voice_seconds for turn in tools) < 0.42


def test_without_a_models_log_the_fleets_share_comes_from_the_turn_clock() -> None:
    verdict = judge(replace(SOUND, model_turns=()))
    result = verdict.result(slo.FLEET_ADDED.key)
    assert result.source == TURN_CLOCK
    assert BEFORE.result(slo.FLEET_ADDED.key).source == MODEL_LOG
    # The caller's own jitter buffer cannot be seen from inside.
    assert result.value == pytest.approx((BEFORE.result(slo.FLEET_ADDED.key).value or 0) - 0.02)


def talk_plainly(turn: TurnRecord) -> TurnRecord:
    return replace(
        turn,
        kind=TurnKind.PLAIN,
        barge_in_onset_ns=None,
        barge_in_silent_ns=None,
        reply_seconds=2.4,
    )


def test_what_had_no_sample_is_not_passed() -> None:
    plain = change_turns(SOUND, talk_plainly)
    verdict = judge(plain)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.exit_code is ExitCode.INCONCLUSIVE == 3
    assert len(verdict.reasons) == 2
    told = judge(plain, untested=untested_by([TurnKind.PLAIN]))
    assert told.outcome is Outcome.PASS
    assert told.result(slo.BARGE_IN_STOP.key).untested


def test_told_untested_but_tested_and_missed_still_fails() -> None:
    def talk_on(turn: TurnRecord) -> TurnRecord:
        return replace(turn, barge_in_silent_ns=(turn.barge_in_onset_ns or 0) + 900 * MS)

    slow = change_turn(SOUND, 0, 3, talk_on)
    assert judge(slow, untested=frozenset({slo.BARGE_IN_STOP.key})).outcome is Outcome.FAIL


def test_no_call_at_all_is_never_a_pass() -> None:
    assert judge(Evidence(calls=())).outcome is Outcome.INCONCLUSIVE


def test_calls_that_were_never_answered_fail() -> None:
    dead = replace(
        SOUND,
        machine=None,
        calls=tuple(
            replace(call, end=CallEnd.NEVER_ANSWERED, turns=(), greeting_heard_ns=None)
            for call in SOUND.calls
        ),
    )
    verdict = judge(dead)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.result(slo.CALLS_LOST.key).value == 10


def test_of_several_entries_in_the_models_log_the_last_before_the_reply_counts() -> None:
    first = SOUND.model_turns[1]
    earlier = replace(
        first,
        last_speech_received_ns=first.last_speech_received_ns - 1_500 * MS,
        end_of_turn_ns=first.end_of_turn_ns - 1_500 * MS,
        first_audio_sent_ns=first.first_audio_sent_ns - 1_500 * MS,
    )
    verdict = judge(replace(SOUND, model_turns=(earlier, *SOUND.model_turns)))
    assert moved(verdict) == {}


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60), st.sampled_from((50, 95, 99)))
def test_a_percentile_is_the_least_sample_that_covers_its_share(
    samples: list[float], percent: int
) -> None:
    value = percentile(samples, percent)
    assert value in samples
    covered = [sample for sample in samples if sample <= value]
    assert len(covered) * 100 >= percent * len(samples)
    below = [sample for sample in samples if sample < value]
    assert len(below) * 100 < percent * len(samples)


@given(st.randoms(use_true_random=False))
def test_the_order_of_evidence_does_not_matter(chance: random.Random) -> None:
    calls, told, inside = (
        chance.sample(part, len(part))
        for part in (SOUND.calls, SOUND.model_turns, SOUND.inside_turns)
    )
    mixed = replace(SOUND, calls=tuple(calls), model_turns=tuple(told), inside_turns=tuple(inside))
    verdict = judge(mixed)
    assert moved(verdict) == {}
    assert verdict.outcome is Outcome.PASS


@given(st.integers(0, 9), st.integers(1, 6), st.integers(-300, 5000))
def test_a_turns_parts_always_add_up_to_what_was_heard(call: int, turn: int, late_ms: int) -> None:
    spoiled = change_turn(SOUND, call, turn, lambda record: hear_later(record, late_ms * MS))
    for measured in judge(spoiled).turns:
        if measured.uplink_seconds is None:
            continue
        parts = (
            measured.uplink_seconds,
            measured.silence_seconds or 0.0,
            measured.thinking_seconds or 0.0,
            measured.downlink_seconds or 0.0,
            measured.ear_seconds,
        )
        assert sum(parts) == pytest.approx(measured.voice_to_voice_seconds)
        assert measured.fleet_added_seconds == pytest.approx(measured.voice_to_voice_seconds - 0.3)
