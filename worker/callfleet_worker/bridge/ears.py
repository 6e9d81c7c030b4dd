"""Hear the caller: one steady 16 kHz mono stream, whatever happens to the track.

The media engine resamples and mixes down natively; what still
arrives in another form goes through the normaliser. While there is nothing to hear, silence is
passed on at the pace of sound, so that the model's clock does not stand still.
"""

import asyncio
import time
from collections import deque

import numpy as np
from livekit import rtc
from livekit.agents.voice import io

from callfleet_worker.bridge.echo import EchoCanceller
from callfleet_worker.bridge.gate import NoiseGate
from callfleet_worker.bridge.normalise import Normaliser
from callfleet_worker.bridge.sink import EARS_RATE, NS_PER_MS, NS_PER_SECOND, Spawn
from callfleet_worker.bridge.turnclock import TurnClock
from callfleet_worker.bridge.vad import Samples
from callfleet_worker.upstream.engine import SoundStream

MISSING_AFTER_MS = 60
"""A stream that is late by more than this is missing: three frames."""
BACKLOG_SECONDS = 2.0
"""What is kept of the caller's words while nobody reads: before the session has started."""
STANDSTILL_SECONDS = 30.0
"""And after: then the whole process stood still, and what was said meanwhile comes all at once."""


class Ears(io.AudioInput):
    """The caller's sound, to be read by the session frame by frame."""

    def __init__(
        self,
        clock: TurnClock,
        spawn: Spawn,
        *,
        frame_ms: int,
        echo: EchoCanceller | None = None,
        gate: NoiseGate | None = None,
    ) -> None:
        super().__init__(label="ears")
        self._clock, self._spawn = clock, spawn
        self._frame_ms = frame_ms
        self._echo, self._gate = echo, gate
        self._held_back_ns = 0 if gate is None else gate.look_ahead_ms * NS_PER_MS
        self._normaliser = Normaliser(frame_ms)
        self._ready: deque[rtc.AudioFrame] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._silence = np.zeros(EARS_RATE * frame_ms // 1000, np.int16)
        self._next_due_ns = 0
        self._silent = True
        self._doubted = False
        self._stream: SoundStream | None = None
        self._listening: asyncio.Task[None] | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.frames_given = 0

    def start(self) -> None:
        """Begin the stream: with silence, until a track is followed."""
        self._next_due_ns = time.monotonic_ns()
        self._watch()

    def follow(self, track: rtc.Track) -> None:
        """Hear this track from now on, and no other."""
        self.lose()
        stream = SoundStream(track, EARS_RATE, self._frame_ms)
        self._stream = stream
        self._listening = self._spawn(self._listen(stream), "ears")

    def lose(self) -> None:
        """Hear nothing until another track is followed."""
        stream, self._stream = self._stream, None
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
        if stream is not None:
            ending = asyncio.create_task(stream.aclose(), name="ears end")
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    async def __anext__(self) -> rtc.AudioFrame:
        """Give the next frame, waiting for it where need be."""
        while not self._ready:
            if self._closed:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        frame = self._ready.popleft()
        self.frames_given += 1
        self._clock.handed(time.monotonic_ns() + self._held_back_ns)
        return frame

    async def aclose(self) -> None:
        """Stop hearing; whoever still reads comes to the stream's end."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self.lose()
        self._wake()
        if self._endings:
            await asyncio.wait(self._endings, timeout=1.0)

    async def _listen(self, stream: SoundStream) -> None:
        async for samples, rate, channels in stream:
            at_ns = time.monotonic_ns()
            for whole in self._normaliser.push(samples, rate, channels):
                self._next_due_ns = at_ns + self._frame_ms * NS_PER_MS
                self._silent = self._doubted = False
                self._deliver(whole, at_ns)

    def _deliver(self, samples: Samples, at_ns: int) -> None:
        if self._echo is not None:
            samples = self._echo.clean(samples, at_ns)
        # The gate passes sound on late: what the caller waits for is measured before it.
        self._clock.heard(samples, at_ns)
        if self._gate is not None:
            samples = self._gate.push(samples)
        self._ready.append(rtc.AudioFrame(samples.tobytes(), EARS_RATE, 1, len(samples)))
        kept_seconds = STANDSTILL_SECONDS if self.frames_given else BACKLOG_SECONDS
        if len(self._ready) * self._frame_ms > kept_seconds * 1000:
            self._ready.popleft()
        self._wake()

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)

    def _watch(self) -> None:
        """Put silence where sound is missing, then look again when the next frame is due."""
        if self._closed:
            return
        now_ns = time.monotonic_ns()
        patience_ns = MISSING_AFTER_MS * NS_PER_MS
        if self._silent:
            # One frame on from the last keeps the pace, however late this timer came.
            self._next_due_ns = max(self._next_due_ns, now_ns - NS_PER_SECOND)
            while self._next_due_ns <= now_ns:
                self._next_due_ns += self._frame_ms * NS_PER_MS
                self._deliver(self._silence, now_ns)
        elif now_ns - self._next_due_ns >= patience_ns:
            # This process may itself have stood still: then the sound is here, behind this timer.
            self._silent, self._doubted = self._doubted, not self._doubted
            self._look_again_in(self._frame_ms * NS_PER_MS)
            return
        wait_ns = self._next_due_ns - now_ns + (0 if self._silent else patience_ns)
        self._look_again_in(max(wait_ns, NS_PER_MS))

    def _look_again_in(self, wait_ns: int) -> None:
        self._timer = asyncio.get_running_loop().call_later(wait_ns / 1e9, self._watch)
