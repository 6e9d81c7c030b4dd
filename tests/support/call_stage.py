"""One call on a stage: a real LiveKit server and a real room, the emulator, and a phone to play.

The job around the call is the only thing made up: what a worker's process would give it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
from livekit import api, rtc
from numpy.typing import NDArray
from rooms_api import Rooms

from callfleet_contract.events import CallEnded, CallEvent
from callfleet_rehearsal.emulator.configuration import EmulatorConfig
from callfleet_rehearsal.emulator.server import Emulator
from callfleet_rehearsal.sound.clips import question
from callfleet_rehearsal.sound.marker import Marker, Speaker, render
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_worker.call import Call
from callfleet_worker.settings import Settings

RATE = 16_000
LOUD = 1_000


def speech(call: int, turn: int, rate: int = RATE, channels: int = 1) -> NDArray[np.int16]:
    """A marker and a sentence, at any rate."""
    sound = np.concatenate(
        (render(Marker(call, turn), Speaker.CALLER, RATE), question(turn).samples)
    )
    if rate != RATE:
        resampler = rtc.AudioResampler(RATE, rate)
        frames = resampler.push(bytearray(sound.tobytes())) + resampler.flush()
        sound = np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])
    return np.repeat(sound, channels)


class Job:
    """As much of a JobContext as a call uses."""

    def __init__(self, server: LiveKitServer, room: str, settings: Settings) -> None:
        self._server = server
        self.events: list[CallEvent] = []
        self.job = SimpleNamespace(
            id=f"job-{room}", room=SimpleNamespace(name=room, sid=""), attributes={}
        )
        self.room = rtc.Room()
        self.proc = SimpleNamespace(userdata={"settings": settings, "events": self})
        self.shut_down: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.up = asyncio.Event()
        self.time_is_up = self.up.wait
        self.transferred: list[tuple[str, str]] = []
        self.callbacks: list[Callable[[str], Awaitable[None]]] = []

    def emit(self, event: CallEvent) -> None:
        self.events.append(event)

    def add_shutdown_callback(self, callback: Callable[[str], Awaitable[None]]) -> None:
        self.callbacks.append(callback)

    async def connect(self, auto_subscribe: Any) -> None:
        del auto_subscribe
        token = _token(self._server, "agent", self.job.room.name).with_kind("agent")
        options = rtc.RoomOptions(auto_subscribe=False)
        await self.room.connect(self._server.url, token.to_jwt(), options)
        self.job.room.sid = await self.room.sid

    @property
    def api(self) -> Any:
        """The way to LiveKit's API; only as much of it as is asked."""
        return SimpleNamespace(room=Rooms(self._server))

    async def delete_room(self, room_name: str | None = None) -> None:
        """Delete the room; without a name, as the framework does, the one that was joined."""
        room = room_name or self.room.name
        async with api.LiveKitAPI(
            self._server.http_url, self._server.api_key, self._server.api_secret
        ) as livekit:
            with contextlib.suppress(api.TwirpError):
                await livekit.room.delete_room(api.DeleteRoomRequest(room=room))

    async def transfer_sip_participant(self, participant: str, transfer_to: str) -> None:
        self.transferred.append((participant, transfer_to))

    def shutdown(self, reason: str) -> None:
        if not self.shut_down.done():
            self.shut_down.set_result(reason)


@dataclass
class Stage:
    """A call that runs, and what it told."""

    server: LiveKitServer
    room: str
    emulator: Emulator
    job: Job
    call: Call
    phones: list["Phone"] = field(default_factory=list)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.job.events if isinstance(event, kind)]

    async def phone(self, identity: str = "caller", *, publish: bool = True) -> "Phone":
        """Have somebody join the room."""
        phone = Phone(self.server, self.room, identity)
        self.phones.append(phone)
        await phone.join()
        if publish:
            await phone.publish()
        return phone

    async def notices(self, phone: "Phone") -> None:
        """Wait until the agent knows of somebody."""
        seen = asyncio.Event()
        self.job.room.on("participant_connected", lambda _: seen.set())
        async with asyncio.timeout(10):
            while phone.identity not in self.job.room.remote_participants:
                await seen.wait()
                seen.clear()

    def calls_heard(self) -> set[int]:
        """Whose markers the model heard. A busy machine's jitter buffer may spoil single ones."""
        return {each["call"] for each in self.emulator.log.all("marker")}

    async def ended(self) -> CallEnded:
        """Wait for the call's end, which is its last event and its only one of the kind."""
        async with asyncio.timeout(60):
            await self.job.shut_down
        (end,) = self.of(CallEnded)
        assert self.job.events[-1] is end
        assert isinstance(end, CallEnded)
        return end

    async def removes(self, identity: str) -> None:
        """Have an operator put somebody out of the room."""
        await Rooms(self.server).remove(self.room, identity)

    async def rooms(self) -> list[str]:
        """The rooms that the server has."""
        answer = await Rooms(self.server).list_rooms(api.ListRoomsRequest())
        return [room.name for room in answer.rooms]


class Phone:
    """Somebody in the room who can speak and hears the agent's markers."""

    def __init__(self, server: LiveKitServer, room: str, identity: str) -> None:
        self._server, self._room_name, self.identity = server, room, identity
        self.room = rtc.Room()
        self.disconnected = asyncio.Event()
        self._source: rtc.AudioSource | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self.track: rtc.LocalAudioTrack | None = None
        self._listening: set[asyncio.Task[None]] = set()
        self._more = asyncio.Event()
        self.sound: list[tuple[float, NDArray[np.int16]]] = []

    async def join(self) -> None:
        self.room.on("track_subscribed", self._on_track)
        self.room.on("disconnected", lambda _: self.disconnected.set())
        token = _token(self._server, self.identity, self._room_name)
        await self.room.connect(self._server.url, token.to_jwt())

    async def publish(self, rate: int = RATE, channels: int = 1) -> None:
        self._source = rtc.AudioSource(rate, channels, queue_size_ms=200)
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        self._publication = await self.room.local_participant.publish_track(self.track, options)

    async def unpublish(self) -> None:
        assert self._publication is not None
        await self.room.local_participant.unpublish_track(self._publication.sid)

    async def say(self, samples: NDArray[np.int16]) -> None:
        """Speak to the end."""
        source = self._source
        assert source is not None
        size = source.sample_rate // 50 * source.num_channels
        padded = np.concatenate((samples, np.zeros(-len(samples) % size, np.int16)))
        for chunk in padded.reshape(-1, size):
            frame = rtc.AudioFrame(
                chunk.tobytes(), source.sample_rate, source.num_channels, source.sample_rate // 50
            )
            await source.capture_frame(frame)
        await source.wait_for_playout()

    async def hears(self) -> None:
        """Wait until the agent speaks."""
        async with asyncio.timeout(20):
            while not any(_is_loud(samples) for _, samples in self.sound[-3:]):
                await self._heard_more()

    @property
    def spoken_to(self) -> bool:
        """Whether the agent was heard at all."""
        return any(_is_loud(samples) for _, samples in self.sound)

    async def asks(self, turn: int, call: int = 1) -> None:
        """Say a sentence and wait for the reply's beginning, then hear it out."""
        source = self._source
        assert source is not None
        await self.say(speech(call, turn, source.sample_rate, source.num_channels))
        await self.hears()
        await self.silence()

    async def silence(self) -> None:
        """Wait until the agent has said nothing for 0.8 s."""
        async with asyncio.timeout(20):
            while any(_is_loud(samples) for _, samples in self.sound[-80:]):
                await self._heard_more()

    async def _heard_more(self) -> None:
        self._more.clear()
        await self._more.wait()

    async def listens(self, seconds: float) -> None:
        """Hear the agent's track for so long."""
        wanted = len(self.sound) + int(seconds * 100)
        async with asyncio.timeout(seconds * 10):
            while len(self.sound) < wanted:
                await self._heard_more()

    async def leave(self) -> None:
        for task in self._listening:
            task.cancel()
        if self._listening:
            await asyncio.wait(self._listening)
        self._listening.clear()
        await self.room.disconnect()

    def _on_track(self, track: rtc.Track, *_: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            task = asyncio.create_task(self._listen(track))
            self._listening.add(task)

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE, num_channels=1)
        try:
            await self._hear(stream)
        finally:
            await stream.aclose()

    async def _hear(self, stream: rtc.AudioStream) -> None:
        async for event in stream:
            samples = np.frombuffer(event.frame.data, np.int16)
            self.sound.append((asyncio.get_running_loop().time(), samples))
            self._more.set()


def _is_loud(samples: NDArray[np.int16]) -> bool:
    return bool(np.abs(samples.astype(np.int32)).max() > LOUD)


def _token(server: LiveKitServer, identity: str, room: str) -> api.AccessToken:
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
    token = api.AccessToken(server.api_key, server.api_secret)
    return token.with_identity(identity).with_grants(grants)


def call_settings(server: LiveKitServer, emulator: Emulator, **more: Any) -> Settings:
    """Settings of a call on the stage; ``more`` replaces whole sections."""
    model = {
        "keys": ["good"],
        "names": ["gemini-2.5-flash-native-audio-preview-12-2025"],
        "base_url": emulator.url,
        "ca_file": emulator.ca_file,
    }
    model |= more.pop("model", {})
    livekit = {"url": server.url, "api_key": server.api_key, "api_secret": server.api_secret}
    return Settings.model_validate({"livekit": livekit, "model": model, **more})


@contextlib.asynccontextmanager
async def on_stage(
    server: LiveKitServer, config: EmulatorConfig | None = None, **settings: Any
) -> AsyncIterator[Stage]:
    """Begin a call in a room of its own; whatever is left of it afterwards is taken down."""
    async with Emulator(config) as emulator:
        room = f"stage-{uuid4().hex[:8]}"
        job = Job(server, room, call_settings(server, emulator, **settings))
        context: Any = job
        call = Call(context, job.proc.userdata["settings"], job)
        stage = Stage(server, room, emulator, job, call)
        beginning = asyncio.create_task(call.begin())
        try:
            yield stage
        finally:
            await call.stop("the test is over")
            await beginning
            for phone in stage.phones:
                await phone.leave()
            await job.room.disconnect()
            await job.delete_room(room)
