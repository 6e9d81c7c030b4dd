"""Sound into and out of the media engine, at the least cost a frame.

``rtc.AudioStream`` is shown the frames of every other stream in its process, and
``rtc.AudioSource.capture_frame`` every event there is: calls that share a process would cost the
square of their number. Here an event of either kind goes to the one that it is for, and all that
have arrived wake the loop once. Every other event takes the way that rtc gives it, in its order.
"""

import asyncio
import ctypes
import itertools
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient, FfiHandle, FfiQueue
from livekit.rtc._proto import audio_frame_pb2 as wire
from livekit.rtc._proto.ffi_pb2 import FfiEvent, FfiRequest

Samples = npt.NDArray[np.int16]
Take = Callable[[Any], None]

END_SECONDS = 1.0
_FIRST_OF_OURS = 1 << 62
"""The engine counts its own acknowledgements up from one."""
BUSY_THREAD_EVENTS = 100
"""The engine's threads that come and go bring fewer; those that stay bring so many in seconds."""


class EngineError(RuntimeError):
    """The media engine refuses a frame: what it said is in the message."""


class _Mailbox:
    """What has arrived for one loop, from the engine's threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: deque[tuple[Take, Any]] = deque()
        self._is_woken = False

    def post(self, take: Take, item: Any) -> None:
        self._arrived.append((take, item))
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        self._is_woken = False
        while self._arrived:
            take, item = self._arrived.popleft()
            take(item)


class _Thread(threading.local):
    """What is known of a thread; of one that Python did not start, only while its state is kept."""

    is_kept = False


class ThreadStates:
    """Lets Python keep its state of an engine's thread from one event to the next.

    A thread that Python did not start is given one for each call into Python, and memory for its
    frames with it, which the system maps and unmaps: a tenth of a busy worker's CPU. One claim
    that is never given back (PEP 311) holds the state until the thread, and the process, is gone.
    """

    def __init__(self) -> None:
        self.thread = _Thread()
        self._events: dict[int, int] = {}

    def count(self) -> None:
        """Note that the thread that runs this has brought an event; keep its state if it stays."""
        number = threading.get_ident()
        self._events[number] = count = self._events.get(number, 0) + 1
        if count >= BUSY_THREAD_EVENTS:
            ctypes.pythonapi.PyGILState_Ensure()
            self.thread.is_kept = True


class EventRouter(FfiQueue[FfiEvent]):
    """Takes the place of rtc's queue of events; who is subscribed there stays so."""

    def __init__(self, before: FfiQueue[FfiEvent]) -> None:
        super().__init__()
        self._lock, self._subscribers = before._lock, before._subscribers  # noqa: SLF001 - its heir
        self._mailboxes: dict[asyncio.AbstractEventLoop, _Mailbox] = {}
        self._streams: dict[int, tuple[_Mailbox, Take]] = {}
        self._captures: dict[int, tuple[_Mailbox, Take]] = {}
        self._numbers = itertools.count(_FIRST_OF_OURS)
        self._threads = ThreadStates()

    def put(self, item: FfiEvent) -> None:
        """Pass an event on. Runs in the engine's threads."""
        if not self._threads.thread.is_kept:
            self._threads.count()
        kind = item.WhichOneof("message")
        to = None
        if kind == "audio_stream_event":
            to = self._to_stream(item.audio_stream_event.stream_handle)
        elif kind == "capture_audio_frame":
            to = self._captures.pop(item.capture_audio_frame.async_id, None)
        if to is None:
            super().put(item)
        else:
            mailbox, take = to
            mailbox.post(take, item)

    def _to_stream(self, handle: int) -> tuple[_Mailbox, Take] | None:
        known = self._streams.get(handle)
        if known is None:
            with self._lock:
                # Its number may be on the way: its first frame can come before its owner knows it.
                known = self._streams.get(handle)
        return known

    def open_stream(self, request: FfiRequest, take: Take) -> FfiHandle:
        """Have a stream's events taken on this loop from the first on."""
        with self._lock:
            answer = FfiClient.instance.request(request)
            number = answer.new_audio_stream.stream.handle.id
            self._streams[number] = (self._mailbox(), take)
        return FfiHandle(number)

    def forget_stream(self, handle: FfiHandle) -> None:
        """Take no more of a stream's events."""
        self._streams.pop(handle.handle, None)

    def expect_capture(self, take: Take) -> int:
        """Give a number under which the engine is to acknowledge a frame."""
        number = next(self._numbers)
        self._captures[number] = (self._mailbox(), take)
        return number

    def forget_capture(self, number: int) -> None:
        """Expect it no more."""
        self._captures.pop(number, None)

    def _mailbox(self) -> _Mailbox:
        loop = asyncio.get_running_loop()
        if loop not in self._mailboxes:
            self._mailboxes = {
                one: box for one, box in self._mailboxes.items() if not one.is_closed()
            }
            self._mailboxes[loop] = _Mailbox(loop)
        return self._mailboxes[loop]


def router() -> EventRouter:
    """Give this process's router, which is put in place when it is first asked for."""
    client = FfiClient.instance
    if not isinstance(client._queue, EventRouter):  # noqa: SLF001 - no other way in
        client._queue = EventRouter(client._queue)  # noqa: SLF001 - no other way in
    return client._queue  # noqa: SLF001 - no other way in


class SoundStream:
    """The sound of one track, frame by frame: ``async for samples, rate, channels in stream``."""

    def __init__(self, track: rtc.Track, rate: int, frame_ms: int) -> None:
        """Begin to hear ``track``, resampled and mixed down to mono by the engine."""
        self._arrived: deque[tuple[Samples, int, int]] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._ended = asyncio.Event()
        request = FfiRequest()
        asked = request.new_audio_stream
        asked.track_handle = track._ffi_handle.handle  # noqa: SLF001 - no other way in
        asked.type = wire.AudioStreamType.AUDIO_STREAM_NATIVE
        asked.sample_rate, asked.num_channels, asked.frame_size_ms = rate, 1, frame_ms
        asked.queue_size_frames = 0
        self._handle = router().open_stream(request, self._take)

    def __aiter__(self) -> AsyncIterator[tuple[Samples, int, int]]:
        """Give the frames in their order."""
        return self

    async def __anext__(self) -> tuple[Samples, int, int]:
        """Give the next frame, waiting for it where need be."""
        while not self._arrived:
            if self._ended.is_set():
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._arrived.popleft()

    async def aclose(self) -> None:
        """Stop hearing."""
        self._handle.dispose()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            pass
        router().forget_stream(self._handle)

    def _take(self, event: FfiEvent) -> None:
        news = event.audio_stream_event
        if news.HasField("frame_received"):
            self._arrived.append(_copied(news.frame_received.frame))
        elif news.HasField("eos"):
            self._ended.set()
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


def _copied(frame: wire.OwnedAudioFrameBuffer) -> tuple[Samples, int, int]:
    """Copy a frame out of the engine's memory and give that back."""
    info = frame.info
    size = info.num_channels * info.samples_per_channel * 2
    samples = np.frombuffer(ctypes.string_at(info.data_ptr, size), np.int16)
    FfiClient.instance._ffi_lib.livekit_ffi_drop_handle(frame.handle.id)  # noqa: SLF001 - as rtc does
    return samples, info.sample_rate, info.num_channels


async def capture(source: rtc.AudioSource, sound: bytes, rate: int) -> None:
    """Put mono 16-bit sound into the engine's queue; return when there was room for it.

    Raises:
        EngineError: the engine refuses it.

    """
    frame = rtc.AudioFrame(sound, rate, 1, len(sound) // 2)
    acknowledged: asyncio.Future[FfiEvent] = asyncio.get_running_loop().create_future()

    def take(event: FfiEvent) -> None:
        if not acknowledged.done():
            acknowledged.set_result(event)

    number = router().expect_capture(take)
    try:
        request = FfiRequest()
        request.capture_audio_frame.source_handle = source._ffi_handle.handle  # noqa: SLF001 - no other way in
        request.capture_audio_frame.buffer.CopyFrom(frame._proto_info())  # noqa: SLF001 - its address
        request.capture_audio_frame.request_async_id = number
        FfiClient.instance.request(request)
        event = await acknowledged
    finally:
        router().forget_capture(number)
    if event.capture_audio_frame.error:
        raise EngineError(event.capture_audio_frame.error)
