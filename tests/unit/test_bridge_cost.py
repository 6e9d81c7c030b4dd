"""What a frame of sound costs in calls of functions, fifty times a second for each caller.

Calls are counted and not time: the count is the same on every machine. Whoever makes the way of a
frame longer sees it here, and raises a budget on purpose or not at all.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from livekit import rtc
from livekit.rtc._proto.ffi_pb2 import FfiEvent

from callfleet_contract.events import CallEvent
from callfleet_worker.bridge.ears import Ears
from callfleet_worker.bridge.echo import EchoCanceller
from callfleet_worker.bridge.turnclock import CallName, TurnClock
from callfleet_worker.bridge.vad import Samples
from callfleet_worker.upstream import engine
from callfleet_worker.upstream.gemini_sound import LeanSession, sound_event

FRAMES = 200
HEARD, TAKEN, SENT = 105, 16, 20
"""Budgets, in calls a frame: about 25 of the first are this test's own loop."""
FRAME_MS = 20


@dataclass
class Count:
    """Calls of Python's functions and of the interpreter's own."""

    calls: int = 0

    def hear(self, _: FrameType, event: str, __: Any) -> None:
        self.calls += event in {"call", "c_call"}


@contextmanager
def counted() -> Iterator[Count]:
    count = Count()
    # What other tests left is not taken away while a frame is counted.
    gc.collect()
    gc.disable()
    sys.setprofile(count.hear)
    try:
        yield count
    finally:
        sys.setprofile(None)
        gc.enable()


def _spawn(work: Coroutine[Any, Any, None], name: str, /) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)


def _ignore(_: CallEvent) -> None:
    """Tell nobody."""


class Speech:
    """A caller's track that is there at once: speech for a second, silence for a second."""

    async def __aiter__(self) -> AsyncIterator[tuple[Samples, int, int]]:
        loud = np.full(320, 8_000, np.int16)
        for number in range(FRAMES):
            yield (loud if number % 100 < 50 else loud * 0), 16_000, 1
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        """Nothing is held."""


async def test_a_callers_frame_is_heard_within_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callfleet_worker.bridge.ears.SoundStream", lambda *_: Speech())
    clock = TurnClock(CallName("call", "room", 0), _ignore)
    ears = Ears(clock, _spawn, frame_ms=FRAME_MS, echo=EchoCanceller())
    ears.follow(Mock())
    await anext(ears)
    with counted() as count:
        for _ in range(FRAMES - 1):
            await anext(ears)
    await ears.aclose()
    assert count.calls / FRAMES <= HEARD


async def test_a_frame_comes_out_of_the_engine_within_its_budget() -> None:
    sound = np.zeros(320, np.int16)
    router = engine.EventRouter(engine.FfiQueue())
    stream = engine.SoundStream.__new__(engine.SoundStream)
    stream.__dict__.update(_arrived=[], _waiting=None)
    router._streams[1] = (router._mailbox(), stream._take)
    event = FfiEvent()
    event.audio_stream_event.stream_handle = 1
    frame = event.audio_stream_event.frame_received.frame
    frame.info.data_ptr = sound.ctypes.data
    frame.info.sample_rate, frame.info.num_channels, frame.info.samples_per_channel = 16_000, 1, 320
    for _ in range(engine.BUSY_THREAD_EVENTS):
        router.put(event)
    await asyncio.sleep(0)
    stream._arrived.clear()
    with counted() as count:
        for _ in range(FRAMES):
            router.put(event)
        await asyncio.sleep(0)
    assert len(stream._arrived) == FRAMES
    assert count.calls / FRAMES <= TAKEN


async def test_a_frame_goes_to_the_model_within_its_budget() -> None:
    class Wire:
        async def send(self, _: str) -> None:
            """Take it."""

    session = LeanSession.__new__(LeanSession)
    session._ws = Wire()  # type: ignore[assignment] # only what is counted
    frame = rtc.AudioFrame(b"\0" * 640, 16_000, 1, 320)
    with counted() as count:
        for _ in range(FRAMES):
            await session.send_realtime_input(audio=sound_event(bytes(frame.data)).audio)
    assert count.calls / FRAMES <= SENT
