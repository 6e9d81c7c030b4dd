"""Say of each record of a process that calls share which call it belongs to.

A call's tasks carry it in their context. Three things happen outside of one and are seen to here:
what the framework writes before and after the job, work in the loop's threads, and the loop's own
words about a task that broke. A thread that an agent starts by itself belongs to nobody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Any

from livekit.agents import JobContext, get_job_context

Entrypoint = Callable[[JobContext], Awaitable[None]]


@dataclass(slots=True)
class Whose:
    """The call of a seat, once it is known."""

    job_id: str = ""
    room: str = ""

    def met_by(self, entrypoint: Entrypoint) -> Entrypoint:
        """Learn which call it is as soon as its entrypoint does."""

        async def enter(ctx: JobContext) -> None:
            self.job_id, self.room = ctx.job.id, ctx.job.room.name
            await entrypoint(ctx)

        return enter


_whose: ContextVar[Whose | None] = ContextVar("whose", default=None)


def begin() -> Whose:
    """Have all that runs in the current context, from now on, belong to one call."""
    whose = Whose()
    _whose.set(whose)
    return whose


def name_the_call(record: logging.LogRecord) -> bool:
    """Write on a record whose it is; a filter that lets everything pass."""
    with suppress(RuntimeError):
        job = get_job_context().job
        record.job_id, record.room = job.id, job.room.name
        return True
    whose = _whose.get()
    if whose is not None and whose.job_id:
        record.job_id, record.room = whose.job_id, whose.room
    return True


class CallTask(asyncio.Task[Any]):
    """A task that still knows its context when it is done: Python 3.11 forgets it."""

    __slots__ = ("own_context",)

    def __init__(self, work: Any, *, context: Context | None, **more: Any) -> None:
        """Start a task in a context, or in a copy of the current one."""
        self.own_context = copy_context() if context is None else context
        super().__init__(work, context=self.own_context, **more)


class CallThreads(ThreadPoolExecutor):
    """Threads that work in the context of whoever asks, as ``asyncio.to_thread`` has it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a function called in a thread."""
        return super().submit(copy_context().run, fn, *args, **kwargs)


def tell_whose(loop: asyncio.AbstractEventLoop) -> None:
    """Have a loop's threads work, and the loop complain, in the context of the call concerned."""
    loop.set_default_executor(CallThreads(thread_name_prefix="asyncio"))
    loop.set_exception_handler(_complain)


def _complain(loop: asyncio.AbstractEventLoop, trouble: dict[str, Any]) -> None:
    task = trouble.get("task") or trouble.get("future")
    if isinstance(task, CallTask):
        task.own_context.run(loop.default_exception_handler, trouble)
    else:
        loop.default_exception_handler(trouble)
