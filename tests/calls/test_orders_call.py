"""The example agent talks with the emulator: it looks up, is interrupted, and goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from model_bench import Talk, arm, settings_for, talk

from callfleet_contract.events import ToolFinished
from callfleet_rehearsal.emulator import Emulator, EmulatorConfig
from callfleet_worker.agents import orders
from callfleet_worker.agents.order_book import Order, OrderBook
from callfleet_worker.settings import Settings

WAITS_FOR_TOOLS = "gemini-2.5-flash-native-audio-preview-12-2025"
TALKS_MEANWHILE = "gemini-3.8-live"


@contextlib.asynccontextmanager
async def order_call(
    folder: Path, model: str = WAITS_FOR_TOOLS
) -> AsyncIterator[tuple[Emulator, Talk]]:
    """Start a call with the example agent, and let it greet."""
    async with Emulator(EmulatorConfig()) as emulator:
        settings = _settings(emulator, folder, model)
        async with talk(settings) as call:
            await call.greeted()
            yield emulator, call


def _settings(emulator: Emulator, folder: Path, model: str) -> Settings:
    return settings_for(
        emulator,
        CALLFLEET_MODEL__NAMES=model,
        CALLFLEET_AGENT_CLASS="callfleet_worker.agents.orders:OrdersAgent",
        CALLFLEET_DATABASE_URL=f"sqlite:///{folder}/orders.db",
    )


def tools_of(call: Talk) -> list[tuple[str, str]]:
    return [(each.tool, each.result) for each in call.events if isinstance(each, ToolFinished)]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let the database hang until the gate is opened."""
    opened = asyncio.Event()
    find = OrderBook.find

    async def find_later(book: OrderBook, number: str) -> Order | None:
        await opened.wait()
        return await find(book, number)

    monkeypatch.setattr(OrderBook, "find", find_later)
    return opened


@pytest.mark.parametrize("model", [WAITS_FOR_TOOLS, TALKS_MEANWHILE])
async def test_an_order_is_looked_up_and_the_caller_told(model: str, tmp_path: Path) -> None:
    async with order_call(tmp_path, model) as (emulator, call):
        call.say(1, wants_tool=True)
        await emulator.log.wait_for("tool_response")
        await call.mouth.heard(1)
        assert tools_of(call) == [("look_up_order", "ok")]


async def test_a_tool_that_the_model_made_up_is_no_tool_and_takes_no_ones_place(
    tmp_path: Path,
) -> None:
    made_up = {"functionCalls": [{"id": "call-1", "name": "look_up_the_weather", "args": {}}]}
    async with order_call(tmp_path) as (emulator, call):
        await arm(emulator, "unknown_key", session="any", body={"toolCall": made_up})
        await emulator.log.wait_for("unmatched_tool_response", id="call-1")
        await call.exchange(1)
        assert tools_of(call) == []


async def test_a_caller_who_interrupts_the_look_up_is_answered_and_the_call_goes_on(
    tmp_path: Path, gate: asyncio.Event
) -> None:
    async with order_call(tmp_path) as (emulator, call):
        call.say(1, wants_tool=True)
        await emulator.log.wait_for("tool_call")
        call.say(2)
        await emulator.log.wait_for("tool_cancel")
        await call.mouth.heard(2)
        gate.set()
        await call.silence()
        await call.exchange(3)
        assert emulator.log.all("tool_response") == []
        assert tools_of(call) == [("look_up_order", "ok")]


async def test_a_model_that_talks_meanwhile_tells_the_result_afterwards(
    tmp_path: Path, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "LOOK_UP_SECONDS", 60.0)
    async with order_call(tmp_path, TALKS_MEANWHILE) as (emulator, call):
        call.say(1, wants_tool=True)
        await emulator.log.wait_for("tool_call")
        call.say(2)
        await call.mouth.heard(2)
        gate.set()
        await call.mouth.heard(1)
        assert tools_of(call) == [("look_up_order", "ok")]


@pytest.mark.usefixtures("gate")
async def test_a_database_that_hangs_does_not_leave_the_caller_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "LOOK_UP_SECONDS", 0.3)
    async with order_call(tmp_path) as (_, call):
        call.say(1, wants_tool=True)
        await call.mouth.heard(1)
        assert tools_of(call) == [("look_up_order", "error")]
