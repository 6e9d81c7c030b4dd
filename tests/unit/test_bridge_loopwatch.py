"""A loop that stands still is noticed, and what holds it up is named while it does."""

import asyncio
import threading
import time
from collections.abc import MutableMapping
from typing import Any, Self

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.events import CallEvent, LoopBlocked, LoopHeld
from callfleet_contract.metrics import LOOP_HELD_SECONDS
from callfleet_worker.bridge.loopwatch import BLOCKED_SECONDS, LoopWatch, waited_seconds
from callfleet_worker.bridge.standstill import BEAT_SECONDS, News, Standstill
from callfleet_worker.running import ToolRun, note_run

BLOCKS_SECONDS = 1.5
SECRET = "4471 is my number"
late = st.floats(0, 20, allow_nan=False)


async def look_up(said: str) -> str:
    """Look something up as one should not."""
    return _wait_for_the_line(said)


def _wait_for_the_line(said: str) -> str:
    time.sleep(BLOCKS_SECONDS)
    return said


class Calls:
    """Calls that are watched on one loop, and what each told."""

    def __init__(self, *names: str) -> None:
        self.told: list[CallEvent] = []
        self.watches = [LoopWatch(name, self.told.append) for name in names]

    def __enter__(self) -> Self:
        for watch in self.watches:
            watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        for watch in self.watches:
            watch.stop()

    def of(self, kind: type[CallEvent]) -> list[CallEvent]:
        return [event for event in self.told if isinstance(event, kind)]


async def it_goes_on(lines: list[MutableMapping[str, Any]]) -> None:
    """Wait until a thread has written that the loop goes on, which is the last that it tells."""
    async with asyncio.timeout(20):
        while not any("goes on" in line["event"] for line in lines):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)


async def test_a_blocked_loop_is_told_with_its_length() -> None:
    told: asyncio.Queue[CallEvent] = asyncio.Queue()
    watch = LoopWatch("call", told.put_nowait)
    watch.start()
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 - blocking the loop is what is tested
    async with asyncio.timeout(10):
        event = await told.get()
        while not isinstance(event, LoopBlocked):
            event = await told.get()
    watch.stop()
    assert event.seconds >= BLOCKED_SECONDS


async def test_a_loop_that_many_calls_share_stands_still_once() -> None:
    with Calls("one", "two", "three") as calls:
        await asyncio.sleep(0)
        time.sleep(BLOCKS_SECONDS)  # noqa: ASYNC251 - as above
        await asyncio.sleep(0.5)
    told = [one for one in calls.told if isinstance(one, LoopBlocked)]
    assert len([one for one in told if one.seconds > BLOCKS_SECONDS / 2]) == 1


async def test_a_tool_that_blocks_is_named_while_it_does_and_told_by_its_own_call_alone() -> None:
    with Calls("one", "two", "three") as calls, structlog.testing.capture_logs() as lines:
        task = asyncio.create_task(look_up(SECRET))
        note_run(task, ToolRun("two", "look_up"))
        await task
        await it_goes_on(lines)
    assert calls.of(LoopHeld) == [LoopHeld("two", "look_up")]
    held, goes_on = lines
    assert (held["call_id"], held["tool"]) == ("two", "look_up")
    assert "held up" in held["event"]
    assert "goes on" in goes_on["event"]
    assert goes_on["seconds"] >= BLOCKS_SECONDS / 2
    first, *_, last = held["at"].split(" > ")
    assert first.endswith("look_up")
    assert last.endswith("_wait_for_the_line")
    assert "test_bridge_loopwatch.py:" in first
    assert SECRET not in str(lines)


async def test_what_blocks_outside_of_any_tool_is_named_by_its_place() -> None:
    with Calls("one", "two") as calls, structlog.testing.capture_logs() as lines:
        asyncio.get_running_loop().call_soon(_wait_for_the_line, SECRET)
        await it_goes_on(lines)
    assert calls.of(LoopHeld) == [LoopHeld("one", "")]
    assert lines[0]["at"].endswith("_wait_for_the_line")
    assert not {"tool", "call_id"} & lines[0].keys()


async def test_a_tool_that_waits_without_blocking_holds_nobody_up() -> None:
    with Calls("one") as calls, structlog.testing.capture_logs() as lines:
        await asyncio.sleep(1.0)
    assert calls.of(LoopHeld) == []
    assert lines == []


async def test_nothing_watches_when_the_last_call_has_left() -> None:
    before = set(threading.enumerate())
    with Calls("one", "two"):
        (watchdog,) = set(threading.enumerate()) - before
    await asyncio.to_thread(watchdog.join, 10.0)
    assert not watchdog.is_alive()


@pytest.mark.parametrize("turns", [1, 3])
def test_each_standstill_is_told_once_and_its_end_once(turns: int) -> None:
    standstill = Standstill()
    told = []
    for turn in range(turns):
        beat = 100.0 * turn
        looks = [beat + 0.1 * step for step in range(50)]
        told += [standstill.look(now, beat) for now in looks]
        told.append(standstill.look(looks[-1] + 0.1, looks[-1] + 0.1))
    assert [news for news in told if news is not News.NONE] == [News.HELD, News.GOES_ON] * turns


@given(late)
def test_a_beat_is_late_by_more_than_its_own_time(seconds: float) -> None:
    news = Standstill().look(seconds, 0.0)
    assert (news is News.HELD) == (seconds >= BEAT_SECONDS + LOOP_HELD_SECONDS)


@given(late, late)
def test_what_a_loop_waited_for_a_busy_machine_is_held_against_nobody(
    seconds: float, waited: float
) -> None:
    news = Standstill().look(seconds, 0.0, waited)
    assert (news is News.HELD) == (seconds - waited >= BEAT_SECONDS + LOOP_HELD_SECONDS)


def test_a_thread_that_does_not_exist_has_waited_for_nothing() -> None:
    assert waited_seconds(2**30) == 0.0
    assert waited_seconds(threading.get_native_id()) >= 0.0
