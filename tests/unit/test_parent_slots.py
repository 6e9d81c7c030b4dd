"""Slots are counted exactly: ten calls at once are taken, an eleventh is passed on."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from livekit.agents import JobContext, JobProcess, JobRequest
from livekit.agents._exceptions import AssignmentTimeoutError

from callfleet_worker.parent.server import FleetServer, proxy_for
from callfleet_worker.settings import LivekitSettings, ModelSettings, Settings

SLOTS = 10


async def no_call(_: JobContext) -> None:
    """Never run here."""


def no_preparation(_: JobProcess) -> None:
    """Never run here."""


@dataclass
class Named:
    id: str = ""
    name: str = "room"


@dataclass
class Info:
    job: Named


@dataclass
class Process:
    running_job: Info | None


@dataclass
class Pool:
    processes: list[Process] = field(default_factory=list)


@dataclass
class Request:
    """A call that is offered; ``accept`` lasts until the test lets it go on."""

    id: str
    pool: Pool
    launch: asyncio.Event = field(default_factory=asyncio.Event)
    room: Named = field(default_factory=Named)
    answer: str = ""
    passed_to_others: bool | None = None
    fails: bool = False

    async def accept(self) -> None:
        self.answer = "accepted"
        await self.launch.wait()
        if self.fails:
            raise AssignmentTimeoutError
        # The framework lists a call as active before its launch is through.
        self.pool.processes.append(Process(Info(Named(self.id))))
        await asyncio.sleep(0)

    async def reject(self, *, terminate: bool) -> None:
        self.answer = "rejected"
        self.passed_to_others = not terminate


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FleetServer:
    monkeypatch.setenv("GOOGLE_API_KEY", "none")
    monkeypatch.delenv("LIVEKIT_AGENT_NAME_OVERRIDE", raising=False)
    livekit = LivekitSettings.model_validate(
        {"url": "ws://127.0.0.1:1", "api_key": "k", "api_secret": "s"}
    )
    model = ModelSettings.model_validate({"keys": "k"})
    settings = Settings(livekit=livekit, model=model, slots=SLOTS)
    made = FleetServer(settings, no_call, no_preparation, [])
    made._proc_pool, made._devmode = cast("Any", Pool()), False
    return made


def pool(server: FleetServer) -> Pool:
    return cast("Pool", server._proc_pool)


async def offer(server: FleetServer, *requests: Request) -> list[asyncio.Task[None]]:
    tasks = [
        asyncio.create_task(server._decide(cast("JobRequest", request))) for request in requests
    ]
    await asyncio.sleep(0)
    return tasks


async def test_ten_at_once_are_taken_and_the_eleventh_is_passed_on(server: FleetServer) -> None:
    requests = [Request(f"AJ_{number}", pool(server)) for number in range(SLOTS + 1)]
    tasks = await offer(server, *requests)
    assert [request.answer for request in requests] == ["accepted"] * SLOTS + ["rejected"]
    assert requests[-1].passed_to_others
    assert (server.taken, server.load()) == (SLOTS, 1.0)
    for request in requests:
        request.launch.set()
    await asyncio.gather(*tasks)
    assert (server.taken, server.load()) == (SLOTS, 1.0)


async def test_a_call_that_is_starting_takes_one_slot_and_not_two(server: FleetServer) -> None:
    requests = [Request(f"AJ_{number}", pool(server)) for number in range(SLOTS)]
    tasks = await offer(server, *requests[:-1])
    for request in requests[:-1]:
        request.launch.set()
    await asyncio.sleep(0)
    assert server.taken == SLOTS - 1
    assert server._is_available()
    tasks += await offer(server, requests[-1])
    assert requests[-1].answer == "accepted"
    assert not server._is_available()
    requests[-1].launch.set()
    await asyncio.gather(*tasks)


async def test_a_call_that_waits_for_its_process_is_not_taken_for_dead(
    server: FleetServer,
) -> None:
    request = Request("AJ_a", pool(server))
    tasks = await offer(server, request)
    assert server.active_jobs == []
    assert server.held == {"AJ_a"}
    request.launch.set()
    await asyncio.gather(*tasks)
    assert server.held == {"AJ_a"}
    pool(server).processes = []
    assert server.held == set()


async def test_every_count_of_calls_is_judged_rightly_by_the_framework(server: FleetServer) -> None:
    for count in range(SLOTS + 1):
        pool(server).processes = [Process(Info(Named(f"AJ_{number}"))) for number in range(count)]
        server._worker_load, server._reserved_slots = server.load(), 3
        assert server._is_available() is (count < SLOTS), count


async def test_a_call_given_elsewhere_after_all_frees_its_slot(server: FleetServer) -> None:
    told: list[tuple[str, ...]] = []
    server.on_accepted = lambda *facts: told.append(("accepted", *facts))
    server.on_given_back = lambda *facts: told.append(("given back", *facts))
    request = Request("AJ_a", pool(server), fails=True)
    tasks = await offer(server, request)
    assert server.taken == 1
    request.launch.set()
    await asyncio.gather(*tasks)
    assert server.taken == 0
    assert told == [("accepted", "AJ_a", "room"), ("given back", "AJ_a")]


async def test_a_draining_worker_passes_calls_on(server: FleetServer) -> None:
    server._draining = True
    request = Request("AJ_a", pool(server))
    await offer(server, request)
    assert (request.answer, request.passed_to_others) == ("rejected", True)


def test_a_worker_is_not_registered_before_livekit_says_so_nor_while_it_reconnects(
    server: FleetServer,
) -> None:
    server._closed = False
    assert not server.registered
    server._connecting = False
    server.emit("worker_registered", "AW_x", None)
    assert server.registered
    assert server.accepting
    server._connecting = True
    assert not server.registered
    assert not server.accepting


def test_no_proxy_is_used_for_a_host_that_no_proxy_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1,.internal")
    assert proxy_for("ws://127.0.0.1:7880") is None
    assert proxy_for("wss://livekit.internal") is None
    assert proxy_for("wss://livekit.example.com") == "http://proxy:3128"
