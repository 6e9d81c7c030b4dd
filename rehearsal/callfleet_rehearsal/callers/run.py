"""All callers of a run in one process: prepares their speech, lets them call, adds up the cost."""

import asyncio
import contextlib
import gc
import random
import resource
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import numpy as np
from livekit import api

from callfleet_rehearsal.callers import speech
from callfleet_rehearsal.callers.caller import Caller
from callfleet_rehearsal.callers.dtls import identity
from callfleet_rehearsal.callers.earfaults import Spoiler
from callfleet_rehearsal.callers.line import Line, Voicebox
from callfleet_rehearsal.callers.opus import (
    NARROW_BAND_HZ,
    PACKET_SECONDS,
    RATE,
    WIDE_BAND_HZ,
)
from callfleet_rehearsal.callers.plan import CallPlan, Deed, EarFaults, Listening, RunPlan, Voice
from callfleet_rehearsal.callers.presence import Way
from callfleet_rehearsal.callers.script import Script
from callfleet_rehearsal.callers.speech import Choice, Utterance, utter
from callfleet_rehearsal.evidence import CallRecord, TurnKind
from callfleet_rehearsal.precedence import precedence
from callfleet_rehearsal.relay import Relay
from callfleet_rehearsal.sound.clips import question
from callfleet_rehearsal.sound.marker import (
    UNKNOWN_CALL,
    Marker,
    MarkerFinder,
    Speaker,
    render,
)

SHORTEST_THINKING_SECONDS, LONGEST_THINKING_SECONDS = 0.3, 0.9
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.3, 0.7
_NOISE_SECONDS = 4.0
_CLIPS = 1000
"""More than there are: whoever takes one counts round."""

Tell = Callable[[dict[str, Any]], None]


async def run(plan: RunPlan, tell: Tell) -> list[CallRecord]:
    """Place all calls, and give a record of each."""
    tell({"event": "preparing", "calls": len(plan.calls)})
    voiceboxes = [prepare(plan, call) for call in plan.calls]
    _warm_up()
    gc.collect()
    gc.freeze()
    cpu_before = time.process_time()
    async with aiohttp.ClientSession() as http, _way_of_media(plan) as media:
        callers = [
            Caller(_line(plan, call, voicebox, media), http, _progress(tell))
            for call, voicebox in zip(plan.calls, voiceboxes, strict=True)
        ]
        _cross(plan, callers)
        with precedence() as first:
            tell({"event": "calling", "calls": len(plan.calls), "precedence": first})
            tasks = await _all_calls(plan, callers)
    records = [task.result() for task in tasks]
    tell({"event": "finished", **_cost(records, time.process_time() - cpu_before)})
    return records


async def _all_calls(plan: RunPlan, callers: list[Caller]) -> list[asyncio.Task[CallRecord]]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as calls:
        _let_faults_end_the_run(loop, calls)
        return [
            calls.create_task(_place(call, caller, began))
            for call, caller in zip(plan.calls, callers, strict=True)
        ]


def _warm_up() -> None:
    """Make what is made once per process, so that no call waits for it."""
    identity()
    marker = render(Marker(UNKNOWN_CALL, 0), Speaker.AGENT, RATE)
    finder = MarkerFinder(Speaker.AGENT, RATE)
    finder.feed(np.concatenate([marker, np.zeros(RATE, dtype=np.int16)]))


def _let_faults_end_the_run(loop: asyncio.AbstractEventLoop, calls: asyncio.TaskGroup) -> None:
    """Hand an exception of a timer's callback to the run, which would hang without it."""

    async def fail(error: Exception) -> None:
        raise error

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            calls.create_task(fail(error))
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


def prepare(plan: RunPlan, call: CallPlan) -> Voicebox:
    """Encode all that a caller will say."""
    narrow = any(cue.deed is Deed.NARROW_BAND for cue in call.cues)
    silent = call.voice in {Voice.SILENT, Voice.NOISE}
    noise = speech.hiss(_NOISE_SECONDS, plan.seed) if call.voice is Voice.NOISE else None
    return Voicebox(
        turns=() if silent else _turns(plan, call, WIDE_BAND_HZ),
        narrow_turns=_turns(plan, call, NARROW_BAND_HZ) if narrow and not silent else (),
        between=speech.between(noise),
    )


def words(plan: RunPlan, call: int, turn: int) -> str:
    """Give the sentence that a caller says in a plain turn."""
    return question(_chance(plan, call, turn).randrange(_CLIPS)).text


def _chance(plan: RunPlan, call: int, turn: int) -> random.Random:
    return random.Random(f"{plan.seed} {call} {turn}")


def _turns(plan: RunPlan, call: CallPlan, band_hz: int) -> tuple[Utterance, ...]:
    marked = plan.listening is Listening.MARKERS
    if call.voice is Voice.NEVER_STOPS:
        choice = Choice(call.call, 1, call.call, marked)
        return (utter(speech.endless(choice, call.stays_seconds), band_hz),)
    turns: list[Utterance] = []
    for turn, kind in enumerate(call.kinds, start=1):
        chance = _chance(plan, call.call, turn)
        choice = Choice(call.call, turn, chance.randrange(_CLIPS), marked)
        if call.voice is Voice.BLIP:
            parts = speech.blip(choice.clip)
        elif kind is TurnKind.PAUSE:
            pause = chance.uniform(SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
            parts = speech.paused(choice, pause)
        else:
            parts = speech.plain(choice, wants_tool=kind is TurnKind.TOOL)
        turns.append(utter(parts, band_hz))
    return tuple(turns)


def _line(plan: RunPlan, call: CallPlan, voicebox: Voicebox, media: tuple[str, int] | None) -> Line:
    choice = random.Random(f"{plan.seed} {call.call} thinking")
    thinks = tuple(
        choice.uniform(SHORTEST_THINKING_SECONDS, LONGEST_THINKING_SECONDS)
        for _ in range(len(call.kinds) + 1)
    )
    spoiled = call.ear != EarFaults()
    silence = speech.between()[0]
    return Line(
        room=plan.room_of(call),
        way=Way(plan.livekit_url, token(plan, call), media, call.hears_everybody),
        script=Script(call, thinks, plan.listening),
        voicebox=voicebox,
        spoiler=Spoiler(call.ear, silence, plan.seed * 1000 + call.call) if spoiled else None,
        phase_seconds=call.call * PACKET_SECONDS / max(1, len(plan.calls)),
    )


def token(plan: RunPlan, call: CallPlan) -> str:
    """Make the token with which a call joins, and which has the agent dispatched to its room."""
    room = plan.room_of(call)
    grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True)
    made = (
        api.AccessToken(plan.api_key, plan.api_secret)
        .with_identity(f"caller-{call.call:03d}")
        .with_grants(grants)
    )
    if plan.agent_name:
        dispatch = api.RoomAgentDispatch(agent_name=plan.agent_name)
        made = made.with_room_config(api.RoomConfiguration(agents=[dispatch]))
    return made.to_jwt()


async def _place(call: CallPlan, caller: Caller, began: float) -> CallRecord:
    await asyncio.sleep(began + call.start_after_seconds - asyncio.get_running_loop().time())
    return await caller.call()


def _cross(plan: RunPlan, callers: list[Caller]) -> None:
    """Give callers that are to hear another call's sound that sound."""
    by_number = {call.call: caller for call, caller in zip(plan.calls, callers, strict=True)}
    for call in plan.calls:
        if call.ear.hears_call is not None:
            by_number[call.ear.hears_call].listener = by_number[call.call]


@contextlib.asynccontextmanager
async def _way_of_media(plan: RunPlan) -> AsyncIterator[tuple[str, int] | None]:
    async with contextlib.AsyncExitStack() as relays:
        media = plan.media
        if media and plan.agents_weather and plan.agents_media:
            far = Relay(media, plan.agents_weather, plan.seed + 1, front=plan.agents_media)
            await relays.enter_async_context(far)
        if media and plan.weather:
            relay = Relay(media, plan.weather, plan.seed)
            media = (await relays.enter_async_context(relay)).address
        yield media


def _progress(tell: Tell) -> Callable[[str, dict[str, Any]], None]:
    def progress(event: str, facts: dict[str, Any]) -> None:
        tell({"event": event, "at_ns": time.monotonic_ns(), **facts})

    return progress


def _cost(records: list[CallRecord], cpu_seconds: float) -> dict[str, Any]:
    minutes = sum(record.ended_ns - record.join_started_ns for record in records) / 60e9
    return {
        "cpu_seconds": round(cpu_seconds, 3),
        "call_minutes": round(minutes, 3),
        "cpu_seconds_per_call_minute": round(cpu_seconds / minutes, 3) if minutes else 0.0,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
