"""What callfleet relies on in livekit-plugins-google: fails when upstream moves.

test_upstream_names.py says that something moved; this says whether it mattered. Where one of these
fails after an upgrade, read the plugin's realtime_api.py beside upstream/gemini.py before changing
anything.
"""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from google.genai import types
from google.genai.live import AsyncSession
from livekit import rtc
from livekit.agents import llm
from livekit.plugins.google.realtime import realtime_api

from callfleet_worker.upstream.gemini import (
    PhoneModel,
    PhoneSession,
    SetupStalledError,
    _BoundedClient,
    tell_failures_once,
)
from callfleet_worker.upstream.gemini_sound import LeanSession

UPSTREAM = realtime_api.RealtimeSession


def source(name: str) -> str:
    return inspect.getsource(getattr(UPSTREAM, name))


def phone_model(**options: Any) -> PhoneModel:
    return PhoneModel(
        setup_seconds=1.0, model="gemini-2.5-flash-native-audio-x", api_key="key", **options
    )


@contextlib.asynccontextmanager
async def phone_session(**options: Any) -> AsyncIterator[PhoneSession]:
    """Give a session whose connection hangs: nothing leaves this process."""
    session = phone_model(**options).session()
    session._client = _BoundedClient(hanging_client(), 60.0)
    try:
        yield session
    finally:
        await session.aclose()


def hanging_client() -> Any:
    @contextlib.asynccontextmanager
    async def connect(**_: Any) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    async def aclose() -> None:
        pass

    return SimpleNamespace(
        aio=SimpleNamespace(live=SimpleNamespace(connect=connect), aclose=aclose)
    )


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("__init__", "self._client = GenAIClient("),
        ("__init__", "self._num_retries = 0"),
        ("push_audio", "types.LiveClientRealtimeInput(\n"),
        ("push_audio", 'mime_type=f"audio/pcm;rate={INPUT_AUDIO_SAMPLE_RATE}"'),
        ("push_audio", "self._send_client_event(realtime_input)"),
        ("_send_task", "await session.send_realtime_input(audio=msg.audio)"),
        ("_main_task", "async with self._client.aio.live.connect(\n"),
        ("_main_task", "model=self._opts.model, config=config"),
        ("_main_task", "config = self._build_connect_config()"),
        ("_main_task", "self._report_connection_acquired("),
        ("_main_task", "if self._num_retries == max_retries:"),
        ("_main_task", "self._session_should_close.wait()"),
        ("_recv_task", "self._num_retries = 0  # reset"),
        ("_recv_task", "self._handle_server_content(response.server_content)"),
        ("_recv_task", "self._handle_usage_metadata(response.usage_metadata)"),
        ("_recv_task", "self._handle_go_away(response.go_away)"),
        ("_handle_go_away", "self._session_should_close.set()"),
        ("aclose", "await self._client.aio.aclose()"),
    ],
)
def test_upstream_still_does_what_is_changed(method: str, line: str) -> None:
    assert line in source(method)


def test_upstream_uses_no_more_of_its_client_than_is_bounded() -> None:
    uses = {
        line.strip() for line in inspect.getsource(UPSTREAM).splitlines() if "self._client" in line
    }
    assert uses == {
        "self._client = GenAIClient(",
        "async with self._client.aio.live.connect(",
        "await self._client.aio.aclose()",
    }


async def test_sound_goes_out_in_the_frames_it_comes_in() -> None:
    async with phone_session() as session:
        frame = rtc.AudioFrame.create(16000, 1, 320)
        session.push_audio(frame)
        session.push_audio(frame)
        sent: list[Any] = [session._msg_ch.recv_nowait() for _ in range(2)]
        assert [len(message.audio.data) for message in sent] == [640, 640]
        assert session._msg_ch.empty()


async def test_sound_of_another_form_is_refused_and_says_why() -> None:
    async with phone_session() as session:
        with pytest.raises(ValueError, match="8000 Hz and 1 channels; the model takes 16000 Hz"):
            session.push_audio(rtc.AudioFrame.create(8000, 1, 160))


class Wire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, message: str) -> None:
        self.sent.append(message)


@pytest.mark.parametrize("vertex", [False, True])
async def test_the_short_way_sends_what_googles_own_way_does(*, vertex: bool) -> None:
    wire: Any = Wire()
    client: Any = SimpleNamespace(vertexai=vertex)
    session = AsyncSession(api_client=client, websocket=wire)
    sound = types.Blob(data=bytes(range(256)), mime_type="audio/pcm;rate=16000")
    await session.send_realtime_input(audio=sound)
    await LeanSession(session).send_realtime_input(audio=sound)
    await session.send_realtime_input(text="hello")
    await LeanSession(session).send_realtime_input(text="hello")
    assert wire.sent[0] == wire.sent[1]
    assert wire.sent[2] == wire.sent[3]


async def test_a_set_up_that_stalls_is_given_up() -> None:
    client = _BoundedClient(hanging_client(), 0.01)
    config = types.LiveConnectConfig()
    with pytest.raises(SetupStalledError, match=r"did not complete its set-up in 0\.01 s"):
        async with client.aio.live.connect(model="gemini", config=config):
            pass


async def test_only_a_finished_turn_clears_the_count_of_retries() -> None:
    async with phone_session() as session:
        session._num_retries += 1
        session._num_retries = 0
        assert session._num_retries == 1
        session._handle_server_content(types.LiveServerContent(turn_complete=True))
        session._num_retries = 0
        assert session._num_retries == 0


async def test_go_away_waits_for_the_end_of_the_turn() -> None:
    async with phone_session() as session:
        told: list[float] = []
        session.on("go_away", told.append)
        session._session_should_close.clear()
        session._handle_go_away(types.LiveServerGoAway(time_left="50s"))
        assert told == [50.0]
        assert not session._session_should_close.is_set()
        session._handle_server_content(
            types.LiveServerContent(turn_complete=True, interrupted=True)
        )
        assert not session._session_should_close.is_set()
        session._handle_server_content(types.LiveServerContent(turn_complete=True))
        assert session._session_should_close.is_set()


async def test_go_away_without_time_left_leaves_at_once() -> None:
    async with phone_session() as session:
        session._session_should_close.clear()
        session._handle_go_away(types.LiveServerGoAway(time_left="0s"))
        async with asyncio.timeout(5):
            await session._session_should_close.wait()


async def test_a_usage_snapshot_between_two_replies_is_not_lost() -> None:
    async with phone_session() as session:
        seen: list[types.UsageMetadata] = []
        session.on("usage", seen.append)
        usage = types.UsageMetadata(prompt_token_count=7)
        session._handle_usage_metadata(usage)
        assert seen == [usage]


def sound() -> types.LiveServerContent:
    blob = types.Blob(data=bytes(960), mime_type="audio/pcm;rate=24000")
    return types.LiveServerContent(
        model_turn=types.Content(parts=[types.Part(inline_data=blob)], role="model")
    )


async def test_who_keeps_an_account_hears_what_came_between_two_bills() -> None:
    async with phone_session() as session:
        seen: list[str] = []
        for name in ("spoke", "called", "interrupted", "replied", "usage", "parted"):
            session.on(name, lambda *_, name=name: seen.append(name))
        session._start_new_generation()
        for _ in range(3):
            session._handle_server_content(sound())
        session._handle_server_content(types.LiveServerContent(interrupted=True))
        session._handle_server_content(types.LiveServerContent(turn_complete=True))
        session._handle_usage_metadata(types.UsageMetadata(prompt_token_count=7))
        session._start_new_generation()
        session._handle_server_content(sound())
        call = types.FunctionCall(name="look_up", args={})
        session._handle_tool_calls(types.LiveServerToolCall(function_calls=[call]))
        session._report_connection_acquired(0.0)
        turn = ["spoke", "interrupted", "replied", "usage"]
        assert seen == [*turn, "spoke", "called", "parted"]


async def test_resumption_is_left_out_where_it_is_off() -> None:
    async with phone_session(resumption=False) as session:
        assert session._build_connect_config().session_resumption is None
    async with phone_session() as session:
        assert session._build_connect_config().session_resumption is not None


async def test_upstreams_messages_still_have_the_events_a_call_listens_to() -> None:
    async with phone_session() as session:
        seen: list[llm.RealtimeModelError] = []
        session.on("error", seen.append)
        session._emit_error(OSError("gone"), recoverable=False)
        assert not seen[0].recoverable
        assert isinstance(seen[0].error, OSError)


def test_a_failed_connection_is_not_told_in_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    tell_failures_once()
    logger: logging.Logger = vars(realtime_api)["logger"]
    logger.addHandler(caplog.handler)
    try:
        logger.error("Gemini Realtime API error", exc_info=OSError("gone"))
        logger.warning("something else")
    finally:
        logger.removeHandler(caplog.handler)
    assert {record.message for record in caplog.records} == {"something else"}
