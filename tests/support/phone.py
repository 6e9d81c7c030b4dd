"""Somebody in a room of a real LiveKit server who can speak, and hears what the agent says."""

import asyncio
from typing import Any

import numpy as np
from livekit import api, rtc
from numpy.typing import NDArray

from callfleet_rehearsal.sound.clips import question
from callfleet_rehearsal.sound.marker import Marker, Speaker, render
from callfleet_rehearsal.stack.livekit import LiveKitServer

RATE = 16_000
LOUD = 1_000
PATIENCE_SECONDS = 60


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
        token = token_of(self._server, self.identity, self._room_name)
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
        async with asyncio.timeout(PATIENCE_SECONDS):
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
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(_is_loud(samples) for _, samples in self.sound[-80:]):
                await self._heard_more()

    async def _heard_more(self) -> None:
        self._more.clear()
        await self._more.wait()

    async def is_hung_up_on(self) -> None:
        """Wait until the agent, or LiveKit, has ended it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.disconnected.wait()

    async def listens(self, seconds: float) -> None:
        """Hear the agent's track for so long."""
        wanted = len(self.sound) + int(seconds * 100)
        async with asyncio.timeout(PATIENCE_SECONDS):
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


def token_of(server: LiveKitServer, identity: str, room: str) -> api.AccessToken:
    """Make what lets somebody into a room."""
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
    token = api.AccessToken(server.api_key, server.api_secret)
    return token.with_identity(identity).with_grants(grants)
