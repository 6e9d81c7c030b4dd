"""Callers against a real LiveKit server, with an agent made of a caller's own parts."""

import asyncio
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from livekit import api
from placing import Placed, plan_of, reply_of, spend, unless_too_busy, with_agents

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


# An evening has no more calls than one process keeps in time beside a server on two cores.
HEARD, CUTS_IN, CROSSED, PLAIN_CALLS = 7, 3, (1, 2), (4, 5)
EARS = (
    EarFaults(delay_seconds=0.1),
    EarFaults(drop_ratio=0.05),
    EarFaults(silence_seconds=0.2),
    EarFaults(cut_after_seconds=1.0),
)
GOES = (
    Cue(Deed.HANG_UP, Moment.JOINED, seconds=0.0),
    Cue(Deed.HANG_UP, Moment.GREETING, seconds=0.3),
    Cue(Deed.HANG_UP, Moment.TURN, turn=1, seconds=0.5),
    Cue(Deed.VANISH, Moment.REPLY, turn=1, seconds=0.2),
)
COMES_BACK = (
    Cue(Deed.UNPUBLISH, Moment.GREETING, seconds=0.2),
    Cue(Deed.REPUBLISH, Moment.GREETING, seconds=0.8),
    Cue(Deed.MUTE, Moment.REPLY, turn=1, seconds=0.2),
    Cue(Deed.UNMUTE, Moment.REPLY, turn=1, seconds=0.8),
    Cue(Deed.NARROW_BAND, Moment.REPLY, turn=1, seconds=0.0),
)
VOICES = (Voice.SILENT, Voice.NOISE, Voice.BLIP, Voice.NEVER_STOPS)
GOING, EARED, VOICED, BACK, ECHO = (0, 1, 2, 3), (4, 5, 6, 7), (4, 5, 6, 7), 8, 9


@pytest.fixture(scope="module")
def orderly(livekit_server: LiveKitServer) -> Placed:
    """Callers who speak and listen, with their calls side by side."""
    kinds = {HEARD: (PLAIN, PAUSE, PLAIN), CUTS_IN: (BARGE_IN, PLAIN)}
    crossed = zip(CROSSED, reversed(CROSSED), strict=True)
    plan, agents = with_agents(
        livekit_server,
        *(CallPlan(call, taken) for call, taken in kinds.items()),
        *(CallPlan(one, (PLAIN,) * 2, ear=EarFaults(hears_call=two)) for one, two in crossed),
        *(CallPlan(call, (PLAIN,)) for call in PLAIN_CALLS),
    )
    # Longer than any pause in mid-sentence.
    agents[0].replies_after_seconds = 0.8
    (placed,) = spend((plan, agents))
    return placed


@pytest.fixture(scope="module")
def disorderly(livekit_server: LiveKitServer) -> Placed:
    """Callers who go when they like, or take no proper turns."""
    going, voiced = zip(GOING, GOES, strict=True), zip(VOICED, VOICES, strict=True)
    plan = with_agents(
        livekit_server,
        *(CallPlan(call, (PLAIN,) * 2, cues=(cue,)) for call, cue in going),
        *(
            CallPlan(call, (PLAIN,) if voice is Voice.BLIP else (), voice=voice, stays_seconds=2.0)
            for call, voice in voiced
        ),
        CallPlan(BACK, (PLAIN,) * 2, cues=COMES_BACK),
        CallPlan(ECHO, (PLAIN,), echo=True),
    )
    (placed,) = spend(plan)
    return placed


@pytest.fixture(scope="module")
def hindered(livekit_server: LiveKitServer) -> dict[str, Placed]:
    """Callers far away, over a lossy way, by sound alone, and with ears that are tampered with."""
    media = ("127.0.0.1", livekit_server.media_port)
    delay, loss = Weather(delay_up_seconds=0.04, delay_down_seconds=0.04), Weather(loss_ratio=0.1)
    two, one = CallPlan(1, (PLAIN,) * 2), CallPlan(1, (PLAIN,))
    by_sound = with_agents(livekit_server, two, listening=Listening.ENERGY)
    for agent in by_sound[1]:
        # Longer than the pauses between a sentence's words.
        agent.replies_after_seconds, agent.counts_turns = 0.6, True
    eared = zip(EARED, EARS, strict=True)
    evenings = {
        "far": with_agents(livekit_server, two, media=media, weather=delay),
        "lossy": with_agents(livekit_server, one, media=media, weather=loss),
        "by sound": by_sound,
        "eared": with_agents(
            livekit_server, *(CallPlan(call, (PLAIN,) * 2, ear=ear) for call, ear in eared)
        ),
    }
    return dict(zip(evenings, spend(*evenings.values()), strict=True))


@pytest.fixture
def far(hindered: dict[str, Placed]) -> Placed:
    return hindered["far"]


@pytest.fixture
def lossy(hindered: dict[str, Placed]) -> Placed:
    return hindered["lossy"]


@pytest.fixture
def by_sound(hindered: dict[str, Placed]) -> Placed:
    return hindered["by sound"]


@pytest.fixture
def eared(hindered: dict[str, Placed]) -> Placed:
    return hindered["eared"]


@unless_too_busy
def test_a_caller_hears_greeting_and_replies_when_they_were_sent(orderly: Placed) -> None:
    record, agent = orderly.call(HEARD), orderly.agents[HEARD]
    assert record.end is CallEnd.HUNG_UP
    assert record.greeting_heard_ns is not None
    assert [turn.turn for turn in record.turns] == [1, 2, 3]
    assert record.packets_received_lost == record.packets_sent_lost == record.strange_markers == 0
    for turn in record.turns:
        arrived_ns, played_ns = reply_of(turn)
        assert 0 <= arrived_ns - agent.first_sent_ns[turn.turn] < 100e6
        assert 0 < played_ns - arrived_ns < 200e6
        sounded = turn.reply_seconds - turn.concealed_seconds
        assert sounded == pytest.approx(turn.expected_reply_seconds, abs=0.06)
    assert not record.turns[1].talked_into_pause
    assert 0.3 <= record.turns[1].pause_seconds <= 0.7
    assert [marker.turn for marker in agent.heard] == [1, 2, 2, 3]


@unless_too_busy
def test_a_barge_in_is_measured_to_the_agents_last_sound(orderly: Placed) -> None:
    cut, after = orderly.call(CUTS_IN).turns
    assert cut.barge_in_onset_ns is not None
    assert cut.barge_in_silent_ns is not None
    assert cut.barge_in_silent_ns > cut.barge_in_onset_ns
    assert 0.8 <= cut.reply_seconds < 2.4
    assert cut.expected_reply_seconds == 0
    assert reply_of(after)[0] >= orderly.agents[CUTS_IN].first_sent_ns[2]


@unless_too_busy
def test_callers_keep_their_calls_apart(orderly: Placed) -> None:
    own = orderly.calls((HEARD, CUTS_IN, *PLAIN_CALLS))
    assert [record.end for record in own] == [CallEnd.HUNG_UP] * 4
    assert sum(record.strange_markers for record in own) == 0
    assert orderly.told[-1]["event"] == "finished"
    assert orderly.told[-1]["cpu_seconds_per_call_minute"] > 0
    assert [one["event"] for one in orderly.told].count("ended") == len(orderly.records)


@unless_too_busy
def test_a_caller_whose_sound_is_anothers_hears_a_strangers_replies(orderly: Placed) -> None:
    assert all(record.strange_markers > 0 for record in orderly.calls(CROSSED))


@unless_too_busy
def test_a_delay_on_the_way_shows_in_the_round_trip(far: Placed) -> None:
    record, agent = far.call(1), far.agents[1]
    assert record.end is CallEnd.HUNG_UP
    assert 0.08 <= record.rtt_seconds < 0.16
    late = [reply_of(turn)[0] - agent.first_sent_ns[turn.turn] for turn in record.turns]
    assert 40e6 <= median(late) < 120e6


@unless_too_busy
def test_a_lossy_way_shows_as_loss_in_both_directions(lossy: Placed) -> None:
    record = lossy.call(1)
    assert record.packets_sent_lost > 0.03 * record.packets_sent
    assert record.packets_received_lost > 0.03 * record.packets_received
    assert record.concealed_seconds > 0


@unless_too_busy
def test_what_is_done_to_a_callers_ear_moves_what_it_hears(eared: Placed) -> None:
    delayed, dropped, holed, cut = eared.calls(EARED)
    for turn in delayed.turns:
        assert reply_of(turn)[0] - eared.agents[delayed.call].first_sent_ns[turn.turn] >= 100e6
    expected = dropped.packets_received + dropped.packets_received_lost
    assert 0.01 < dropped.packets_received_lost / expected < 0.1
    for turn in holed.turns:
        assert turn.reply_seconds - turn.expected_reply_seconds >= 0.15
        assert turn.concealed_seconds >= 0.15
    assert all(turn.reply_seconds < 1.3 < turn.expected_reply_seconds for turn in cut.turns)


@unless_too_busy
def test_a_caller_can_go_at_any_moment(disorderly: Placed) -> None:
    records = disorderly.calls(GOING)
    assert [record.end for record in records] == [CallEnd.HUNG_UP] * 4
    assert [len(record.turns) for record in records] == [0, 0, 1, 1]


@unless_too_busy
def test_a_track_may_go_and_come_back(disorderly: Placed) -> None:
    record = disorderly.call(BACK)
    assert (record.end, record.detail) == (CallEnd.HUNG_UP, "")
    assert [marker.turn for marker in disorderly.agents[BACK].heard] == [1, 2]
    assert all(turn.heard for turn in record.turns)


@unless_too_busy
def test_callers_who_take_no_proper_turns_end_their_calls(disorderly: Placed) -> None:
    records = disorderly.calls(VOICED)
    assert [record.end for record in records] == [CallEnd.HUNG_UP] * 4
    assert all(disorderly.agents[call].packets > 50 for call in VOICED)
    assert [len(record.turns) for record in records] == [0, 0, 1, 1]


@unless_too_busy
def test_an_echoing_caller_feeds_the_agents_sound_back(disorderly: Placed) -> None:
    assert disorderly.call(ECHO).end is CallEnd.HUNG_UP
    assert disorderly.agents[ECHO].heard[-1].turn == 1


@unless_too_busy
def test_replies_without_markers_are_known_by_their_sound(by_sound: Placed) -> None:
    record, agent = by_sound.call(1), by_sound.agents[1]
    assert agent.heard == []
    for turn in record.turns:
        assert 0 <= reply_of(turn)[0] - agent.first_sent_ns[turn.turn] < 100e6
        assert turn.expected_reply_seconds == 0


async def test_a_wrong_secret_ends_the_call_with_a_sentence(livekit_server: LiveKitServer) -> None:
    plan = replace(plan_of(livekit_server, CallPlan(1, (PLAIN,))), api_secret="x" * 40)
    (record,) = await run(plan, lambda _: None)
    assert record.end is CallEnd.JOIN_FAILED
    assert "HTTP 401" in record.detail


async def when(event: str, told: asyncio.Queue[dict[str, Any]]) -> None:
    """Wait for an event of the run."""
    while (heard := await told.get())["event"] != event:
        assert heard["event"] != "ended", heard


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
