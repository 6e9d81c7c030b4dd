"""Find the task that a tool runs in: what holds a loop up can be seen as its current task alone.

That a tool begins and ends, the session tells itself; only where it runs is not told.
"""

import asyncio
from typing import Any

from livekit.agents.voice.tool_executor import _RunningTasks


def task_of(session: Any, tool_call_id: str) -> asyncio.Task[Any] | None:
    """Give the task of a session's tool call, from when the session tells of it until it ends."""
    found = _RunningTasks.get(session, {}).get(tool_call_id)
    return None if found is None else found.exe_task
