"""What the framework's own fallback adapter does: the reasons for one of our own.

Where one of these fails after an upgrade, upstream has mended it: see whether
callfleet_worker.model.fallback is still needed.
"""

import asyncio
from typing import Any

import pytest
from livekit.agents import AgentSession, CloseEvent, CloseReason
from livekit.agents.llm import RealtimeModelFallbackAdapter
from livekit.plugins.google.realtime import RealtimeModel
from model_bench import GREETING_TURN, ListeningMouth, ScriptedEars, arm, settings_for

from callfleet_rehearsal.emulator import Emulator, EmulatorConfig
from callfleet_worker.model.build import _http_options
from callfleet_worker.persona import PersonaAgent

PATIENCE_SECONDS, LONG_ENOUGH = 60.0, 6.0


def upstream(emulator: Emulator, *keys: str) -> RealtimeModelFallbackAdapter:
    http_options = _http_options(settings_for(emulator).model)
    return RealtimeModelFallbackAdapter(
        [
            RealtimeModel(
                model="gemini-2.5-flash-native-audio-preview-12-2025",
                api_key=key,
                http_options=http_options,
            )
            for key in keys
        ]
    )


async def heard_from(
    emulator: Emulator, *keys: str, seconds: float = PATIENCE_SECONDS
) -> tuple[list[int], CloseEvent | None]:
    """Start a call on the framework's adapter; say which turns were heard, and how it closed.

    Waits for either; where nothing is to happen, for long enough to know it.
    """
    session: AgentSession[None] = AgentSession(
        llm=upstream(emulator, *keys), vad=None, turn_handling={"turn_detection": "realtime_llm"}
    )
    mouth = ListeningMouth()
    closed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    session.on("close", lambda event: closed.done() or closed.set_result(event))
    session.input.audio, session.output.audio = ScriptedEars(), mouth
    await session.start(PersonaAgent(settings_for(emulator)), record=False)
    heard = asyncio.create_task(mouth.until(lambda _: True))
    await asyncio.wait((closed, heard), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    heard.cancel()
    turns = [marker.turn for marker in mouth.found]
    event = closed.result() if closed.done() else None
    await session.aclose()
    return turns, event


async def test_upstream_greets_where_nothing_fails() -> None:
    async with Emulator(EmulatorConfig()) as emulator:
        assert await heard_from(emulator, "good") == ([GREETING_TURN], None)


async def test_upstream_loses_the_greeting_whose_first_connection_is_refused() -> None:
    async with Emulator(EmulatorConfig(keys=("good",))) as emulator:
        assert await heard_from(emulator, "revoked", "good", seconds=LONG_ENOUGH) == ([], None)


async def test_upstream_waits_for_ever_for_a_set_up_that_stalls() -> None:
    async with Emulator(EmulatorConfig()) as emulator:
        await arm(emulator, "setup_stall")
        assert await heard_from(emulator, "one", "two", seconds=LONG_ENOUGH) == ([], None)
        assert len(emulator.log.all("session_open")) == 1


@pytest.mark.parametrize("keys", [("revoked",), ("revoked", "old")])
async def test_upstream_ends_a_call_whose_keys_are_all_refused(keys: tuple[str, ...]) -> None:
    async with Emulator(EmulatorConfig(keys=("good",))) as emulator:
        turns, event = await heard_from(emulator, *keys)
        assert turns == []
        assert event is not None
        assert event.reason is CloseReason.ERROR
