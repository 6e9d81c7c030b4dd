"""Measure a call's tools, whoever wrote them: how long each took and how it ended."""

import time
from collections.abc import Callable
from typing import Any

from livekit.agents import ToolCallEnded, ToolCallStarted, ToolExecutionUpdatedEvent

from callfleet_contract.events import ToolFinished
from callfleet_worker.running import ToolRun, note_run
from callfleet_worker.upstream.tools import task_of

Emit = Callable[[ToolFinished], None]

_RESULTS = {"done": "ok", "error": "error", "cancelled": "cancelled"}


def watch_tools(session: Any, call_id: str, emit: Emit) -> None:
    """Put a clock on every function tool that a session runs; begin before the session starts.

    Which agent, toolset or server of tools it belongs to is all the same: the session tells of
    each. While one runs, it can be asked from outside which it is: a tool may hold the loop up. The
    label is the name under which the tool was declared.
    """
    begun: dict[str, tuple[str, float]] = {}

    def on_update(event: ToolExecutionUpdatedEvent) -> None:
        update = event.update
        if isinstance(update, ToolCallStarted):
            asked = update.function_call
            begun[asked.call_id] = (asked.name, time.monotonic())
            if (task := task_of(session, asked.call_id)) is not None:
                note_run(task, ToolRun(call_id, asked.name))
        elif isinstance(update, ToolCallEnded) and update.call_id in begun:
            name, started = begun.pop(update.call_id)
            seconds = time.monotonic() - started
            emit(ToolFinished(call_id, name, _RESULTS[update.status], seconds))

    session.on("tool_execution_updated", on_update)
