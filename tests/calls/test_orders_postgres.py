"""The example agent on a real PostgreSQL, also while that stands still."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from livekit.agents import ToolError
from sqlalchemy.exc import SQLAlchemyError

from callfleet_worker.agents import order_book, orders
from callfleet_worker.agents.order_book import DEMO_ORDERS, OrderBook, OrderBookUnavailableError
from callfleet_worker.agents.orders import OrdersAgent
from callfleet_worker.settings import load


@dataclass(frozen=True)
class Postgres:
    url: str
    process: subprocess.Popen[bytes]


def program(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(installed[-1]) if installed else shutil.which(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    initdb, server = program("initdb"), program("postgres")
    if initdb is None or server is None:
        pytest.skip("no PostgreSQL server on this machine: apt-get install postgresql")
    folder = tmp_path_factory.mktemp("postgres")
    options: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        account = pwd.getpwnam("postgres" if _has_account("postgres") else "nobody")
        ours = [path for path in folder.parents if Path(tempfile.gettempdir()) in path.parents]
        for path in (folder, *ours):
            path.chmod(path.stat().st_mode | 0o011)
        os.chown(folder, account.pw_uid, account.pw_gid)
        options |= {"user": account.pw_uid, "group": account.pw_gid}
    data = folder / "data"
    subprocess.run(
        [initdb, "-D", data, "-U", "shop", "--auth=trust", "--no-sync", "-E", "UTF8"],
        check=True,
        **options,
    )
    port = free_port()
    process = subprocess.Popen(
        [server, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"],
        start_new_session=True,
        **options,
    )
    url = f"postgresql://shop@127.0.0.1:{port}/postgres"
    try:
        asyncio.run(_fill_when_up(url, process))
        yield Postgres(url, process)
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _has_account(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


async def _fill_when_up(url: str, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(60):
        while process.poll() is None:
            try:
                await order_book._fill(url)
            except (OSError, SQLAlchemyError):
                await asyncio.sleep(0.1)
            else:
                return
    pytest.fail(f"postgres ended with {process.returncode}")


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


async def test_an_order_is_found_in_postgresql(postgres: Postgres) -> None:
    agent = agent_on(postgres.url)
    assert "coffee grinder" in await agent.answer("10 44")
    assert "There is no order" in await agent.answer("4711")
    await agent.on_exit()


async def test_filling_twice_changes_nothing(postgres: Postgres) -> None:
    await order_book._fill(postgres.url)
    book = OrderBook(postgres.url)
    assert await book.find("1045") == DEMO_ORDERS[3]
    await book.close()


async def test_somebodys_own_database_is_not_filled_with_fiction(postgres: Postgres) -> None:
    book = OrderBook(postgres.url.replace("/postgres", "/template1"))
    with pytest.raises(OrderBookUnavailableError):
        await book.find("1042")
    await book.close()


async def test_a_standing_postgresql_gives_the_model_a_sentence_and_the_next_look_up_works(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_on(postgres.url)
    await agent.answer("1042")
    server = psutil.Process(postgres.process.pid)
    everyone = [server, *server.children()]
    monkeypatch.setattr(orders, "LOOK_UP_SECONDS", 0.3)
    try:
        for each in everyone:
            each.suspend()
        with pytest.raises(ToolError, match="does not answer right now"):
            await agent.answer("1042")
    finally:
        for each in everyone:
            each.resume()
    monkeypatch.setattr(orders, "LOOK_UP_SECONDS", 5.0)
    assert "garden chairs" in await agent.answer("1042")
    await agent.on_exit()
