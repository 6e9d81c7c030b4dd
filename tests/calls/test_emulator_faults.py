"""Faults on demand, as a client without any SDK sees them."""

import asyncio
import base64
import contextlib

import orjson
import pytest
import websockets
from emulator_lines import (
    PATIENCE_SECONDS,
    QUICK,
    hush,
    pieces,
    raw,
    receive,
    send,
    set_up,
    utterance,
)
from websockets.asyncio.client import ClientConnection

from callfleet_rehearsal.emulator import Emulator, EmulatorConfig
from callfleet_rehearsal.emulator.frame_case import LIVE_25
from callfleet_rehearsal.sound.marker import Marker

TEXT = {"realtimeInput": {"text": "hi"}}
TOOLS = [{"functionDeclarations": [{"name": "look_up"}]}]


async def say(socket: ClientConnection, marker: Marker) -> None:
    async for piece in pieces(utterance(marker) + hush(0.3)):
        audio = {"data": base64.b64encode(piece).decode(), "mimeType": "audio/pcm;rate=16000"}
        await send(socket, {"realtimeInput": {"audio": audio}})


async def kinds(socket: ClientConnection, until: str) -> list[str]:
    """List the kinds of content that come, up to one of them."""
    seen: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while until not in seen:
            body = orjson.loads(await socket.recv(decode=False))
            seen += body.get("serverContent", body)
    return seen


async def closing(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await receive(socket, "nothing")
    received = closed.value.rcvd
    return (1006, "") if received is None else (received.code, received.reason)


@pytest.mark.parametrize("status", [401, 403, 429, 503])
async def test_an_upgrade_can_be_refused_with_a_status(status: int) -> None:
    async with Emulator(QUICK) as emulator:
        emulator.arm("http_status", status=status)
        with pytest.raises(websockets.InvalidStatus) as refused:
            await raw(emulator).__aenter__()
        assert refused.value.response.status_code == status
        async with raw(emulator) as socket:
            await set_up(socket)


async def test_a_setup_can_stay_unanswered() -> None:
    async with Emulator(QUICK) as emulator:
        emulator.arm("setup_stall")
        async with raw(emulator) as socket:
            await send(socket, {"setup": {"model": LIVE_25}})
            await emulator.log.wait_for("fault", name="setup_stall")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.3)


async def test_a_session_can_be_closed_with_any_code_and_reason() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("close", code=1008, reason="x" * 200)
        assert await closing(socket) == (1008, "x" * 123)


async def test_a_connection_can_be_reset() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("reset")
        assert (await closing(socket))[0] == 1006


async def test_a_reply_can_stall_in_its_middle() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("stall", at="mid_audio", session="any", seconds=60)
        await send(socket, TEXT)
        await emulator.log.wait_for("generation_complete")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(kinds(socket, "generationComplete"), 0.5)


async def test_in_a_black_hole_not_even_pings_are_answered() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        await (await socket.ping())
        emulator.arm("black_hole")
        waiter = await socket.ping()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiter, 0.5)


async def test_pongs_can_be_slow() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("slow_pong", seconds=0.2)
        assert await (await socket.ping()) >= 0.2


async def test_go_away_is_followed_by_the_end() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("go_away", time_left_seconds=50, kill_after_seconds=0.1)
        assert (await receive(socket, "goAway"))["goAway"] == {"timeLeft": "50s"}
        assert (await closing(socket))[0] == 1011


async def test_a_connection_ends_by_itself_with_a_go_away_before() -> None:
    config = EmulatorConfig(connection_seconds=0.4, go_away_seconds=0.3)
    async with Emulator(config) as emulator, raw(emulator) as socket:
        await set_up(socket)
        assert (await receive(socket, "goAway"))["goAway"] == {"timeLeft": "0.3s"}
        assert await closing(socket) == (1011, "The operation was aborted.")


async def test_a_session_without_compression_expires() -> None:
    config = EmulatorConfig(session_seconds=0.3, go_away_seconds=0.1)
    async with Emulator(config) as emulator, raw(emulator) as socket:
        await set_up(socket)
        assert await closing(socket) == (1008, "BidiGenerateContent session expired")


@pytest.mark.parametrize(
    ("name", "key"), [("error_json", "error"), ("unknown_key", "somethingNew")]
)
async def test_strange_messages_can_be_sent(name: str, key: str) -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm(name)
        assert await receive(socket, key)


async def test_a_malformed_frame_can_be_sent() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("malformed")
        assert await socket.recv(decode=False) == b'{"serverContent": {'


async def test_audio_can_come_after_the_turn_is_complete() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("late_audio", session="any", after_seconds=0.01)
        await send(socket, TEXT)
        await kinds(socket, "turnComplete")
        await receive(socket, "serverContent", "modelTurn")


async def test_a_turn_can_be_complete_before_its_audio_is() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("premature_turn_complete", session="any")
        await send(socket, TEXT)
        seen = await kinds(socket, "generationComplete")
        assert "modelTurn" in seen[seen.index("turnComplete") :]


async def test_a_turn_can_be_empty() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("empty_turn", session="any")
        await send(socket, TEXT)
        assert await kinds(socket, "turnComplete") == ["turnComplete"]


async def test_a_frame_of_audio_can_stray_behind_a_tool_call() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket, tools=TOOLS)
        emulator.arm("stray_frame_after_tool_call", session="any")
        await say(socket, Marker(1, 1, wants_tool=True))
        assert (await kinds(socket, "modelTurn"))[-2:] == ["toolCall", "modelTurn"]


async def test_a_tool_call_without_an_id_can_be_answered_by_name() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket, tools=TOOLS)
        emulator.arm("tool_call_without_id", session="any")
        await say(socket, Marker(1, 1, wants_tool=True))
        call = (await receive(socket, "toolCall"))["toolCall"]["functionCalls"][0]
        assert "id" not in call
        answer = {"name": call["name"], "response": {"output": 1}}
        await send(socket, {"toolResponse": {"functionResponses": [answer]}})
        await receive(socket, "serverContent", "modelTurn")


async def test_usage_can_be_missing_or_doubled() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("missing_usage", session="any")
        await send(socket, TEXT)
        assert "usageMetadata" not in await receive(socket, "serverContent", "turnComplete")
        emulator.arm("double_usage", session="any")
        await send(socket, TEXT)
        assert "usageMetadata" in await receive(socket, "serverContent", "turnComplete")
        assert "serverContent" not in await receive(socket, "usageMetadata")


async def test_usage_can_count_many_tokens_and_not_say_what_for() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        await send(socket, TEXT)
        told = (await receive(socket, "serverContent", "turnComplete"))["usageMetadata"]
        emulator.arm("vague_usage", session="any", factor=30)
        await send(socket, TEXT)
        vague = (await receive(socket, "serverContent", "turnComplete"))["usageMetadata"]
        assert vague.keys() == {"promptTokenCount", "responseTokenCount", "totalTokenCount"}
        assert vague["totalTokenCount"] > 20 * told["totalTokenCount"]
        bills = [each for each in emulator.log.all() if each["event"] == "usage"]
        assert bills[-1]["total"] == vague["totalTokenCount"]


async def test_a_fault_strikes_only_the_turn_it_is_meant_for() -> None:
    async with Emulator(QUICK) as emulator, raw(emulator) as socket:
        await set_up(socket)
        emulator.arm("close", at="think", turn=2, session="any")
        await say(socket, Marker(1, 1))
        await receive(socket, "serverContent", "modelTurn")
        with contextlib.suppress(websockets.ConnectionClosed):
            await say(socket, Marker(1, 2))
        assert (await closing(socket))[0] == 1011


async def test_sessions_beyond_the_most_are_refused_until_one_ends() -> None:
    async with Emulator(EmulatorConfig(most_sessions=1)) as emulator:
        async with raw(emulator) as first:
            await set_up(first)
            async with raw(emulator) as second:
                await send(second, {"setup": {"model": LIVE_25}})
                code, reason = await closing(second)
            assert code == 1011
            assert "RESOURCE_EXHAUSTED" in reason
        await emulator.log.wait_for("close", count=2)
        async with raw(emulator) as third:
            await set_up(third)
