"""Talk to the emulator with Google's own client, as tests do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from emulator_lines import PATIENCE_SECONDS, client, hush, pieces
from google.genai import types
from google.genai.live import AsyncSession

from callfleet_rehearsal.emulator import Emulator
from callfleet_rehearsal.emulator.frame_case import LIVE_25
from callfleet_rehearsal.sound.marker import Found, Marker, MarkerFinder, Speaker

LOOK_UP = {
    "function_declarations": [
        {
            "name": "look_up",
            "parameters": {
                "type": "OBJECT",
                "properties": {"order": {"type": "STRING"}},
                "required": ["order"],
            },
        }
    ]
}
BASIC: dict[str, Any] = {
    "response_modalities": ["AUDIO"],
    "input_audio_transcription": {},
    "output_audio_transcription": {},
    "session_resumption": {},
}


@contextlib.asynccontextmanager
async def talking(
    emulator: Emulator, model: str = LIVE_25, **config: Any
) -> AsyncIterator[AsyncSession]:
    sdk = client(emulator)
    async with sdk.aio.live.connect(model=model, config={**BASIC, **config}) as session:
        yield session
    await sdk.aio.aclose()


async def say(session: AsyncSession, sound: bytes) -> None:
    async for piece in pieces(sound):
        blob = types.Blob(data=piece, mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=blob)


@contextlib.asynccontextmanager
async def saying(session: AsyncSession, sound: bytes) -> AsyncIterator[None]:
    """Speak, and then stay on the line, until the block is left."""
    task = asyncio.create_task(say(session, sound + hush(30)))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def turn(session: AsyncSession) -> list[types.LiveServerMessage]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [message async for message in session.receive()]


def markers(messages: list[types.LiveServerMessage]) -> list[Marker]:
    finder = MarkerFinder(Speaker.AGENT, 24_000)
    sound = b"".join(message.data or b"" for message in messages)
    found: list[Found] = [*finder.feed(np.frombuffer(sound, dtype="<i2")), *finder.finish()]
    return [each.marker for each in found]


def contents(messages: list[types.LiveServerMessage]) -> list[types.LiveServerContent]:
    return [message.server_content for message in messages if message.server_content]


async def next_handle(session: AsyncSession) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for message in session.receive():
            update = message.session_resumption_update
            if update and update.new_handle:
                return update.new_handle
    raise AssertionError("no handle came")  # noqa: EM101, TRY003 - a test says it so


async def answer_tool(session: AsyncSession) -> types.FunctionCall:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for message in session.receive():
            if message.tool_call and message.tool_call.function_calls:
                call = message.tool_call.function_calls[0]
                response = types.FunctionResponse(
                    id=call.id, name=call.name, response={"output": "on its way"}
                )
                await session.send_tool_response(function_responses=response)
                return call
    raise AssertionError("no tool call came")  # noqa: EM101, TRY003 - a test says it so
