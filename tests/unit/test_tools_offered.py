"""A tool is known to the worker's parent from when the model may call it."""

from typing import Any
from unittest.mock import AsyncMock, Mock

from livekit.agents import function_tool, llm
from prometheus_client.exposition import generate_latest

from callfleet_contract.events import CallEvent, CallStarted, ToolFinished, ToolOffered
from callfleet_contract.metrics import TOOL_NAMES
from callfleet_worker.model.fallback import CallModel
from callfleet_worker.model.roster import Candidate, Roster
from callfleet_worker.parent.hearing import Hearing
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.samples import Sampler


def tool(name: str) -> llm.Tool:
    @function_tool(name=name)
    async def do() -> None:
        """Do something."""

    return do


async def told_of(*agents: list[llm.Tool]) -> list[CallEvent]:
    """What a call tells whose model is given the tools of one agent after another."""
    told: list[CallEvent] = []
    behind: Any = Mock(session=Mock(return_value=Mock(update_tools=AsyncMock())))
    behind.capabilities.mutable_tools = True
    model = CallModel("call", Roster((Candidate("m", 0),)), lambda _: behind, told.append)
    session = model.session()
    for tools in agents:
        await session.update_tools(tools)
    return told


def shown_after(*events: CallEvent) -> str:
    registry = Registry(GEMINI_LIVE)
    hearing = Hearing(registry, Sampler(), None)
    for event in (CallStarted("call", "room", 0), *events):
        hearing.heard(event)
    return generate_latest(registry.prometheus).decode()


async def test_each_tool_is_told_once_a_call_whichever_agent_has_it() -> None:
    first, second = tool("look_up"), tool("cancel")
    told = await told_of([first], [first, second], [second])
    assert told == [ToolOffered("call", "look_up"), ToolOffered("call", "cancel")]


async def test_what_runs_at_the_models_end_is_no_tool_of_the_call() -> None:
    assert await told_of([llm.ProviderTool(id="search")]) == []


async def test_of_hundreds_of_tools_no_more_are_told_than_can_have_names_and_one_for_the_rest() -> (
    None
):
    told = await told_of([tool(f"tool_{number}") for number in range(300)])
    assert len(told) == TOOL_NAMES + 1


def test_a_tool_that_is_offered_is_shown_as_nought() -> None:
    shown = shown_after(ToolOffered("call", "look_up"))
    assert 'callfleet_tool_calls_total{result="ok",tool="look_up"} 0.0' in shown
    assert 'callfleet_tool_call_seconds_count{tool="look_up"} 0.0' in shown


def test_tools_beyond_the_names_that_there_are_are_shown_as_one_and_counted_there() -> None:
    offered = [ToolOffered("call", f"tool_{number}") for number in range(TOOL_NAMES + 5)]
    counted = 'callfleet_tool_calls_total{result="ok",tool="other"}'
    assert f"{counted} 0.0" in shown_after(*offered)
    late = ToolFinished("call", offered[-1].tool, "ok", 0.1)
    shown = shown_after(*offered, late)
    assert f"{counted} 1.0" in shown
    assert f'tool="{late.tool}"' not in shown
