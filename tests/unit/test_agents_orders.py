"""The example agent: orders looked up in SQLite, and a database that hangs."""

import asyncio
import threading
from pathlib import Path

import pytest
from livekit.agents import ToolError

from callfleet_worker.agents import orders
from callfleet_worker.agents.order_book import (
    DEMO_ORDERS,
    DatabaseUrlError,
    OrderBook,
    order_number,
)
from callfleet_worker.agents.orders import OrdersAgent, told
from callfleet_worker.settings import load


def agent_on(url: str) -> OrdersAgent:
    return OrdersAgent(
        load(
            {
                "LIVEKIT_URL": "ws://localhost:7880",
                "LIVEKIT_API_KEY": "devkey",
                "LIVEKIT_API_SECRET": "s" * 32,
                "GOOGLE_API_KEY": "key",
                "CALLFLEET_DATABASE_URL": url,
            }
        )
    )


async def the_drivers_threads_end() -> None:
    """Wait for what aiosqlite starts and, where a file cannot be opened, does not wait for."""
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await asyncio.to_thread(thread.join)


@pytest.mark.parametrize(
    ("spoken", "number"),
    [
        ("1042", "1042"),
        (" 10 42 ", "1042"),
        ("1-0-4-2", "1042"),
        ("#1042.", "1042"),
        ("ab-1042", "AB1042"),
        ("42", None),
        ("", None),
        ("one thousand", None),
        ("1042; DROP TABLE orders", None),
        ("1" * 400, None),
    ],
)
def test_an_order_number_is_read_as_people_say_it(spoken: str, number: str | None) -> None:
    assert order_number(spoken) == number


async def test_an_order_is_found_in_a_database_that_is_made_at_first_use(tmp_path: Path) -> None:
    agent = agent_on(f"sqlite:///{tmp_path}/orders.db")
    answer = await agent.answer("10 42")
    await agent.on_exit()
    assert answer == told(DEMO_ORDERS[0])
    assert "garden chairs" in answer


async def test_an_unknown_order_gets_a_friendly_answer(tmp_path: Path) -> None:
    agent = agent_on(f"sqlite:///{tmp_path}/orders.db")
    assert "There is no order 9 9 9 9" in await agent.answer("9999")
    await agent.on_exit()


async def test_what_is_no_order_number_is_asked_for_again(tmp_path: Path) -> None:
    agent = agent_on(f"sqlite:///{tmp_path}/orders.db")
    assert "not an order number" in await agent.answer("the chairs")
    assert not (tmp_path / "orders.db").exists()
    await agent.on_exit()


async def test_ten_calls_make_the_demo_orders_at_the_same_time(tmp_path: Path) -> None:
    books = [OrderBook(f"sqlite:///{tmp_path}/orders.db") for _ in range(10)]
    found = await asyncio.gather(*(book.find("1043") for book in books))
    await asyncio.gather(*(book.close() for book in books))
    assert found == [DEMO_ORDERS[1]] * 10


async def test_a_database_that_hangs_gives_the_model_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def hang(_: OrderBook, __: str) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(OrderBook, "find", hang)
    monkeypatch.setattr(orders, "LOOK_UP_SECONDS", 0.01)
    agent = agent_on(f"sqlite:///{tmp_path}/orders.db")
    with pytest.raises(ToolError, match="does not answer right now"):
        await agent.answer("1042")
    await agent.on_exit()


async def test_a_database_that_is_not_there_gives_the_model_a_sentence(tmp_path: Path) -> None:
    agent = agent_on(f"sqlite:///{tmp_path}/no/such/folder/orders.db")
    with pytest.raises(ToolError, match="does not answer right now"):
        await agent.answer("1042")
    await agent.on_exit()
    await the_drivers_threads_end()


def test_a_wrong_database_url_is_refused_without_its_password() -> None:
    with pytest.raises(DatabaseUrlError) as raised:
        OrderBook("oracle+nothing://user:secret@host/db")
    assert "secret" not in str(raised.value)
    assert "postgresql://" in str(raised.value)
