"""Measure a call's tools, whoever wrote them: how long each took and how it ended."""

import time
from collections.abc import Callable
from typing import Any

from livekit.agents import (
    ToolCallEnded,
    ToolCallStarted,
    ToolCallUpdated,
    ToolExecutionUpdatedEvent,
)

from callfleet_contract.events import ToolFinished
from callfleet_worker.running import ToolRun, note_run
from callfleet_worker.upstream.tools import task_of

Emit = Callable[[ToolFinished], None]
Waited = Callable[[int, int], None]

_RESULTS = {"done": "ok", "error": "error", "cancelled": "cancelled"}


def watch_tools(session: Any, call_id: str, emit: Emit, waited: Waited) -> None:
    """Put a clock on every function tool that a session runs; begin before the session starts.

    Which agent, toolset or server of tools it belongs to is all the same: the session tells of
    each. While one runs, it can be asked from outside which it is: a tool may hold the loop up. The
    label is the name under which the tool was declared.

    Args:
        session: The framework's.
        call_id: Goes into the events.
        emit: Takes an event for each tool call that ended.
        waited: Told from when to when the model waited for one: to its end, or to its first
            ``update()``, by which it goes on in the background.

    """
    begun: dict[str, tuple[str, int]] = {}
    awaited: set[str] = set()

    def goes_on(tool_call_id: str, now_ns: int) -> None:
        if tool_call_id in awaited:
            awaited.discard(tool_call_id)
            waited(begun[tool_call_id][1], now_ns)

    def on_update(event: ToolExecutionUpdatedEvent) -> None:
        update, now_ns = event.update, time.monotonic_ns()
        if isinstance(update, ToolCallStarted):
            asked = update.function_call
            begun[asked.call_id] = (asked.name, now_ns)
            awaited.add(asked.call_id)
            if (task := task_of(session, asked.call_id)) is not None:
                note_run(task, ToolRun(call_id, asked.name))
        elif isinstance(update, ToolCallUpdated):
            goes_on(update.call_id, now_ns)
        elif isinstance(update, ToolCallEnded) and update.call_id in begun:
            goes_on(update.call_id, now_ns)
            name, started_ns = begun.pop(update.call_id)
            seconds = (now_ns - started_ns) / 1e9
            emit(ToolFinished(call_id, name, _RESULTS[update.status], seconds))

    session.on("tool_execution_updated", on_update)
