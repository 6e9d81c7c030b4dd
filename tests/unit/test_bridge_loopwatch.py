"""A loop that stands still is noticed."""

import asyncio
import time

from callfleet_contract.events import CallEvent, LoopBlocked
from callfleet_worker.bridge.loopwatch import BLOCKED_SECONDS, LoopWatch


async def test_a_blocked_loop_is_told_with_its_length() -> None:
    told: asyncio.Queue[CallEvent] = asyncio.Queue()
    watch = LoopWatch("call", told.put_nowait)
    watch.start()
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 - blocking the loop is what is tested
    async with asyncio.timeout(10):
        event = await told.get()
    watch.stop()
    assert isinstance(event, LoopBlocked)
    assert event.seconds >= BLOCKED_SECONDS
