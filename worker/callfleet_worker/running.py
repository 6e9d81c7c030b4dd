"""Which tool of which call a task runs: what a watchdog on another thread can ask."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A tool that runs: whose call it is, and the name under which it was declared."""

    call_id: str
    tool: str


_runs: dict[asyncio.Task[Any], ToolRun] = {}


@contextmanager
def running(run: ToolRun) -> Iterator[None]:
    """Note that the current task runs a tool, for as long as the block lasts."""
    task = asyncio.current_task()
    if task is None:
        yield
        return
    before = _runs.get(task)
    _runs[task] = run
    try:
        yield
    finally:
        if before is None:
            del _runs[task]
        else:
            _runs[task] = before


def run_in(loop: asyncio.AbstractEventLoop) -> ToolRun | None:
    """Say which tool a loop is in at this instant. May be asked from any thread."""
    task = asyncio.current_task(loop)
    return None if task is None else _runs.get(task)
