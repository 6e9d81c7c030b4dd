"""Slots are counted exactly: ten calls at once are taken, an eleventh is passed on."""

import asyncio
from typing import cast

import pytest
from fleet_stand import Info, Named, Process, Request, make_server, pool
from livekit.agents import JobRequest

from callfleet_worker.parent.server import FleetServer, proxy_for

SLOTS = 10


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FleetServer:
    monkeypatch.setenv("GOOGLE_API_KEY", "none")
    monkeypatch.delenv("LIVEKIT_AGENT_NAME_OVERRIDE", raising=False)
    return make_server(SLOTS)


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


async def test_a_worker_is_not_registered_before_livekit_says_so_nor_while_it_reconnects(
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


async def test_a_cordoned_worker_is_full_passes_calls_on_and_keeps_its_own(
    server: FleetServer,
) -> None:
    server._closed = server._connecting = False
    server.emit("worker_registered", "AW_x", None)
    up = Request("AJ_up", pool(server))
    (task,) = await offer(server, up)
    server.cordon(cordoned=True)
    assert (server.load(), server.accepting, server.registered) == (1.0, False, True)
    assert not server._is_available()
    late = Request("AJ_late", pool(server))
    await offer(server, late)
    assert (late.answer, late.passed_to_others) == ("rejected", True)
    assert (up.answer, server.held, server.reserved) == ("accepted", {"AJ_up"}, {"AJ_up"})
    up.launch.set()
    await task
    assert (server.held, server.reserved) == ({"AJ_up"}, set())
    server.cordon(cordoned=False)
    assert (server.load(), server.accepting) == (1 / SLOTS, True)


async def test_livekit_is_told_of_a_cordon_at_once_and_again_when_it_comes_back(
    server: FleetServer,
) -> None:
    told: list[float] = []

    async def tell() -> None:
        told.append(server._worker_load)

    server._closed = server._connecting = False
    server._update_worker_status = tell  # type: ignore[method-assign] # a fake in its place
    server.cordon(cordoned=True)
    await asyncio.sleep(0)
    assert told == []
    server.emit("worker_registered", "AW_x", None)
    await asyncio.sleep(0)
    assert told == [1.0]
    server.cordon(cordoned=False)
    await asyncio.sleep(0)
    assert told == [1.0, 0.0]


async def test_only_calls_that_found_no_slot_count_as_refused(server: FleetServer) -> None:
    requests = [Request(f"AJ_{number}", pool(server)) for number in range(SLOTS + 2)]
    tasks = await offer(server, *requests)
    assert server.refused_total == 2
    assert not server._is_available()
    assert server.refused_total == 3
    server.cordon(cordoned=True)
    tasks += await offer(server, Request("AJ_more", pool(server)))
    assert not server._is_available()
    server.cordon(cordoned=False)
    server._draining = True
    tasks += await offer(server, Request("AJ_last", pool(server)))
    assert server.refused_total == 3
    for request in requests:
        request.launch.set()
    await asyncio.gather(*tasks)


def test_no_proxy_is_used_for_a_host_that_no_proxy_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1,.internal")
    assert proxy_for("ws://127.0.0.1:7880") is None
    assert proxy_for("wss://livekit.internal") is None
    assert proxy_for("wss://livekit.example.com") == "http://proxy:3128"
