"""A worker and a LiveKit server that is away, comes back, or will not have it."""

import dataclasses
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from livekit_stand import planned_server, start_server
from worker_stand import start_worker, until

from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.ports import LOOPBACK
from callfleet_rehearsal.stack.processes import Children

LOST = "cannot be reached"


@pytest.fixture
async def aiohttp_nothing() -> AsyncIterator[str]:
    """A web server that has no page."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_worker_waits_for_its_server_and_is_ready_only_while_it_is_there(
    children: Children, livekit_program: Path
) -> None:
    server = planned_server()
    worker = start_worker(children, server, CALLFLEET_SLOTS="1")
    await until(lambda: bool(worker.logged("worker starts")), "started")
    assert not await worker.is_true("ready")
    complaints = [line for line in worker.lines() if LOST in line["event"]]
    assert [server.url in line["event"] for line in complaints] == [True]

    first = start_server(children, livekit_program, server)
    await worker.becomes("ready")
    assert await worker.is_true("accepting")

    children.stop(first)
    await worker.becomes("ready", value=False)
    assert await worker.is_true("live")
    assert not await worker.is_true("accepting")

    second = start_server(children, livekit_program, server)
    await worker.becomes("ready")
    children.stop(worker.child)
    children.stop(second)


async def test_a_wrong_secret_stops_the_start_with_the_cure_and_without_the_secret(
    children: Children, livekit_server: LiveKitServer
) -> None:
    wrong = dataclasses.replace(livekit_server, api_secret="w" * 40)
    worker = start_worker(children, wrong)
    assert await worker.ends() == 1
    said = worker.child.log.read_text().splitlines()
    assert len(said) == 1
    assert "LIVEKIT_API_SECRET" in said[0]
    assert "wwww" not in said[0]
    assert worker.left_behind() == []


async def test_an_address_that_is_no_livekit_server_stops_the_start(
    children: Children, aiohttp_nothing: str
) -> None:
    worker = start_worker(children, planned_server(), LIVEKIT_URL=aiohttp_nothing)
    assert await worker.ends() == 1
    said = worker.child.log.read_text().splitlines()
    assert len(said) == 1
    assert "is no LiveKit server" in said[0]
    assert "LIVEKIT_URL" in said[0]


async def test_a_port_in_use_stops_the_start_with_the_cure(
    children: Children, livekit_server: LiveKitServer
) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        worker = start_worker(children, livekit_server, CALLFLEET_HTTP__PORT=str(port))
        assert await worker.ends() == 1
    said = worker.child.log.read_text().splitlines()
    assert len(said) == 1
    assert f"127.0.0.1:{port}" in said[0]
    assert "CALLFLEET_HTTP__PORT" in said[0]
    assert worker.left_behind() == []
