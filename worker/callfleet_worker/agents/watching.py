"""Measure an agent's tools, whoever wrote them: how long each took and how it ended."""

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any

from livekit.agents import Agent, llm

from callfleet_contract.events import ToolFinished
from callfleet_worker.running import ToolRun, running

Emit = Callable[[ToolFinished], None]


async def watch_tools(agent: Agent, call_id: str, emit: Emit) -> None:
    """Put a clock on every function tool of an agent, before its session starts.

    While one runs, it can be asked from outside which it is: a tool may hold the loop up.
    Tools that are added later, and those inside a Toolset, are not measured. The label is the
    name under which the tool was declared, so there are as many as the agent has tools.
    """
    if agent.tools:
        await agent.update_tools([_watched(tool, call_id, emit) for tool in agent.tools])


def _watched(tool: Any, call_id: str, emit: Emit) -> Any:
    if not isinstance(tool, llm.FunctionTool | llm.RawFunctionTool):
        return tool

    @functools.wraps(tool)
    async def clocked(*args: Any, **kwargs: Any) -> Any:
        started = time.monotonic()
        result = "error"
        try:
            with running(ToolRun(call_id, tool.info.name)):
                answer = await tool(*args, **kwargs)
            result = "ok"
        except llm.StopResponse:
            result = "ok"
            raise
        except asyncio.CancelledError:
            result = "cancelled"
            raise
        finally:
            emit(ToolFinished(call_id, tool.info.name, result, time.monotonic() - started))
        return answer

    if isinstance(tool, llm.RawFunctionTool):
        return llm.RawFunctionTool(clocked, tool.info)
    return llm.FunctionTool(clocked, tool.info)
