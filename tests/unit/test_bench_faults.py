"""What neighbours felt of a fault is told from what callers heard, and from when."""

import base64
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from synthetic import change_call, change_turn, hear_later, rehearsal

from callfleet_rehearsal.bench.faults.cutter import room_of as room_in
from callfleet_rehearsal.bench.faults.felt import (
    DURING_SECONDS,
    NS,
    ON_ITS_WAY_SECONDS,
    PATIENCE_SECONDS,
    Blow,
    Result,
    window_of,
)
from callfleet_rehearsal.bench.faults.kinds import (
    BY_KEY,
    FAULTS,
    STRUCK_TURN,
    By,
    Mode,
    room_of,
    struck_kinds,
)
from callfleet_rehearsal.bench.faults.run import Plan
from callfleet_rehearsal.bench.faults.table import cells, table
from callfleet_rehearsal.evidence import CallEnd, Party, TurnKind, TurnRecord
from callfleet_rehearsal.verdict import Evidence

CALM = rehearsal(calls=4)
STRUCK = CALM.calls[0]
AT_NS = STRUCK.turns[1].last_speech_sent_ns + NS // 10
BLOW = Blow("block", Mode.SHARED, 0, STRUCK.call, AT_NS)
KEEPS = ((STRUCK.room, "completed/caller_hung_up"),)
LATE_NS = 3 * NS


def result(evidence: Evidence, *ends: tuple[str, str], blow: Blow = BLOW) -> Result:
    return Result.of(blow, evidence, ends or KEEPS)


def struck_with_it(call: int) -> TurnRecord:
    """A neighbour's turn whose reply was waited for soon after the blow."""
    turns = CALM.calls[call].turns
    return next(turn for turn in turns if window_of(turn, AT_NS) == 1)


def test_neighbours_who_feel_nothing_are_as_before_at_once() -> None:
    near = result(CALM).neighbours
    assert (near.calls, near.cut_off, near.ended, near.lost_packets) == (3, 0, 0, 0)
    assert near.normal_again_seconds == 0
    assert near.before.turns + near.during.turns + near.after.turns == 3 * 6
    assert near.during.turns > 0
    for felt in (near.before, near.during, near.after):
        assert (felt.lost_turns, felt.gap_seconds) == (0, 0)
        assert len(felt.added) == felt.turns
        assert felt.added_at(100) == pytest.approx(0.11, abs=0.011)


def test_a_late_reply_is_felt_while_the_fault_lasts_and_until_it_comes() -> None:
    turn = struck_with_it(2)
    spoiled = change_turn(CALM, 2, turn.turn, lambda one: hear_later(one, LATE_NS))
    calm, near = result(CALM).neighbours, result(spoiled).neighbours
    assert near.during.added_at(100) == pytest.approx(calm.during.added[-1] + 3, abs=0.02)
    assert near.before == calm.before
    came_ns = turn.heard[0].at_ns + LATE_NS
    assert near.normal_again_seconds == pytest.approx((came_ns - AT_NS) / NS)


def test_a_reply_that_never_comes_is_lost_and_felt_until_the_next_turn() -> None:
    turn = struck_with_it(3)
    spoiled = change_turn(CALM, 3, turn.turn, lambda one: replace(one, heard=()))
    near = result(spoiled).neighbours
    assert near.during.lost_turns == 1
    following = CALM.calls[3].turns[turn.turn]
    assert near.normal_again_seconds == pytest.approx((following.started_ns - AT_NS) / NS)


def test_a_turn_that_is_lost_when_all_was_as_before_again_is_another_matter() -> None:
    late = next(turn for turn in CALM.calls[3].turns[::-1] if window_of(turn, AT_NS) == 2)
    assert window_of(CALM.calls[3].turns[late.turn - 2], AT_NS) == 2
    spoiled = change_turn(CALM, 3, late.turn, lambda one: replace(one, heard=()))
    near = result(spoiled).neighbours
    assert (near.after.lost_turns, near.normal_again_seconds) == (1, 0)


def test_what_the_struck_call_itself_suffers_is_nobody_elses() -> None:
    suffers = change_turn(CALM, STRUCK.call, 3, lambda one: replace(one, heard=()))
    assert result(suffers).neighbours == result(CALM).neighbours
    assert result(suffers).struck.answered_after == result(suffers).struck.turns_after - 1


def test_calls_that_end_otherwise_or_whose_process_died_are_counted() -> None:
    room = CALM.calls[1].room
    lost = change_call(CALM, 1, lambda call: replace(call, end=CallEnd.CONNECTION_LOST))
    ends = ((room, "dropped/process_died"), (STRUCK.room, "dropped/process_died"))
    near = result(lost, *ends).neighbours
    assert (near.cut_off, near.ended) == (1, 1)


def test_how_the_struck_call_ended_is_told_for_each_agent_that_it_had() -> None:
    ends = ((STRUCK.room, "dropped/process_died"), ("elsewhere", "failed/x"), KEEPS[0])
    struck = result(CALM, *ends).struck
    assert struck.ends == ("dropped/process_died", "completed/caller_hung_up")
    assert struck.end is CallEnd.HUNG_UP
    begun = min(
        one.start_ns
        for one in STRUCK.segments
        if one.party is Party.AGENT and one.start_ns > AT_NS + ON_ITS_WAY_SECONDS * NS
    )
    assert struck.heard_again_seconds == pytest.approx((begun - AT_NS) / NS)


def test_a_caller_who_hears_nothing_more_never_heard_again() -> None:
    silent = change_call(CALM, STRUCK.call, lambda call: replace(call, segments=()))
    assert result(silent).struck.heard_again_seconds is None
    assert cells(result(silent))[-1] == "never"


@given(st.integers(0, 200_000_000_000), st.booleans())
def test_a_turn_is_before_with_or_after_a_blow(at_ns: int, heard: bool) -> None:
    turn = CALM.calls[1].turns[0] if heard else replace(CALM.calls[1].turns[0], heard=())
    spoken = turn.last_speech_sent_ns
    over = turn.heard[0].at_ns if heard else spoken + PATIENCE_SECONDS * NS
    expected = 0 if over <= at_ns else 1
    assert window_of(turn, at_ns) == (2 if spoken >= at_ns + DURING_SECONDS * NS else expected)


def test_both_modes_of_every_fault_are_struck_in_every_round() -> None:
    order = list(Plan(FAULTS, 10, 2).order())
    assert len(order) == len(set(order)) == 2 * len(FAULTS) * 2
    assert len(FAULTS) == 8


def test_only_a_call_whose_tool_misbehaves_asks_for_it_and_only_once() -> None:
    for fault in FAULTS:
        kinds = struck_kinds(fault)
        asked = [number for number, kind in enumerate(kinds, 1) if kind is TurnKind.TOOL]
        assert asked == ([STRUCK_TURN] if fault.by is By.TOOL else [])
        assert room_of(fault, "run").split("-")[1] == fault.key


def test_the_table_has_a_line_for_each_blow() -> None:
    console = Console(width=250, record=True, file=io.StringIO())
    apart = replace(BLOW, mode=Mode.APART)
    console.print(table([result(CALM), result(CALM, blow=apart)]))
    text = console.export_text()
    assert text.count(BY_KEY["block"].title) == 2
    assert "shared" in text
    assert "apart" in text
    assert "completed/caller_hung_up" in text


def token(**claims: object) -> bytes:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b"eyJhbGciOiJIUzI1NiJ9." + body + b".c2lnbmF0dXJl"


ROOM = token(video={"room": "fault-signal-1"})


@pytest.mark.parametrize(
    ("head", "room"),
    [
        (b"GET /rtc/v1?access_token=" + ROOM + b"&sdk=python HTTP/1.1\r\n", "fault-signal-1"),
        (b"GET /rtc?x=1 HTTP/1.1\r\nAuthorization: Bearer " + ROOM + b"\r\n", "fault-signal-1"),
        (b"POST /twirp/livekit.RoomService HTTP/1.1\r\nAuthorization: Bearer " + ROOM, None),
        (b"GET /agent HTTP/1.1\r\nAuthorization: Bearer " + ROOM, None),
        (b"GET /rtc?access_token=" + token(sub="x") + b" HTTP/1.1", None),
        (b"GET /rtc?access_token=a.b.c HTTP/1.1", None),
        (b"", None),
    ],
)
def test_a_signal_connection_is_known_by_the_room_in_its_token(
    head: bytes, room: str | None
) -> None:
    assert room_in(head) == room
