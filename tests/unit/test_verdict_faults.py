"""Faults of replies are told apart by ear, and each counts once."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoiling import SOUND, kinds, moved
from synthetic import MS, change_call, change_turn, hear_later

from callfleet_contract import objectives as slo
from callfleet_rehearsal.evidence import CallRecord, HeardMarker, Party, Segment, TurnRecord
from callfleet_rehearsal.judge import judge
from callfleet_rehearsal.measuring import measure
from callfleet_rehearsal.verdict import (
    FaultKind,
    Outcome,
)


def test_swapped_replies_are_an_alarm_and_nothing_else() -> None:
    one, other = SOUND.calls[2].turns[0], SOUND.calls[6].turns[0]

    def take(number: int, marker: HeardMarker) -> Callable[[TurnRecord], TurnRecord]:
        own = SOUND.calls[number].turns[0].heard[0]
        stolen = replace(own, call=marker.call, turn=marker.turn)
        return lambda record: replace(record, heard=(stolen,))

    swapped = change_turn(SOUND, 2, 1, take(2, other.heard[0]))
    verdict = judge(change_turn(swapped, 6, 1, take(6, one.heard[0])))
    assert moved(verdict) == {slo.REPLY_FAULTS.key: 2}
    assert kinds(verdict) == [FaultKind.CROSSED] * 2
    assert verdict.cross_talk == 2
    assert verdict.outcome is Outcome.FAIL


def test_a_reply_cut_short_is_a_fault_and_nothing_else() -> None:
    cut = change_turn(SOUND, 4, 4, lambda turn: replace(turn, reply_seconds=2.1))
    verdict = judge(cut)
    assert moved(verdict) == {slo.REPLY_FAULTS.key: 1}
    assert kinds(verdict) == [FaultKind.CUT]
    assert "lacked 0.30 s" in verdict.faults[0].detail
    whole = change_turn(SOUND, 4, 4, lambda turn: replace(turn, reply_seconds=2.2))
    assert moved(judge(whole)) == {}


def test_talk_into_pauses_is_counted_of_pauses_only() -> None:
    def start_again(turn: TurnRecord) -> TurnRecord:
        said = turn.started_ns + 1_500 * MS
        early = replace(turn.heard[0], at_ns=said, played_at_ns=said + 20 * MS)
        return replace(turn, talked_into_pause=True, heard=(early, *turn.heard))

    verdict = judge(change_turn(SOUND, 3, 2, start_again))
    assert moved(verdict) == {slo.TALKED_INTO_PAUSE.key: pytest.approx(0.1)}
    assert verdict.faults == ()
    assert verdict.outcome is Outcome.FAIL


def test_an_agent_that_never_stops_is_a_fault() -> None:
    verdict = judge(change_turn(SOUND, 0, 3, lambda t: replace(t, barge_in_silent_ns=None)))
    assert kinds(verdict) == [FaultKind.NOT_STOPPED]
    assert verdict.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ((), [FaultKind.UNRECOGNISED]),
        (((2, 1), (2, 1)), [FaultKind.DOUBLED]),
        (((2, 1), (2, 1), (2, 1)), [FaultKind.DOUBLED] * 2),
        (((2, 5),), [FaultKind.WRONG_TURN]),
        (((255, 0), (2, 1)), [FaultKind.WRONG_TURN]),
        (((2, 1), (8, 1)), [FaultKind.CROSSED]),
        (((254, 1),), [FaultKind.WRONG_TURN]),
        (((8, 1), (9, 4)), [FaultKind.CROSSED] * 2),
    ],
)
def test_replies_are_told_apart_by_ear(
    heard: tuple[tuple[int, int], ...], expected: list[FaultKind]
) -> None:
    own = SOUND.calls[2].turns[0].heard[0]
    markers = tuple(
        replace(own, call=call, turn=turn, played_at_ns=own.played_at_ns + index * MS)
        for index, (call, turn) in enumerate(heard)
    )
    verdict = judge(change_turn(SOUND, 2, 1, lambda turn: replace(turn, heard=markers)))
    assert kinds(verdict) == expected
    assert verdict.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("sounds_from_end_ms", "kind", "said"),
    [
        (None, FaultKind.MISSING, "no reply was heard"),
        (300, FaultKind.UNRECOGNISED, "a reply was heard, but no marker was found in it"),
        (-700, FaultKind.MISSING, "heard before the caller had finished, and no reply after"),
    ],
)
def test_no_reply_is_told_from_one_that_was_not_known_for_one(
    sounds_from_end_ms: int | None, kind: FaultKind, said: str
) -> None:
    def spoken(call: CallRecord) -> CallRecord:
        others = [one for one in call.segments if (one.party, one.turn) != (Party.AGENT, 4)]
        start = call.turns[3].last_speech_sent_ns + (sounds_from_end_ms or 0) * MS
        own = [Segment(Party.AGENT, start, start + 500 * MS, 4)]
        return replace(call, segments=(*others, *(own if sounds_from_end_ms else [])))

    deaf = change_turn(SOUND, 4, 4, lambda turn: replace(turn, heard=(), reply_seconds=0.0))
    (fault,) = judge(change_call(deaf, 4, spoken)).faults
    assert (fault.call, fault.turn, fault.kind) == (4, 4, kind)
    assert said in fault.detail


def test_a_reply_before_the_caller_has_finished_is_early() -> None:
    def too_soon(turn: TurnRecord) -> TurnRecord:
        return hear_later(turn, -1_000 * MS)

    assert kinds(judge(change_turn(SOUND, 2, 1, too_soon))) == [FaultKind.EARLY]


def test_another_calls_voice_between_turns_is_an_alarm_too() -> None:
    verdict = judge(change_call(SOUND, 3, lambda call: replace(call, strange_markers=1)))
    assert moved(verdict) == {slo.REPLY_FAULTS.key: 1}
    assert verdict.cross_talk == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 6), st.integers(-4_000, 4_000)), max_size=5
    )
)
def test_whatever_is_heard_gives_a_verdict(markers: list[tuple[int, int, int]]) -> None:
    def hear(turn: TurnRecord) -> TurnRecord:
        end = turn.last_speech_sent_ns
        heard = tuple(
            HeardMarker(call, number, end + at * MS, end + (at + 20) * MS)
            for call, number, at in markers
        )
        return replace(turn, heard=heard)

    verdict = judge(change_turn(SOUND, 4, 4, hear))
    own = [m for m in markers if m[:2] == (4, 4)]
    good = len(markers) == 1 and len(own) == 1 and own[0][2] + 20 >= 0
    assert (verdict.faults == ()) == good
    assert len(measure(SOUND.calls, {})) == 60
