"""Each tool call of a session is clocked and its end told, whoever the tool belongs to."""

import asyncio

import pytest
from livekit.agents import Agent, RunContext, StopResponse, ToolError, function_tool, llm
from obeying_model import silent_session, started

from callfleet_contract.events import ToolFinished
from callfleet_worker.agents.watching import watch_tools
from callfleet_worker.running import ToolRun, run_in


@function_tool
async def price() -> str:
    """Say a price."""
    return "ten"


@function_tool(
    raw_schema={"name": "stock", "description": "Count.", "parameters": {"type": "object"}}
)
async def stock(raw_arguments: dict[str, object]) -> str:
    return str(len(raw_arguments))


class Clerk(Agent):
    """Is there after a handoff alone; one of its tools is two toolsets deep."""

    def __init__(self) -> None:
        inner = llm.Toolset(id="inner", tools=[price])
        super().__init__(instructions="", tools=[llm.Toolset(id="outer", tools=[inner, stock])])

    @function_tool
    async def wrap_up(self) -> str:
        """End."""
        return "done"


class Desk(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="")
        self.hanging = asyncio.Event()

    @function_tool
    async def add(self, first: int, second: int) -> int:
        """Add two numbers.

        Args:
            first: One.
            second: Another.

        """
        return first + second

    @function_tool
    async def fail(self) -> None:
        """Fail."""
        message = "no"
        raise ToolError(message)

    @function_tool
    async def stop(self) -> None:
        """Say nothing more."""
        raise StopResponse

    @function_tool(flags=llm.ToolFlag.CANCELLABLE)
    async def hang(self) -> None:
        """Hang."""
        self.hanging.set()
        await asyncio.Event().wait()

    @function_tool
    async def hand_over(self) -> Agent:
        """Have somebody else go on."""
        return Clerk()

    @function_tool
    async def book(self, ctx: RunContext[None]) -> str:
        """Say that it takes a while, and go on for longer."""
        await asyncio.sleep(0.2)
        await ctx.update("I am at it.")
        await asyncio.sleep(0.5)
        return "booked"

    @function_tool(name="late")
    async def come_late(self) -> str:
        """Take a while."""
        await asyncio.sleep(0.2)
        return "there"


def nobody_minds(*_: int) -> None:
    """Take what the model waited for, and forget it."""


async def told_of(*orders: str) -> list[ToolFinished]:
    """What a call tells whose model is given these orders."""
    seen: list[ToolFinished] = []
    session = silent_session()
    watch_tools(session, "call", seen.append, nobody_minds)
    async with started(session, Desk()):
        for order in orders:
            await session.run(user_input=order)
    return seen


@pytest.mark.parametrize(
    ("order", "result"),
    [
        ('add {"first": 1, "second": 2}', "ok"),
        ('add {"first": "many"}', "error"),
        ("fail", "error"),
        ("stop", "ok"),
        ("hand_over", "ok"),
    ],
)
async def test_how_a_tool_ended_is_told(order: str, result: str) -> None:
    (told,) = await told_of(order)
    assert (told.call_id, told.tool, told.result) == ("call", order.partition(" ")[0], result)


async def test_a_tool_that_is_cut_off_with_its_call_is_told_as_cancelled() -> None:
    seen: list[ToolFinished] = []
    session, desk = silent_session(), Desk()
    watch_tools(session, "call", seen.append, nobody_minds)
    async with started(session, desk):
        session.run(user_input="hang")
        async with asyncio.timeout(10):
            await desk.hanging.wait()
    assert [(told.tool, told.result) for told in seen] == [("hang", "cancelled")]


async def test_tools_of_an_agent_that_took_over_and_inside_of_toolsets_are_told() -> None:
    told = await told_of("add", "hand_over", "wrap_up", "price", "stock")
    assert [(one.tool, one.result) for one in told] == [
        ("add", "error"),
        ("hand_over", "ok"),
        ("wrap_up", "ok"),
        ("price", "ok"),
        ("stock", "ok"),
    ]


async def test_a_tool_that_nobody_has_is_not_told() -> None:
    assert await told_of("price", "nothing_of_the_kind") == []


async def test_a_tool_took_as_long_as_it_ran_and_has_the_name_that_it_was_declared_under() -> None:
    (told,) = await told_of("late")
    assert 0.1 < told.seconds < 5
    assert told.tool == "late"


@pytest.mark.parametrize(("order", "in_background"), [("late", 0.0), ("book", 0.4)])
async def test_the_model_waits_for_a_tool_until_it_ends_or_goes_on_in_the_background(
    order: str, in_background: float
) -> None:
    seen: list[ToolFinished] = []
    waits: list[float] = []
    session = silent_session()
    watch_tools(
        session, "call", seen.append, lambda began, over: waits.append((over - began) / 1e9)
    )
    async with started(session, Desk()):
        await session.run(user_input=order)
    (told,), (waited,) = seen, waits
    assert waited > 0.1
    assert told.seconds - waited >= in_background
    assert in_background or told.seconds == pytest.approx(waited)


async def test_while_a_tool_runs_its_own_task_says_which_it_is() -> None:
    found: list[ToolRun | None] = []

    @function_tool
    async def look_around() -> None:
        """Look."""
        found.append(run_in(asyncio.get_running_loop()))

    session = silent_session()
    watch_tools(session, "call", lambda _: None, nobody_minds)
    agent = Agent(instructions="", tools=[llm.Toolset(id="set", tools=[look_around])])
    async with started(session, agent):
        await session.run(user_input="look_around")
    found.append(run_in(asyncio.get_running_loop()))
    assert found == [ToolRun("call", "look_around"), None]
