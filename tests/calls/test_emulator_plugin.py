"""LiveKit's Google plugin, unmodified, against the emulator."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from emulator_lines import KEY, PIECE, QUICK, RATE, hush, pieces, trust, utterance
from google.genai import types
from livekit import rtc
from livekit.agents import APIConnectOptions, function_tool, llm
from livekit.plugins.google.realtime import RealtimeModel
from livekit.plugins.google.realtime.realtime_api import RealtimeSession

from callfleet_rehearsal.emulator import Emulator
from callfleet_rehearsal.emulator.frame_case import LIVE_25, LIVE_38
from callfleet_rehearsal.sound.marker import Marker, MarkerFinder, Speaker

WITHIN_SECONDS = 60


@function_tool
async def look_up(order: str) -> str:
    """Look an order up.

    Args:
        order: the order's number

    """
    return f"{order} is on its way"


class Caller:
    """Speaks into a session of the plugin and collects its generations."""

    def __init__(self, session: RealtimeSession) -> None:
        self.session = session
        self.generations: asyncio.Queue[llm.GenerationCreatedEvent] = asyncio.Queue()
        self.events: list[str] = []
        session.on("generation_created", self.generations.put_nowait)
        session.on("input_speech_started", lambda _: self.events.append("started"))
        session.on("error", lambda error: self.events.append(f"error {error.recoverable}"))

    async def say(self, sound: bytes) -> None:
        async for piece in pieces(sound):
            samples = len(piece) // 2
            self.session.push_audio(rtc.AudioFrame(piece, RATE, 1, samples))

    @contextlib.asynccontextmanager
    async def saying(self, sound: bytes) -> AsyncIterator[None]:
        task = asyncio.create_task(self.say(sound + hush(30)))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def generation(self) -> llm.GenerationCreatedEvent:
        async with asyncio.timeout(WITHIN_SECONDS):
            return await self.generations.get()

    async def heard(self, generation: llm.GenerationCreatedEvent | None = None) -> list[Marker]:
        """Markers in all the audio of a generation, the next one unless it is given."""
        generation = generation or await self.generation()
        finder = MarkerFinder(Speaker.AGENT, 24_000)
        found = []
        async with asyncio.timeout(WITHIN_SECONDS):
            async for message in generation.message_stream:
                async for frame in message.audio_stream:
                    found += finder.feed(np.frombuffer(frame.data, dtype=np.int16))
        return [each.marker for each in (*found, *finder.finish())]


@contextlib.asynccontextmanager
async def calling(
    emulator: Emulator, model: str = LIVE_25, **options: Any
) -> AsyncIterator[Caller]:
    http = types.HttpOptions(base_url=emulator.url, async_client_args={"ssl": trust(emulator)})
    realtime = RealtimeModel(
        model=model.removeprefix("models/"),
        api_key=KEY,
        instructions="Be brief.",
        http_options=http,
        conn_options=APIConnectOptions(max_retry=3, retry_interval=0.1, timeout=10),
        **options,
    )
    session = realtime.session()
    try:
        yield Caller(session)
    finally:
        await session.aclose()


async def test_a_reply_that_the_agent_starts_is_the_greeting() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator) as caller:
        created = await caller.session.generate_reply()
        assert created.user_initiated
        assert await caller.heard(created) == [Marker(255, 0)]


async def test_on_38_the_agent_starts_a_reply_without_any_placeholder() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator, LIVE_38) as caller:
        created = await caller.session.generate_reply(instructions="Greet the caller.")
        assert await caller.heard(created) == [Marker(255, 0)]


async def test_a_caller_is_answered_through_the_plugin() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator) as caller:
        for turn in (1, 2):
            async with caller.saying(utterance(Marker(9, turn))):
                assert await caller.heard() == [Marker(9, turn)]
                await emulator.log.wait_for("turn_complete", turn=turn)
        assert emulator.log.all("setup")[0]["voice"] == "Puck"


async def test_frames_of_the_usual_size_reach_the_emulator_whole() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator) as caller:
        async with caller.saying(utterance(Marker(9, 1))):
            await caller.heard()
        ended = emulator.log.all("end_of_turn")[0]
        assert (ended["call"], ended["turn"]) == (9, 1)
    assert PIECE * 50 == RATE


async def test_a_tool_is_called_and_its_result_spoken_about() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator) as caller:
        await caller.session.update_tools([look_up])
        async with caller.saying(utterance(Marker(9, 1, wants_tool=True))):
            asked = await caller.generation()
            async with asyncio.timeout(WITHIN_SECONDS):
                calls = [call async for call in asked.function_stream]
            assert [(call.name, call.arguments) for call in calls] == [
                ("look_up", '{"order": "1042"}')
            ]
            context = caller.session.chat_ctx
            context.items.append(
                llm.FunctionCallOutput(
                    name="look_up", call_id=calls[0].call_id, output="here", is_error=False
                )
            )
            await caller.session.update_chat_ctx(context)
            assert await caller.heard() == [Marker(9, 1)]


async def test_speaking_over_a_reply_reaches_the_agent_as_an_interruption() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator) as caller:
        await caller.session.generate_reply()
        await caller.generation()
        await emulator.log.wait_for("reply_first_audio")
        caller.events.clear()
        async with caller.saying(utterance(Marker(9, 1))):
            await emulator.log.wait_for("interrupted")
            assert await caller.heard() == [Marker(9, 1)]
        assert caller.events[0] == "started"


async def test_a_lost_connection_is_resumed_with_the_handle() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator) as caller:
        async with caller.saying(utterance(Marker(9, 1))):
            await caller.heard()
            await emulator.log.wait_for("turn_complete", turn=1)
        emulator.arm("close", code=1011, reason="Internal error encountered.")
        resumed = await emulator.log.wait_for("resume")
        assert resumed["fate"] == "good"
        assert caller.events[-1] == "error True"
        async with caller.saying(utterance(Marker(9, 2))):
            assert await caller.heard() == [Marker(9, 2)]


async def test_a_go_away_makes_the_plugin_come_back() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator) as caller:
        async with caller.saying(utterance(Marker(9, 1))):
            await caller.heard()
            await emulator.log.wait_for("turn_complete", turn=1)
        emulator.arm("go_away", time_left_seconds=1, kill_after_seconds=5)
        assert (await emulator.log.wait_for("resume"))["fate"] == "good"


async def test_usage_reaches_the_plugins_metrics() -> None:
    async with Emulator(QUICK) as emulator, calling(emulator) as caller:
        metrics: asyncio.Queue[Any] = asyncio.Queue()
        caller.session.on("metrics_collected", metrics.put_nowait)
        async with caller.saying(utterance(Marker(9, 1))):
            await caller.heard()
            async with asyncio.timeout(WITHIN_SECONDS):
                while not (collected := await metrics.get()).input_tokens:
                    continue
        assert collected.input_token_details.audio_tokens > 0
        assert collected.output_token_details.audio_tokens > 25
