"""Know which tasks a call has started, and end those that it leaves behind.

In a process of its own they would end with it. Here they would go on for as long as the process
lives, with all that they hold, in everybody's time.
"""

import asyncio
import weakref
from contextvars import Context, ContextVar
from typing import Any

import structlog

from callfleet_worker.parent.sharing.whose import CallTask

END_SECONDS = 2.0
_NAMED = 5

Tasks = weakref.WeakSet[asyncio.Task[Any]]

_own: ContextVar[Tasks | None] = ContextVar("own_tasks", default=None)
_log = structlog.get_logger("callfleet.calls")


class OwnTasks:
    """Makes the tasks of a loop, and counts each to the call in whose context it is started."""

    def make(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Any,
        *,
        context: Context | None = None,
        **more: Any,
    ) -> asyncio.Future[Any]:
        """Start a task, as the loop would."""
        task = CallTask(work, loop=loop, context=context, **more)
        own = _own.get() if context is None else context.get(_own)
        if own is not None:
            own.add(task)
        return task

    def begin(self) -> Tasks:
        """Count from now on what is started in the current context."""
        own = Tasks()
        _own.set(own)
        return own

    async def end(self, own: Tasks) -> None:
        """Cancel what is left of a call's tasks, and name it: whoever wrote it did not mean it."""
        left = [task for task in own if not task.done() and task is not asyncio.current_task()]
        if not left:
            return
        names = sorted({getattr(task.get_coro(), "__qualname__", "?") for task in left})[:_NAMED]
        _log.warning("a call left tasks behind, which end with it", tasks=len(left), names=names)
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=END_SECONDS)
