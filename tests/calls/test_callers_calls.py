"""Callers against a real LiveKit server, with an agent made of a caller's own parts."""

import asyncio
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from answerer import Answerer
from livekit import api
from placing import answered, place, place_all, plan_of, reply_of, unless_too_busy

from callfleet_rehearsal.callers.plan import (
    CallPlan,
    Cue,
    Deed,
    EarFaults,
    Listening,
    Moment,
    Voice,
)
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import CallEnd, TurnKind
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.stack.livekit import LiveKitServer, start_livekit
from callfleet_rehearsal.stack.processes import Children

PLAIN, PAUSE, BARGE_IN = TurnKind.PLAIN, TurnKind.PAUSE, TurnKind.BARGE_IN


@unless_too_busy
async def test_a_caller_hears_greeting_and_replies_when_they_were_sent(
    livekit_server: LiveKitServer,
) -> None:
    plan = plan_of(livekit_server, CallPlan(7, (PLAIN, PAUSE, PLAIN)))
    # Longer than any pause in mid-sentence.
    answerer = Answerer(livekit_server, plan.room_of(plan.calls[0]), 7, replies_after_seconds=0.8)
    async with answered(answerer):
        (record,) = await run(plan, lambda _: None)
    assert record.end is CallEnd.HUNG_UP
    assert record.greeting_heard_ns is not None
    assert [turn.turn for turn in record.turns] == [1, 2, 3]
    assert record.packets_received_lost == record.packets_sent_lost == record.strange_markers == 0
    for turn in record.turns:
        arrived_ns, played_ns = reply_of(turn)
        assert 0 <= arrived_ns - answerer.first_sent_ns[turn.turn] < 100e6
        assert 0 < played_ns - arrived_ns < 200e6
        sounded = turn.reply_seconds - turn.concealed_seconds
        assert sounded == pytest.approx(turn.expected_reply_seconds, abs=0.06)
    assert not record.turns[1].talked_into_pause
    assert 0.3 <= record.turns[1].pause_seconds <= 0.7
    assert [marker.turn for marker in answerer.heard] == [1, 2, 2, 3]


@unless_too_busy
async def test_a_barge_in_is_measured_to_the_agents_last_sound(
    livekit_server: LiveKitServer,
) -> None:
    record, answerer = await place(livekit_server, CallPlan(3, (BARGE_IN, PLAIN)))
    cut, after = record.turns
    assert cut.barge_in_onset_ns is not None
    assert cut.barge_in_silent_ns is not None
    assert cut.barge_in_silent_ns > cut.barge_in_onset_ns
    assert 0.8 <= cut.reply_seconds < 2.4
    assert cut.expected_reply_seconds == 0
    assert reply_of(after)[0] >= answerer.first_sent_ns[2]


@unless_too_busy
async def test_callers_keep_their_calls_apart(livekit_server: LiveKitServer) -> None:
    plan = plan_of(livekit_server, *(CallPlan(call, (PLAIN,)) for call in range(4)))
    agents = [Answerer(livekit_server, plan.room_of(one), one.call) for one in plan.calls]
    told: list[dict[str, Any]] = []
    async with answered(*agents):
        records = await run(plan, told.append)
    assert [record.end for record in records] == [CallEnd.HUNG_UP] * 4
    assert sum(record.strange_markers for record in records) == 0
    assert told[-1]["event"] == "finished"
    assert told[-1]["cpu_seconds_per_call_minute"] > 0
    assert [one["event"] for one in told].count("ended") == 4


@unless_too_busy
async def test_a_caller_whose_sound_is_anothers_hears_a_strangers_replies(
    livekit_server: LiveKitServer,
) -> None:
    one = CallPlan(1, (PLAIN, PLAIN), ear=EarFaults(hears_call=2))
    other = CallPlan(2, (PLAIN, PLAIN), ear=EarFaults(hears_call=1))
    records, _ = await place_all(livekit_server, one, other)
    assert all(record.strange_markers > 0 for record in records)


@unless_too_busy
async def test_a_delay_on_the_way_shows_in_the_round_trip(livekit_server: LiveKitServer) -> None:
    weather = Weather(delay_up_seconds=0.04, delay_down_seconds=0.04)
    media = ("127.0.0.1", livekit_server.media_port)
    record, answerer = await place(
        livekit_server, CallPlan(1, (PLAIN, PLAIN)), media=media, weather=weather
    )
    assert record.end is CallEnd.HUNG_UP
    assert 0.08 <= record.rtt_seconds < 0.16
    late = [reply_of(turn)[0] - answerer.first_sent_ns[turn.turn] for turn in record.turns]
    assert 40e6 <= median(late) < 120e6


@unless_too_busy
async def test_a_lossy_way_shows_as_loss_in_both_directions(livekit_server: LiveKitServer) -> None:
    media = ("127.0.0.1", livekit_server.media_port)
    record, _ = await place(
        livekit_server, CallPlan(1, (PLAIN,)), media=media, weather=Weather(loss_ratio=0.1)
    )
    assert record.packets_sent_lost > 0.03 * record.packets_sent
    assert record.packets_received_lost > 0.03 * record.packets_received
    assert record.concealed_seconds > 0


@unless_too_busy
async def test_what_is_done_to_a_callers_ear_moves_what_it_hears(
    livekit_server: LiveKitServer,
) -> None:
    faults = (
        EarFaults(delay_seconds=0.1),
        EarFaults(drop_ratio=0.05),
        EarFaults(silence_seconds=0.2),
        EarFaults(cut_after_seconds=1.0),
    )
    calls = (CallPlan(call, (PLAIN, PLAIN), ear=ear) for call, ear in enumerate(faults))
    (delayed, dropped, holed, cut), answerers = await place_all(livekit_server, *calls)
    for turn in delayed.turns:
        assert reply_of(turn)[0] - answerers[0].first_sent_ns[turn.turn] >= 100e6
    expected = dropped.packets_received + dropped.packets_received_lost
    assert 0.01 < dropped.packets_received_lost / expected < 0.1
    for turn in holed.turns:
        assert turn.reply_seconds - turn.expected_reply_seconds >= 0.15
        assert turn.concealed_seconds >= 0.15
    assert all(turn.reply_seconds < 1.3 < turn.expected_reply_seconds for turn in cut.turns)


@unless_too_busy
async def test_a_caller_can_go_at_any_moment(livekit_server: LiveKitServer) -> None:
    cues = (
        Cue(Deed.HANG_UP, Moment.JOINED, seconds=0.0),
        Cue(Deed.HANG_UP, Moment.GREETING, seconds=0.3),
        Cue(Deed.HANG_UP, Moment.TURN, turn=1, seconds=0.5),
        Cue(Deed.VANISH, Moment.REPLY, turn=1, seconds=0.2),
    )
    calls = (CallPlan(call, (PLAIN, PLAIN), cues=(cue,)) for call, cue in enumerate(cues))
    records, _ = await place_all(livekit_server, *calls)
    assert [record.end for record in records] == [CallEnd.HUNG_UP] * 4
    assert [len(record.turns) for record in records] == [0, 0, 1, 1]


@unless_too_busy
async def test_a_track_may_go_and_come_back(livekit_server: LiveKitServer) -> None:
    cues = (
        Cue(Deed.UNPUBLISH, Moment.GREETING, seconds=0.2),
        Cue(Deed.REPUBLISH, Moment.GREETING, seconds=0.8),
        Cue(Deed.MUTE, Moment.REPLY, turn=1, seconds=0.2),
        Cue(Deed.UNMUTE, Moment.REPLY, turn=1, seconds=0.8),
        Cue(Deed.NARROW_BAND, Moment.REPLY, turn=1, seconds=0.0),
    )
    record, answerer = await place(livekit_server, CallPlan(1, (PLAIN, PLAIN), cues=cues))
    assert record.end is CallEnd.HUNG_UP
    assert [marker.turn for marker in answerer.heard] == [1, 2]
    assert all(turn.heard for turn in record.turns)


@unless_too_busy
async def test_callers_who_take_no_proper_turns_end_their_calls(
    livekit_server: LiveKitServer,
) -> None:
    voices = (Voice.SILENT, Voice.NOISE, Voice.BLIP, Voice.NEVER_STOPS)
    calls = (
        CallPlan(call, (PLAIN,) if voice is Voice.BLIP else (), voice=voice, stays_seconds=2.0)
        for call, voice in enumerate(voices)
    )
    records, answerers = await place_all(livekit_server, *calls)
    assert [record.end for record in records] == [CallEnd.HUNG_UP] * 4
    assert all(answerer.packets > 50 for answerer in answerers)
    assert [len(record.turns) for record in records] == [0, 0, 1, 1]


@unless_too_busy
async def test_an_echoing_caller_feeds_the_agents_sound_back(livekit_server: LiveKitServer) -> None:
    record, answerer = await place(livekit_server, CallPlan(1, (PLAIN,), echo=True))
    assert record.end is CallEnd.HUNG_UP
    assert answerer.heard[-1].turn == 1


@unless_too_busy
async def test_replies_without_markers_are_known_by_their_sound(
    livekit_server: LiveKitServer,
) -> None:
    plan = plan_of(livekit_server, CallPlan(1, (PLAIN, PLAIN)), listening=Listening.ENERGY)
    room = plan.room_of(plan.calls[0])
    # Longer than the pauses between a sentence's words.
    answerer = Answerer(livekit_server, room, 1, replies_after_seconds=0.6, counts_turns=True)
    async with answered(answerer):
        (record,) = await run(plan, lambda _: None)
    assert answerer.heard == []
    for turn in record.turns:
        assert 0 <= reply_of(turn)[0] - answerer.first_sent_ns[turn.turn] < 100e6
        assert turn.expected_reply_seconds == 0


async def test_a_wrong_secret_ends_the_call_with_a_sentence(livekit_server: LiveKitServer) -> None:
    plan = replace(plan_of(livekit_server, CallPlan(1, (PLAIN,))), api_secret="x" * 40)
    (record,) = await run(plan, lambda _: None)
    assert record.end is CallEnd.JOIN_FAILED
    assert "HTTP 401" in record.detail


async def when(event: str, told: asyncio.Queue[dict[str, Any]]) -> None:
    """Wait for an event of the run."""
    while (await told.get())["event"] != event:
        continue


async def test_a_room_that_vanishes_ends_the_call_by_the_fleet(
    livekit_server: LiveKitServer,
) -> None:
    plan = plan_of(livekit_server, CallPlan(1, (PLAIN,)))
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    calling = asyncio.create_task(run(plan, told.put_nowait))
    await when("joined", told)
    secret = livekit_server.api_secret
    async with api.LiveKitAPI(livekit_server.http_url, livekit_server.api_key, secret) as lk:
        await lk.room.delete_room(api.DeleteRoomRequest(room=plan.room_of(plan.calls[0])))
    (record,) = await calling
    assert record.end is CallEnd.CLOSED_BY_FLEET
    assert "ROOM_DELETED" in record.detail


async def test_a_server_that_dies_loses_the_call(livekit_program: Path, tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        server, child = start_livekit(children, livekit_program)
        told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        calling = asyncio.create_task(run(plan_of(server, CallPlan(1, (PLAIN,))), told.put_nowait))
        await when("joined", told)
        child.process.kill()
        (record,) = await calling
    assert record.end is CallEnd.CONNECTION_LOST
    assert record.detail
