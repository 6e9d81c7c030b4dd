"""In a process that calls share, a record says whose it is wherever a call's work leads."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
import uvloop

from callfleet_service import logs
from callfleet_worker.parent.sharing import whose
from callfleet_worker.parent.sharing.ownership import OwnTasks


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.addFilter(whose.name_the_call)
        self.told: list[tuple[str, str | None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append((record.getMessage().splitlines()[0], getattr(record, "job_id", None)))

    def of(self, words: str) -> list[str | None]:
        return sorted((job for told, job in self.told if words in told), key=str)


@pytest.fixture
def records() -> Iterator[Records]:
    handler = Records()
    logging.getLogger().addHandler(handler)
    logs.use([structlog.stdlib.render_to_log_kwargs])
    yield handler
    structlog.reset_defaults()
    logging.getLogger().removeHandler(handler)


def two_calls(entrypoint: Callable[[Any], Awaitable[None]]) -> None:
    """Run two calls as a shared process does: each a seat, each in a context of its own."""

    async def process() -> None:
        loop = asyncio.get_running_loop()
        own_tasks = OwnTasks()
        loop.set_task_factory(own_tasks.make)
        whose.tell_whose(loop)

        async def seat(name: str) -> None:
            own, call = own_tasks.begin(), whose.begin()
            job = SimpleNamespace(id=name, room=SimpleNamespace(name=f"room of {name}"))
            await call.met_by(entrypoint)(SimpleNamespace(job=job))
            await own_tasks.end(own)

        seats = [loop.create_task(seat(name), context=Context()) for name in ("AJ_a", "AJ_b")]
        await asyncio.gather(*seats)
        logging.getLogger("x").warning("of nobody")
        del seats
        gc.collect()
        await asyncio.sleep(0)

    uvloop.run(process())


def test_a_librarys_record_in_a_calls_task_is_the_calls(records: Records) -> None:
    async def call(_: Any) -> None:
        async def deeper() -> None:
            await asyncio.sleep(0.01)
            logging.getLogger("some.library").warning("slow")

        await asyncio.create_task(deeper())

    two_calls(call)
    assert records.of("slow") == ["AJ_a", "AJ_b"]
    assert records.of("of nobody") == [None]


def test_work_in_a_thread_is_the_calls(records: Records) -> None:
    async def call(_: Any) -> None:
        def work() -> None:
            logging.getLogger("some.library").warning("in a thread")

        await asyncio.to_thread(work)
        await asyncio.get_running_loop().run_in_executor(None, work)

    two_calls(call)
    assert records.of("in a thread") == ["AJ_a", "AJ_a", "AJ_b", "AJ_b"]


def test_an_exception_that_nobody_took_is_the_calls(records: Records) -> None:
    async def call(_: Any) -> None:
        async def breaks() -> None:
            raise ValueError

        def callback() -> None:
            raise KeyError

        task = asyncio.create_task(breaks())
        asyncio.get_running_loop().call_soon(callback)
        await asyncio.sleep(0.01)
        del task

    two_calls(call)
    assert records.of("exception was never retrieved") == ["AJ_a", "AJ_b"]
    assert records.of("Exception in callback") == ["AJ_a", "AJ_b"]


def test_what_is_said_of_tasks_that_a_call_leaves_behind_is_the_calls(records: Records) -> None:
    async def call(_: Any) -> None:
        left = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        del left

    two_calls(call)
    assert records.of("left tasks behind") == ["AJ_a", "AJ_b"]
