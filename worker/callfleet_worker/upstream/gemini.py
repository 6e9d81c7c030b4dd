"""The one room for private names of livekit-plugins-google 1.8.9 (its realtime/realtime_api.py).

What is changed here, and why:

- ``push_audio``: audio goes out in the 20 ms frames it comes in, not in chunks of 50 (a chunk
  waits for its last sample), and is not validated on its way: it is made here.
- ``_client``: the wait for ``setupComplete`` is bounded; upstream waits for ever. Its session sends
  sound the short way.
- ``_num_retries``: only a finished turn clears it; upstream lets any message do so, and a
  connection that dies right after its set-up is retried without end.
- ``_handle_go_away``: leaves between two turns; upstream leaves at once and the reply is lost.
- ``_handle_usage_metadata``: hands the whole snapshot on; upstream loses parts of it. What else an
  account needs to know is told beside it (``_handle_server_content``, ``_handle_tool_calls``).
- ``_build_connect_config``: resumption can be left out; upstream always asks for it.
- its logger: a failed connection is told by us in one line, not in three tracebacks.

tests/unit/test_upstream_gemini.py fails when upstream moves one of these names.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, Literal

from google.genai import Client, types
from google.genai.live import AsyncSession
from livekit import rtc
from livekit.plugins.google.realtime import realtime_api

from callfleet_worker.upstream.gemini_sound import LeanSession, sound_event

PLUGIN_LOGGER = "livekit.plugins.google"
GO_AWAY_MARGIN_SECONDS = 3.0


def tell_failures_once() -> None:
    """Keep the plugin from writing a traceback for each step of a failed connection."""
    logging.getLogger(PLUGIN_LOGGER).addFilter(_is_no_traceback)


def _is_no_traceback(record: logging.LogRecord) -> bool:
    return not record.exc_info


class SetupStalledError(TimeoutError):
    """The model's end took the connection and never said that the session is set up."""


class PhoneModel(realtime_api.RealtimeModel):
    """The plugin's model, whose sessions are fit for a phone call."""

    def __init__(self, *, setup_seconds: float, resumption: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.setup_seconds = setup_seconds
        self.resumption = resumption

    def session(self, *, turn_detection_disabled: bool = False) -> "PhoneSession":
        """Open a session. Gemini's turn detection is set in the model, never per session."""
        del turn_detection_disabled
        session = PhoneSession(self)
        self._sessions.add(session)
        return session


class PhoneSession(realtime_api.RealtimeSession):
    """The plugin's session with the changes above.

    Beside the plugin's events it emits ``go_away`` (seconds left), and for who keeps an account:
    ``usage`` (the wire's ``UsageMetadata``), ``spoke`` and ``called`` (a tool; each once between
    two snapshots or turns), ``interrupted``, ``replied`` and ``parted``.
    """

    def __init__(self, model: PhoneModel) -> None:
        self._retries = 0
        self._turn_completed = False
        self._leaving: asyncio.TimerHandle | None = None
        self._told: set[str] = set()
        super().__init__(model)
        self._client: Any = _BoundedClient(self._client, model.setup_seconds)
        self._resumption = model.resumption

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        """Send a frame on as it is.

        Raises:
            ValueError: the frame is not of the form that the ears make.

        """
        if frame.sample_rate != realtime_api.INPUT_AUDIO_SAMPLE_RATE or frame.num_channels != 1:
            message = (
                f"a frame of {frame.sample_rate} Hz and {frame.num_channels} channels; the model "
                f"takes {realtime_api.INPUT_AUDIO_SAMPLE_RATE} Hz mono: read it from the ears"
            )
            raise ValueError(message)
        self._send_client_event(sound_event(bytes(frame.data)))

    def _build_connect_config(self) -> types.LiveConnectConfig:
        config = super()._build_connect_config()
        if not self._resumption:
            config.session_resumption = None
        return config

    def _report_connection_acquired(self, acquire_time: float) -> None:
        self._stay()
        self._told.clear()
        self.emit("parted")
        super()._report_connection_acquired(acquire_time)

    @property
    def _num_retries(self) -> int:
        return self._retries

    @_num_retries.setter
    def _num_retries(self, value: int) -> None:
        if value == 0 and not self._turn_completed:
            return
        self._turn_completed = False
        self._retries = value

    def _handle_server_content(self, server_content: types.LiveServerContent) -> None:
        if server_content.model_turn:
            self._tell_once("spoke")
        super()._handle_server_content(server_content)
        if server_content.interrupted:
            self.emit("interrupted")
        if server_content.turn_complete:
            self._turn_completed = True
            self._told.clear()
            self.emit("replied")
            if self._leaving is not None and not server_content.interrupted:
                self._leave()

    def _handle_tool_calls(self, tool_call: types.LiveServerToolCall) -> None:
        self._tell_once("called")
        super()._handle_tool_calls(tool_call)

    def _tell_once(self, event: Literal["spoke", "called"]) -> None:
        """Tell once of what comes fifty times a second."""
        if event not in self._told:
            self._told.add(event)
            self.emit(event)

    def _handle_go_away(self, go_away: types.LiveServerGoAway) -> None:
        left = seconds_left(go_away.time_left)
        self.emit("go_away", left)
        if self._leaving is None:
            wait = max(0.0, left - GO_AWAY_MARGIN_SECONDS)
            self._leaving = asyncio.get_running_loop().call_later(wait, self._leave)

    def _leave(self) -> None:
        """Let the main task open the next connection; the handle brings the conversation along."""
        self._stay()
        self._session_should_close.set()

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def _handle_usage_metadata(self, usage_metadata: types.UsageMetadata) -> None:
        self._told.clear()
        self.emit("usage", usage_metadata)
        if self._current_generation is not None:
            super()._handle_usage_metadata(usage_metadata)

    async def aclose(self) -> None:
        """Close, and forget a planned reconnect."""
        self._stay()
        await super().aclose()
        self.emit("parted")


class _BoundedClient:
    """As much of a genai client as the session uses, with a bound on a connection's set-up."""

    def __init__(self, client: Client, setup_seconds: float) -> None:
        self._client = client
        self._setup_seconds = setup_seconds

    @property
    def aio(self) -> "_BoundedClient":
        return self

    @property
    def live(self) -> "_BoundedClient":
        return self

    async def aclose(self) -> None:
        await self._client.aio.aclose()

    @contextlib.asynccontextmanager
    async def connect(
        self, *, model: str, config: types.LiveConnectConfig
    ) -> AsyncIterator[AsyncSession]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._setup_seconds):
                    session = await stack.enter_async_context(
                        self._client.aio.live.connect(model=model, config=config)
                    )
            except TimeoutError as error:
                message = (
                    f"model {model!r} did not complete its set-up in {self._setup_seconds:g} s; "
                    "set model.setup_seconds higher if this endpoint is known to be slow"
                )
                raise SetupStalledError(message) from error
            yield LeanSession(session)


def seconds_left(time_left: str | None) -> float:
    """Read goAway's ``timeLeft`` ("50s", "9.5s"); none or an unknown form leaves no time."""
    with contextlib.suppress(ValueError):
        return max(0.0, float((time_left or "").removesuffix("s")))
    return 0.0
