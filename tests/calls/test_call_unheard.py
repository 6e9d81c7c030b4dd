"""On real calls: one of the two is not heard, and it is told while they still wait for each other.

All of them call at once, because so much of it is waiting.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from call_stage import Stage, on_stage
from livekit import rtc
from phone import PATIENCE_SECONDS, token_of

from callfleet_contract.events import (
    CallAnswered,
    CallEnded,
    CallerConnection,
    CallEvent,
    OneWayAudio,
    RtpWindow,
    SpeechHeard,
)
from callfleet_contract.outcomes import AudioDirection, CallerQuality
from callfleet_rehearsal.callers.plan import CallPlan, Cue, Deed, Moment, RunPlan, Voice
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.relay import Relay, Weather
from callfleet_rehearsal.stack.livekit import LiveKitServer, start_livekit
from callfleet_rehearsal.stack.ports import LOOPBACK, RELAYED
from callfleet_rehearsal.stack.processes import Children
from callfleet_worker.bridge.oneway import HELD_BACK_SECONDS

CUT_SECONDS = 6.0
Told = dict[str, list[CallEvent]]


def plan_of(stage: Stage, call: CallPlan, weather: Weather | None = None) -> RunPlan:
    server = stage.server
    media = (LOOPBACK, server.media_port)
    return RunPlan(
        server.url,
        server.api_key,
        server.api_secret,
        "",
        stage.room,
        (call,),
        media=media,
        weather=weather,
    )


def silent(stage: Stage, *cues: Cue) -> CallPlan:
    return CallPlan(1, (), stage.room, Voice.SILENT, stays_seconds=PATIENCE_SECONDS, cues=cues)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what a call tells; where it never does, each test says what is missing."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not true():  # noqa: ASYNC110 - events are a list here
                await asyncio.sleep(0.1)
    except TimeoutError:
        return


def fell_silent(told: list[CallEvent]) -> bool:
    """Whether a whole window without a packet came after one with some."""
    windows = [one for one in told if isinstance(one, RtpWindow) and one.leg == "agent_in"]
    came = [bool(window.packets_received) for window in windows]
    return True in came and not all(came[came.index(True) :])


async def calling(stage: Stage, plan: RunPlan, true: Callable[[], bool]) -> list[CallEvent]:
    """Let a caller of ours call until it is so."""
    caller = asyncio.create_task(run(plan, lambda _: None))
    await until(true)
    told = list(stage.job.events)
    caller.cancel()
    await asyncio.wait((caller,))
    return told


async def unheard_caller(server: LiveKitServer) -> list[CallEvent]:
    async with on_stage(server) as stage:
        plan = plan_of(stage, silent(stage), Weather(unheard_up_at_seconds=CUT_SECONDS))
        return await calling(stage, plan, lambda: bool(stage.of(OneWayAudio)))


async def muted_caller(server: LiveKitServer) -> list[CallEvent]:
    async with on_stage(server) as stage:
        plan = plan_of(stage, silent(stage, Cue(Deed.MUTE, Moment.GREETING, seconds=0.3)))
        return await calling(stage, plan, lambda: fell_silent(stage.job.events))


async def unheard_agent(server: LiveKitServer) -> list[CallEvent]:
    media, front = (LOOPBACK, server.media_port), (RELAYED, server.media_port)
    async with on_stage(server) as stage, Relay(media, Weather(), front=front) as relay:
        talk = CallPlan(1, (TurnKind.PLAIN,) * 9, stage.room)
        caller = asyncio.create_task(run(plan_of(stage, talk), lambda _: None))
        # By then the server has acknowledged something: a connection that never worked is no call.
        await until(lambda: heard_agent_for_a_look(stage.job.events))
        relay.keep_sound_back()
        await until(lambda: bool(stage.of(OneWayAudio)))
        told = list(stage.job.events)
        caller.cancel()
        await asyncio.wait((caller,))
        return told


def heard_agent_for_a_look(told: list[CallEvent]) -> bool:
    kinds = [type(event) for event in told]
    return CallAnswered in kinds and kinds[kinds.index(CallAnswered) :].count(SpeechHeard) > 1


async def agent_whose_track_nobody_takes(server: LiveKitServer) -> list[CallEvent]:
    async with on_stage(server) as stage:
        room = rtc.Room()
        token = token_of(server, "caller", stage.room)
        await room.connect(server.url, token.to_jwt(), rtc.RoomOptions(auto_subscribe=False))
        await until(lambda: bool(stage.of(OneWayAudio)))
        told = list(stage.job.events)
        await room.disconnect()
        return told


@pytest.fixture(scope="module")
def told(children: Children, livekit_server: LiveKitServer, livekit_program: Path) -> Told:
    """What each call told until then."""
    relayed, _ = start_livekit(children, livekit_program, announced=RELAYED)

    async def evening() -> Told:
        calls = {
            "unheard caller": unheard_caller(livekit_server),
            "muted caller": muted_caller(livekit_server),
            "unheard agent": unheard_agent(relayed),
            "agent not taken": agent_whose_track_nobody_takes(livekit_server),
        }
        return dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))

    return asyncio.run(evening())


def unheard(told: list[CallEvent]) -> set[AudioDirection]:
    assert not any(isinstance(event, CallEnded) for event in told)
    return {event.unheard for event in told if isinstance(event, OneWayAudio)}


def test_a_caller_whose_sound_goes_nowhere_is_told_once_it_lasts(told: Told) -> None:
    assert unheard(told["unheard caller"]) == {AudioDirection.FROM_CALLER}
    seconds = [one.seconds for one in told["unheard caller"] if isinstance(one, OneWayAudio)]
    assert all(each >= HELD_BACK_SECONDS[AudioDirection.FROM_CALLER] for each in seconds)


def test_a_caller_who_is_muted_is_not_missed(told: Told) -> None:
    assert fell_silent(told["muted caller"])
    assert unheard(told["muted caller"]) == set()


def test_an_agent_whose_sound_never_reaches_the_server_is_told(told: Told) -> None:
    assert unheard(told["unheard agent"]) == {AudioDirection.TO_CALLER}


def test_an_agent_whom_the_caller_does_not_listen_to_is_told(told: Told) -> None:
    assert unheard(told["agent not taken"]) == {AudioDirection.TO_CALLER}


def test_the_callers_line_is_told_by_its_quality_while_the_call_runs(told: Told) -> None:
    lines = [one for one in told["muted caller"] if isinstance(one, CallerConnection)]
    assert {one.quality for one in lines} == {CallerQuality.EXCELLENT}
    assert all(0 < one.seconds < 2 * PATIENCE_SECONDS for one in lines)
