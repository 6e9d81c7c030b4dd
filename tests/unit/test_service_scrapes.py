"""Metrics that are asked for while their program ends come whole, or not at all."""

import asyncio
import socket
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web

from callfleet_service.metrics import Registry
from callfleet_service.ports import Site, address_of
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.registry import Registry as WorkersRegistry

ASKERS = 8
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken


@pytest.fixture
def registry() -> Registry:
    return WorkersRegistry(GEMINI_LIVE)


async def test_an_answer_that_was_begun_is_ended(bound: socket.socket, registry: Registry) -> None:
    site = Site(registry, {}, lambda: None)
    await site.start(bound)
    url, answers = f"http://{address_of(bound)}/metrics", list[str]()
    asked = asyncio.Event()

    async def ask() -> None:
        async with aiohttp.ClientSession(headers=OPENMETRICS) as session:
            while True:
                try:
                    async with session.get(url) as answer:
                        answers.append(await answer.text())
                except aiohttp.ClientError:
                    return
                if len(answers) > ASKERS:
                    asked.set()

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for _ in range(ASKERS):
            tasks.create_task(ask())
        await asked.wait()
        await site.stop()
    assert all(text.endswith("# EOF\n") for text in answers)


async def test_what_cannot_be_shown_is_an_error_and_no_half_of_it(
    bound: socket.socket, registry: Registry
) -> None:
    def fails() -> None:
        message = "what is shown cannot be brought up to date"
        raise RuntimeError(message)

    site = Site(registry, {}, fails)
    await site.start(bound)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{address_of(bound)}/metrics") as answer,
    ):
        assert answer.status == web.HTTPInternalServerError.status_code
        assert "callfleet_" not in await answer.text()
    await site.stop()
