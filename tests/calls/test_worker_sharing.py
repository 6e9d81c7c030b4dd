"""Calls that share a process: each ends by itself, and what ends the process is seen for all."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from worker_stand import START_SECONDS, Caller, Worker, start_worker, until

from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children

ACTIVE = "callfleet_calls_active"
DIED = 'callfleet_calls_total{outcome="dropped",reason="process_died"}'


@pytest.fixture
async def caller(livekit_server: LiveKitServer) -> AsyncIterator[Caller]:
    async with Caller(livekit_server) as calling:
        yield calling


def ready(children: Children, server: LiveKitServer, **more: str) -> Worker:
    worker = start_worker(children, server, **{"CALLFLEET_SLOTS": "4", **more})
    worker.child.wait_until(lambda: bool(worker.logged("ready")), START_SECONDS, "ready")
    return worker


async def called(worker: Worker, caller: Caller, calls: int) -> dict[str, int]:
    """Place calls one by one; give the process that each runs in, by room."""
    return dict([await _called_once(worker, caller) for _ in range(calls)])


async def _called_once(worker: Worker, caller: Caller) -> tuple[str, int]:
    room = await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs", room=room)), "running")
    return room, int(worker.logged("call runs", room=room)[-1]["job_process"])


async def test_calls_are_spread_over_no_more_processes_than_they_need(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_CALLS_PER_PROCESS="2")
    where = await called(worker, caller, 4)
    processes = list(where.values())
    assert {processes.count(one) for one in processes} == {2}
    for room in where:
        lines = [line for line in worker.lines() if line.get("room") == room]
        ids = {line["call_id"] for line in lines if "call_id" in line}
        assert len(ids) == 1
        assert all("call_id" in line for line in lines)
    await asyncio.gather(*(caller.hang_up(room) for room in where))
    await worker.metric_becomes(ACTIVE, 0)


async def test_a_process_that_dies_drops_its_calls_and_no_other_and_is_replaced(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_CALLS_PER_PROCESS="2")
    where = await called(worker, caller, 3)
    processes = list(where.values())
    full = max(processes, key=processes.count)
    os.kill(full, signal.SIGKILL)
    await worker.metric_becomes(DIED, 2)
    await worker.metric_becomes(ACTIVE, 1)
    (survivor,) = (room for room, process in where.items() if process != full)
    assert await caller.agents(survivor) == 1
    assert not worker.logged("call ended", room=survivor)
    more = await called(worker, caller, 3)
    assert full not in more.values()
    await worker.metric_becomes(ACTIVE, 4)


async def test_all_callers_of_a_process_that_dies_get_another_agent_though_no_slot_was_free(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_SLOTS="3", CALLFLEET_CALLS_PER_PROCESS="3")
    async with AsyncExitStack() as callers:
        where = await called(worker, caller, 3)
        for room in where:
            await callers.enter_async_context(caller.in_person(room))
        (process,) = set(where.values())
        os.kill(process, signal.SIGKILL)
        await worker.metric_becomes(DIED, 3)
        for room in where:
            await until(
                lambda room=room: len(worker.logged("call runs", room=room)) == 2, "rescued"
            )
        await worker.metric_becomes(ACTIVE, 3)
    told = {line["call_id"] for line in worker.logged("another agent is asked for")}
    assert len(told) == 3


async def test_a_process_that_grows_too_heavy_keeps_its_calls_and_gets_no_more(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(
        children,
        livekit_server,
        CALLFLEET_CALLS_PER_PROCESS="4",
        CALLFLEET_PROCESS_MEMORY_LIMIT_MB="1",
    )
    ((room, process),) = (await called(worker, caller, 1)).items()
    retired = "a process takes no more calls: too heavy"
    await until(lambda: bool(worker.logged(retired, pid=process)), "retired")
    assert await caller.agents(room) == 1
    await caller.hang_up(room)
    await until(lambda: process not in worker.left_behind(), "gone with its last call")
    assert [end["reason"] for end in worker.logged("call ended")] == ["caller_hung_up"]
    assert await called(worker, caller, 1) != {room: process}


async def test_processes_end_with_a_worker_that_is_killed_outright(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_CALLS_PER_PROCESS="4")
    await called(worker, caller, 2)
    worker.signal(signal.SIGKILL)
    await worker.ends()
    await until(lambda: not worker.left_behind(), "gone with all its processes")
