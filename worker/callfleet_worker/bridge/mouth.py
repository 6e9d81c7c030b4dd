"""Say the reply: start at once, stop at once, and know how much of it the caller was sent.

The media engine takes 10 ms every 10 ms from a queue that is kept a little ahead. The queue costs
no time: a reply's first frame finds it empty, and an interruption empties it.
"""

import asyncio
import time

import numpy as np
from livekit import rtc
from livekit.agents.voice import io

from callfleet_worker.bridge.echo import EchoCanceller
from callfleet_worker.bridge.heard import ReplyText, heard_part
from callfleet_worker.bridge.sink import MOUTH_RATE, NS_PER_MS, NS_PER_SECOND, Spawn
from callfleet_worker.bridge.turnclock import TurnClock
from callfleet_worker.upstream.engine import capture

FIRST_FRAME_MS = 20
LATER_FRAME_MS = 60
_BLOCK_WAIT_MS = 5.0
"""The engine takes a block of 10 ms every 10 ms: a frame waits for half of that on average."""
_PACKET_WAIT_MS = 5.0
"""A packet of 20 ms leaves with its second block of 10: a reply that begins with a packet's first
block waits for 10 ms, one that begins with the second not at all, and it begins with either."""
_CODEC_LOOK_AHEAD_MS = 6.5
"""Opus holds sound back by 2.5 ms of overlap and 4 ms of look-ahead (RFC 6716, 2; libopus)."""
ENGINE_NS = int((_BLOCK_WAIT_MS + _PACKET_WAIT_MS + _CODEC_LOOK_AHEAD_MS) * NS_PER_MS)
"""From the mouth's queue to the wire. By construction, not measured: no statistic tells it."""
_BYTES_PER_MS = MOUTH_RATE // 1000 * 2
_BLOCK_BYTES = 10 * _BYTES_PER_MS


class _Segment:
    """One stretch of the agent's sound, as the framework counts them."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self.received_bytes = 0
        self.pushed_bytes = 0
        self.complete = False
        self.started_at = 0.0

    @property
    def pushed_seconds(self) -> float:
        return self.pushed_bytes / _BYTES_PER_MS / 1000.0

    @property
    def received_seconds(self) -> float:
        return self.received_bytes / _BYTES_PER_MS / 1000.0


class Mouth(io.AudioOutput):
    """The agent's voice. Nothing is played before ``open`` was told that somebody listens."""

    def __init__(
        self,
        clock: TurnClock,
        text: ReplyText,
        spawn: Spawn,
        *,
        queue_ms: int,
        echo: EchoCanceller | None = None,
    ) -> None:
        super().__init__(
            label="mouth",
            capabilities=io.AudioOutputCapabilities(pause=False),
            sample_rate=MOUTH_RATE,
        )
        self.source = rtc.AudioSource(MOUTH_RATE, 1, queue_size_ms=queue_ms)
        self._clock, self._text, self._echo = clock, text, echo
        self._queue_ns = queue_ms * NS_PER_MS
        self._segment: _Segment | None = None
        self._refusing = False
        self._closed = False
        self._news = asyncio.Event()
        self._opened = asyncio.Event()
        self._dry_at_ns = 0
        self._feeding = spawn(self._feed(), "mouth")

    def open(self) -> None:
        """Somebody listens now."""
        self._opened.set()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take sound of the reply, as fast as the model sends it."""
        await super().capture_frame(frame)
        if self._refusing:
            return
        if self._closed:
            # Nobody hears it any more, and the framework waits for the end of what it hands over.
            self._refusing = True
            self.on_playback_finished(playback_position=0.0, interrupted=True)
            return
        if self._segment is None:
            self._segment = _Segment()
            self._clock.model_audio(time.monotonic_ns())
        self._segment.waiting += frame.data.cast("B")
        self._segment.received_bytes += len(frame.data) * 2
        self._news.set()

    def flush(self) -> None:
        """The reply is complete: what was taken is played to its end."""
        super().flush()
        self._refusing = False
        if self._segment is not None:
            self._segment.complete = True
            self._news.set()

    def clear_buffer(self) -> None:
        """Stop now, and throw away what was not played."""
        segment = self._segment
        if segment is None:
            return
        now_ns = time.monotonic_ns()
        self.source.clear_queue()
        unplayed_seconds = max(0, self._dry_at_ns - now_ns) / NS_PER_SECOND
        self._dry_at_ns = min(self._dry_at_ns, now_ns)
        if self._echo is not None:
            self._echo.stopped(now_ns)
        self._refusing = not segment.complete
        self._end(max(0.0, segment.pushed_seconds - unplayed_seconds), interrupted=True)

    async def aclose(self) -> None:
        """Fall silent for good."""
        self.clear_buffer()
        self._closed = True
        self._feeding.cancel()
        await asyncio.wait((self._feeding,))
        await self.source.aclose()

    async def _feed(self) -> None:
        await self._opened.wait()
        while True:
            segment = self._segment
            if segment is None:
                await self._wait_for_news()
            elif len(segment.waiting) >= _BLOCK_BYTES:
                await self._push(segment, self._take(segment))
            elif not segment.complete:
                await self._wait_for_news()
            elif segment.waiting:
                await self._push(segment, bytes(segment.waiting).ljust(_BLOCK_BYTES, b"\0"))
                segment.waiting.clear()
            else:
                await self._play_out(segment)

    async def _wait_for_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _take(self, segment: _Segment) -> bytes:
        """Cut off a small first frame, larger later ones, in whole blocks of the engine."""
        most = (LATER_FRAME_MS if segment.pushed_bytes else FIRST_FRAME_MS) * _BYTES_PER_MS
        size = min(most, len(segment.waiting) // _BLOCK_BYTES * _BLOCK_BYTES)
        taken = bytes(segment.waiting[:size])
        del segment.waiting[:size]
        return taken

    async def _push(self, segment: _Segment, sound: bytes) -> None:
        now_ns = time.monotonic_ns()
        if not segment.pushed_bytes:
            segment.started_at = time.time()
            self.on_playback_started(created_at=segment.started_at)
        starts_ns = max(self._dry_at_ns, now_ns)
        self._dry_at_ns = starts_ns + len(sound) * NS_PER_MS // _BYTES_PER_MS
        segment.pushed_bytes += len(sound)
        samples = np.frombuffer(sound, np.int16)
        leaves_ns = starts_ns + ENGINE_NS
        self._clock.played(samples, leaves_ns)
        if self._echo is not None:
            self._echo.playing(samples, starts_ns)
        await capture(self.source, sound, MOUTH_RATE)
        if self._segment is not segment:
            # Interrupted while this frame was on its way: it may have arrived behind the clearing.
            self.source.clear_queue()
            self._dry_at_ns = min(self._dry_at_ns, time.monotonic_ns())
        elif self._dry_at_ns - now_ns > self._queue_ns:
            # The engine took the frame when the queue was down to its size: that is its level.
            self._dry_at_ns = time.monotonic_ns() + self._queue_ns

    async def _play_out(self, segment: _Segment) -> None:
        """Wait until the queue has run dry, or the reply is interrupted, which ends it."""
        self._news.clear()
        left_seconds = (self._dry_at_ns - time.monotonic_ns()) / NS_PER_SECOND
        if left_seconds > 0:
            try:
                async with asyncio.timeout(left_seconds):
                    await self._news.wait()
            except TimeoutError:
                pass
        if self._segment is segment and time.monotonic_ns() >= self._dry_at_ns:
            self._end(segment.pushed_seconds, interrupted=False)

    def _end(self, position: float, *, interrupted: bool) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        self._news.set()
        # What the engine has taken by now still leaves.
        self._clock.finished(time.monotonic_ns() + ENGINE_NS, interrupted=interrupted)
        if position > 0:
            self.on_playback_progressed(
                started_at=segment.started_at, offset=0.0, duration=position
            )
        heard = None
        if interrupted:
            heard = heard_part(self._text.text, position, segment.received_seconds)
        self._text.forget()
        self.on_playback_finished(
            playback_position=position, interrupted=interrupted, synchronized_transcript=heard
        )
