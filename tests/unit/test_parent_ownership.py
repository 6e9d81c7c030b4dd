"""What a call leaves running in a shared process ends with it, and nobody else's does."""

import asyncio
from contextvars import Context

import pytest
from structlog.testing import capture_logs

from callfleet_worker.parent.sharing import ownership
from callfleet_worker.parent.sharing.ownership import OwnTasks


async def waits() -> None:
    await asyncio.Event().wait()


async def never_ends() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if asyncio.current_task() in GIVEN_UP:
                raise


GIVEN_UP: set[asyncio.Task[None] | None] = set()


class Process:
    """A process in which calls live, each in a context of its own."""

    def __init__(self) -> None:
        self.own_tasks = OwnTasks()
        asyncio.get_running_loop().set_task_factory(self.own_tasks.make)

    async def call(self, *, starts: int, ends: asyncio.Event) -> list[asyncio.Task[None]]:
        own = self.own_tasks.begin()
        tasks = [asyncio.create_task(self.starts_another()) for _ in range(starts)]
        started = [await task for task in tasks]
        await ends.wait()
        await self.own_tasks.end(own)
        return started

    async def starts_another(self) -> asyncio.Task[None]:
        return asyncio.create_task(waits(), name="left behind")


async def test_what_a_call_and_its_tasks_started_ends_with_it_alone() -> None:
    process, ends, stays = Process(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    first = loop.create_task(process.call(starts=3, ends=ends), context=Context())
    second = loop.create_task(process.call(starts=2, ends=stays), context=Context())
    nobodys = loop.create_task(waits())
    ends.set()
    with capture_logs() as lines:
        left = await first
    assert all(task.cancelled() for task in left)
    assert [(line["tasks"], line["names"]) for line in lines] == [(3, ["waits"])]
    assert not nobodys.done()
    names = [task.get_name() for task in asyncio.all_tasks() if not task.done()]
    assert names.count("left behind") == 2
    stays.set()
    assert all(task.cancelled() for task in await second)
    nobodys.cancel()


async def test_a_call_that_leaves_nothing_is_not_spoken_of() -> None:
    process, ends = Process(), asyncio.Event()
    ends.set()
    with capture_logs() as lines:
        await asyncio.create_task(process.call(starts=0, ends=ends), name="call")
    assert lines == []


async def test_a_task_that_will_not_end_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "END_SECONDS", 0.05)
    process = Process()
    own = process.own_tasks.begin()
    stubborn = asyncio.create_task(never_ends())
    await asyncio.sleep(0)
    await process.own_tasks.end(own)
    assert not stubborn.done()
    GIVEN_UP.add(stubborn)
    stubborn.cancel()
    await asyncio.wait({stubborn})
