"""What the turn clock is told of the caller's sound on its way to the model."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from callfleet_worker.bridge.ears import BACKLOG_SECONDS, Ears
from callfleet_worker.bridge.gate import GateOptions, NoiseGate

FRAME = 320
NOW_NS = 5_000_000_000


def _spawn(work: Coroutine[Any, Any, None], name: str, /) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic_ns", lambda: NOW_NS)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("gate", "held_back_ms"), [(None, 0), (NoiseGate(GateOptions(-40.0, look_ahead_ms=20)), 20)]
)
async def test_the_gates_look_ahead_is_the_uplinks_and_not_the_callers(
    monkeypatch: pytest.MonkeyPatch, gate: NoiseGate | None, held_back_ms: int
) -> None:
    clock = Mock()
    ears = Ears(clock, _spawn, frame_ms=20, gate=gate)
    loud = np.full(FRAME, 8_000, np.int16)

    async def frames() -> AsyncIterator[Any]:
        yield loud, 16_000, 1

    stream = Mock(__aiter__=lambda _: frames(), aclose=_nothing)
    monkeypatch.setattr("callfleet_worker.bridge.ears.SoundStream", lambda *_: stream)
    ears.follow(Mock())
    async with asyncio.timeout(10):
        await anext(ears)
    samples, at_ns = clock.heard.call_args.args
    assert np.array_equal(samples, loud)
    assert at_ns == NOW_NS
    clock.handed.assert_called_once_with(NOW_NS + held_back_ms * 1_000_000)
    await ears.aclose()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("has_begun", "seconds"), [(False, BACKLOG_SECONDS), (True, 10.0)])
async def test_what_was_said_while_the_process_stood_still_is_heard_late_but_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, *, has_begun: bool, seconds: float
) -> None:
    ears = Ears(Mock(), _spawn, frame_ms=20)
    said = [np.full(FRAME, number, np.int16) for number in range(501)]
    goes_on, over = asyncio.Event(), asyncio.Event()

    async def frames() -> AsyncIterator[Any]:
        for number, samples in enumerate(said):
            if number == 1 and has_begun:
                await goes_on.wait()
            yield samples, 16_000, 1
        over.set()

    stream = Mock(__aiter__=lambda _: frames(), aclose=_nothing)
    monkeypatch.setattr("callfleet_worker.bridge.ears.SoundStream", lambda *_: stream)
    ears.follow(Mock())
    async with asyncio.timeout(10):
        if has_begun:
            await anext(ears)
        goes_on.set()
        await over.wait()
        kept = [await anext(ears) for _ in range(int(seconds * 50))]
    assert [frame.data[0] for frame in kept] == list(range(501))[-len(kept) :]
    await ears.aclose()


async def _nothing() -> None:
    """Close nothing."""
