"""Which tool of which call a task runs: what a watchdog on another thread can ask."""

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A tool that runs: whose call it is, and the name under which it was declared."""

    call_id: str
    tool: str


_runs: dict[asyncio.Task[Any], ToolRun] = {}


def note_run(task: asyncio.Task[Any], run: ToolRun) -> None:
    """Note that a task runs a tool, until it ends."""
    _runs[task] = run
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _runs.pop(task, None)


def run_in(loop: asyncio.AbstractEventLoop) -> ToolRun | None:
    """Say which tool a loop is in at this instant. May be asked from any thread."""
    task = asyncio.current_task(loop)
    return None if task is None else _runs.get(task)
