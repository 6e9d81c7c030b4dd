"""On a real call: an agent hands the caller over to another, whose tools are in toolsets."""

import asyncio

import numpy as np
import pytest
from call_stage import Stage, on_stage
from livekit.agents import Agent, function_tool, llm
from phone import PATIENCE_SECONDS, RATE, Phone

from callfleet_contract import metrics
from callfleet_contract.events import ToolFinished, ToolOffered, TurnMeasured
from callfleet_rehearsal.sound.clips import question
from callfleet_rehearsal.sound.marker import Marker, Speaker, render
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_worker.parent.samples import Sampler, was_answered

LOOK_UP_SECONDS = 0.5


@function_tool
async def look_up() -> str:
    """Look something up."""
    await asyncio.sleep(LOOK_UP_SECONDS)
    return "It is there."


class Clerk(Agent):
    """Is handed callers; what it has is two toolsets deep."""

    def __init__(self) -> None:
        inner = llm.Toolset(id="inner", tools=[look_up])
        super().__init__(instructions="Help.", tools=[llm.Toolset(id="outer", tools=[inner])])

    async def on_enter(self) -> None:
        self.session.generate_reply(instructions="Say that you are there.")


class Desk(Agent):
    """Greets, and hands callers over."""

    def __init__(self) -> None:
        super().__init__(instructions="Greet.")

    async def on_enter(self) -> None:
        self.session.generate_reply(instructions="Greet the caller.")

    @function_tool
    async def hand_over(self) -> Agent:
        """Have a clerk go on."""
        return Clerk()


async def asks_for_a_tool(phone: Phone, turn: int) -> None:
    """Ask for what the model needs a tool for, and hear the reply out."""
    marker = render(Marker(1, turn, wants_tool=True), Speaker.CALLER, RATE)
    await phone.say(np.concatenate((marker, question(turn).samples)))
    await phone.hears()
    await phone.silence()


async def told(stage: Stage, *tools: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while [each.tool for each in stage.of(ToolFinished)] != [*tools]:  # noqa: ASYNC110 - as the call tells it
            await asyncio.sleep(0.05)


def kinds_of_turns(stage: Stage) -> list[str]:
    """With or without tools, as a worker's parent counts each answered turn."""
    sampler = Sampler()
    samples = [one for event in stage.job.events for one in sampler.samples(event)]
    return [one.labels[2] for one in samples if one.metric is metrics.TURN_RESPONSE_SECONDS]


def named(stage: Stage) -> list[tuple[type, str]]:
    """Which tools were told of, how, and in which order."""
    kinds = ToolOffered, ToolFinished
    return [(type(one), one.tool) for one in stage.job.events if isinstance(one, kinds)]


async def test_a_tool_of_who_took_over_is_measured_and_its_turn_is_one_with_tools(
    livekit_server: LiveKitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callfleet_worker.call.load_agent", lambda *_, **__: Desk())
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        await asks_for_a_tool(phone, 1)
        await told(stage, "hand_over")
        await asks_for_a_tool(phone, 2)
        await told(stage, "hand_over", "look_up")
        await phone.asks(3)
        await phone.leave()
        await stage.ended()
    assert named(stage) == [
        (ToolOffered, "hand_over"),
        (ToolFinished, "hand_over"),
        (ToolOffered, "look_up"),
        (ToolFinished, "look_up"),
    ]
    tool = stage.of(ToolFinished)[-1]
    assert tool.result == "ok"
    assert LOOK_UP_SECONDS * 0.9 < tool.seconds < PATIENCE_SECONDS
    last_but_one, last = [one for one in stage.of(TurnMeasured) if was_answered(one)][-2:]
    assert last_but_one.tool_seconds >= LOOK_UP_SECONDS / 2
    assert last.tool_seconds == 0
    assert kinds_of_turns(stage)[-2:] == ["used", "none"]
