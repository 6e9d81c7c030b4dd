"""A call without a room: the framework's session between a scripted caller and the emulator."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentSession, CloseEvent
from livekit.agents.voice import io

from callfleet_contract.events import CallEvent, ModelSessionEvent, TokensUsed, UsageDoubted
from callfleet_contract.outcomes import ModelSessionChange, UsageProblem
from callfleet_rehearsal.emulator import Emulator
from callfleet_rehearsal.sound.clips import question
from callfleet_rehearsal.sound.marker import Marker, MarkerFinder, Speaker, render
from callfleet_worker.agents.watching import watch_tools
from callfleet_worker.model.build import build_model
from callfleet_worker.model.fallback import CallModel
from callfleet_worker.persona import load_agent
from callfleet_worker.settings import Settings, load

CALL = 7
IN_RATE, OUT_RATE = 16000, 24000
FRAME_SECONDS = 0.02
GREETING_TURN = 0
WITHIN_SECONDS = 60.0


def settings_for(emulator: Emulator, **more: str) -> Settings:
    """Settings of a worker whose model is the emulator."""
    variables = {
        "LIVEKIT_URL": "ws://127.0.0.1:7880",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "s" * 32,
        "CALLFLEET_MODEL__KEYS": "good",
        "CALLFLEET_MODEL__NAMES": "gemini-2.5-flash-native-audio-preview-12-2025",
        "CALLFLEET_MODEL__BASE_URL": emulator.url,
        "CALLFLEET_MODEL__CA_FILE": str(emulator.ca_file),
    }
    return load({**variables, **more})


async def arm(emulator: Emulator, name: str, **settings: Any) -> None:
    """Let something go wrong at the model's end."""
    url = f"{emulator.control_url}/faults"
    async with (
        aiohttp.ClientSession() as client,
        client.post(url, json={"name": name, **settings}) as answer,
    ):
        if answer.status != 201:
            raise AssertionError(await answer.text())


class ScriptedEars(io.AudioInput):
    """Twenty milliseconds at a time, in real time: silence, or what the caller says."""

    def __init__(self) -> None:
        super().__init__(label="scripted ears")
        self._waiting = np.zeros(0, np.int16)
        self._due = time.monotonic()

    def say(self, marker: Marker) -> None:
        """Speak a sentence behind its marker."""
        sound = (render(marker, Speaker.CALLER, IN_RATE), question(marker.turn).samples)
        self._waiting = np.concatenate([self._waiting, *sound])

    async def __anext__(self) -> rtc.AudioFrame:
        self._due += FRAME_SECONDS
        await asyncio.sleep(max(0.0, self._due - time.monotonic()))
        count = int(IN_RATE * FRAME_SECONDS)
        piece, self._waiting = self._waiting[:count], self._waiting[count:]
        samples = np.zeros(count, np.int16)
        samples[: len(piece)] = piece
        return rtc.AudioFrame(samples.tobytes(), IN_RATE, 1, count)


class ListeningMouth(io.AudioOutput):
    """Plays in real time to nobody, and recognises the replies by their markers."""

    def __init__(self) -> None:
        super().__init__(
            label="listening mouth",
            capabilities=io.AudioOutputCapabilities(pause=False),
            sample_rate=OUT_RATE,
        )
        self.found: list[Marker] = []
        self.lengths: list[float] = []
        self.cut: list[float] = []
        self._heard = asyncio.Condition()
        self._finder = MarkerFinder(Speaker.AGENT, OUT_RATE)
        self._pushed = 0.0
        self._started = 0.0
        self._finish: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self._pushed:
            self._started = time.monotonic()
            self.on_playback_started(created_at=time.time())
        self._pushed += frame.duration
        seen = self._finder.feed(np.frombuffer(frame.data, np.int16))
        async with self._heard:
            self.found += [each.marker for each in seen]
            self._heard.notify_all()

    def flush(self) -> None:
        super().flush()
        if self._pushed:
            wait = self._started + self._pushed - time.monotonic()
            loop = asyncio.get_running_loop()
            self._finish = loop.call_later(max(0.0, wait), self._played_out)

    def clear_buffer(self) -> None:
        if self._pushed:
            if self._finish is not None:
                self._finish.cancel()
            played = min(self._pushed, time.monotonic() - self._started)
            self.cut.append(played)
            self._finished(played, interrupted=True)

    def _played_out(self) -> None:
        self._finished(self._pushed, interrupted=False)

    def _finished(self, played: float, *, interrupted: bool) -> None:
        self.lengths.append(self._pushed)
        self._pushed, self._finish = 0.0, None
        self.on_playback_finished(playback_position=played, interrupted=interrupted)

    async def heard(self, turn: int) -> Marker:
        """Wait for the reply of a turn."""
        return await self.until(lambda marker: marker.turn == turn)

    async def until(self, fits: Callable[[Marker], bool], count: int = 1) -> Marker:
        """Wait for the ``count``-th reply that fits."""
        async with asyncio.timeout(WITHIN_SECONDS), self._heard:
            await self._heard.wait_for(lambda: len(self._those(fits)) >= count)
        return self._those(fits)[count - 1]

    def _those(self, fits: Callable[[Marker], bool]) -> list[Marker]:
        return [marker for marker in self.found if fits(marker)]


@dataclass
class Talk:
    """A conversation under way."""

    model: CallModel
    session: AgentSession[None]
    ears: ScriptedEars
    mouth: ListeningMouth
    events: list[CallEvent]
    happened: asyncio.Event
    owed: bool = False
    closed: asyncio.Future[CloseEvent] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def say(self, turn: int, *, wants_tool: bool = False) -> None:
        """Let the caller ask something."""
        self.ears.say(Marker(CALL, turn, complete=True, wants_tool=wants_tool))

    async def greeted(self) -> None:
        """Wait until the greeting was said."""
        await self.mouth.heard(GREETING_TURN)
        await self.silence()

    async def exchange(self, turn: int) -> Marker:
        """Ask, and wait for the whole reply."""
        self.say(turn)
        marker = await self.mouth.heard(turn)
        await self.silence()
        return marker

    async def silence(self) -> None:
        """Wait until the agent has said what it had to say."""
        await self.until(lambda: self.session.agent_state == "listening")

    async def until(self, fits: Callable[[], bool]) -> None:
        """Wait until something is so; looked at whenever anything happens."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not fits():
                self.happened.clear()
                await self.happened.wait()

    async def end(self) -> CloseEvent:
        """Wait until the session closes by itself."""
        async with asyncio.timeout(WITHIN_SECONDS):
            return await self.closed

    @property
    def changes(self) -> list[ModelSessionChange]:
        """What happened to the connection, in order."""
        return [each.change for each in self.events if isinstance(each, ModelSessionEvent)]

    @property
    def doubts(self) -> list[UsageProblem]:
        """What was wrong with the model's bills, in order."""
        return [each.problem for each in self.events if isinstance(each, UsageDoubted)]

    @property
    def tokens(self) -> int:
        """All tokens that were reported."""
        return sum(each.tokens for each in self.events if isinstance(each, TokensUsed))


@contextlib.asynccontextmanager
async def talk(settings: Settings, agent: Agent | None = None) -> AsyncIterator[Talk]:
    """Start a conversation as a call does, without a room."""
    events: list[CallEvent] = []
    happened = asyncio.Event()

    def emit(event: CallEvent) -> None:
        events.append(event)
        happened.set()

    model = build_model(settings, "call", emit)
    session: AgentSession[None] = AgentSession(
        llm=model,
        vad=None,
        turn_handling={"turn_detection": "realtime_llm"},
        aec_warmup_duration=None,
        user_away_timeout=None,
    )
    model.attach(session, lambda: conversation.owed)
    conversation = Talk(model, session, ScriptedEars(), ListeningMouth(), events, happened)
    session.on("close", conversation.closed.set_result)
    session.on("agent_state_changed", lambda _: happened.set())
    session.input.audio, session.output.audio = conversation.ears, conversation.mouth
    chosen = agent or load_agent(settings)
    watch_tools(session, "call", emit, lambda *_: None)
    try:
        await session.start(chosen, record=False)
        yield conversation
    finally:
        await session.aclose()
        await model.aclose()
