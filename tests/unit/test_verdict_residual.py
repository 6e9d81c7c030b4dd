"""Inside figures are held against outside ones, turn by turn and part by part."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import MS, change_turns, hear_later, rehearsal

from callfleet_rehearsal.evidence import CallRecord
from callfleet_rehearsal.residual import residual_of

SOUND = rehearsal()


def test_figures_that_agree_leave_nothing() -> None:
    residual = residual_of(SOUND.calls, SOUND.model_turns, SOUND.inside_turns)
    assert len(residual.turns) == 60
    assert residual.unmatched == 0
    for spread in (residual.total, residual.uplink, residual.model, residual.downlink):
        assert spread.p50 == pytest.approx(0, abs=1e-6)
        assert spread.p95 == pytest.approx(0, abs=1e-6)


def test_delay_on_the_callers_leg_that_its_round_trip_shows_leaves_nothing() -> None:
    """As +40 ms each way: later at the model, later at the ear, and 80 ms more of round trip."""

    def farther(call: CallRecord) -> CallRecord:
        return replace(call, rtt_seconds=call.rtt_seconds + 0.08)

    delayed = change_turns(SOUND, lambda turn: hear_later(turn, 80 * MS))
    delayed = replace(
        delayed,
        calls=tuple(farther(call) for call in delayed.calls),
        model_turns=tuple(
            replace(
                turn,
                last_speech_received_ns=turn.last_speech_received_ns + 40 * MS,
                end_of_turn_ns=turn.end_of_turn_ns + 40 * MS,
                first_audio_sent_ns=turn.first_audio_sent_ns + 40 * MS,
            )
            for turn in SOUND.model_turns
        ),
        inside_turns=tuple(
            replace(
                turn,
                speech_end_ns=turn.speech_end_ns + 40 * MS,
                model_sent_ns=turn.model_sent_ns + 40 * MS,
                first_model_audio_ns=turn.first_model_audio_ns + 40 * MS,
                first_played_ns=turn.first_played_ns + 40 * MS,
            )
            for turn in SOUND.inside_turns
        ),
    )
    residual = residual_of(delayed.calls, delayed.model_turns, delayed.inside_turns)
    outside = [turn.outside_seconds for turn in residual.turns]
    assert min(outside) > 0.45
    for spread in (residual.total, residual.uplink, residual.downlink):
        assert spread.p95 == pytest.approx(0, abs=1e-6)


def test_turns_are_matched_by_room_and_time_whatever_their_numbers() -> None:
    renumbered = tuple(replace(turn, turn=turn.turn + 40) for turn in SOUND.inside_turns)
    residual = residual_of(SOUND.calls, SOUND.model_turns, renumbered)
    assert len(residual.turns) == 60
    elsewhere = tuple(replace(turn, room="another") for turn in SOUND.inside_turns)
    assert residual_of(SOUND.calls, SOUND.model_turns, elsewhere).unmatched == 60


def test_turns_that_the_worker_never_answered_are_passed_over() -> None:
    unanswered = tuple(replace(turn, first_played_ns=0) for turn in SOUND.inside_turns)
    residual = residual_of(SOUND.calls, (), unanswered)
    assert residual.turns == ()
    assert residual.total.count == 0


@given(st.sets(st.integers(0, 59), max_size=20))
def test_a_turn_that_the_worker_missed_is_never_matched_with_another(missing: set[int]) -> None:
    left = tuple(t for index, t in enumerate(SOUND.inside_turns) if index not in missing)
    residual = residual_of(SOUND.calls, SOUND.model_turns, left)
    assert residual.unmatched == len(missing)
    assert all(abs(turn.total_seconds) < 1e-6 for turn in residual.turns)
