"""A worker's parent against a real LiveKit server: registers, counts, drains, survives."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from worker_stand import START_SECONDS, Caller, Worker, start_worker, until

from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children

ACTIVE = "callfleet_calls_active"
DIED = 'callfleet_calls_total{outcome="dropped",reason="process_died"}'
COMPLETED = 'callfleet_calls_total{outcome="completed",reason="caller_hung_up"}'


@pytest.fixture
async def caller(livekit_server: LiveKitServer) -> AsyncIterator[Caller]:
    async with Caller(livekit_server) as calling:
        yield calling


def ready(children: Children, server: LiveKitServer, **more: str) -> Worker:
    worker = start_worker(children, server, **more)
    worker.child.wait_until(lambda: bool(worker.logged("ready")), START_SECONDS, "ready")
    return worker


def folders(worker: Worker) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"callfleet-worker-{worker.child.pid}-*"))


async def test_ten_calls_at_once_are_taken_and_an_eleventh_is_not(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server)
    assert await worker.is_true("live")
    assert await worker.is_true("accepting")
    rooms = await asyncio.gather(*(caller.call(worker) for _ in range(10)))
    await worker.metric_becomes(ACTIVE, 10)
    await until(lambda: len(worker.logged("call runs")) == 10, "ten running calls")
    assert await worker.is_true("ready")
    assert not await worker.is_true("accepting")

    refused = await caller.call(worker)
    server_log = children.folder / "livekit-server.log"
    await until(
        lambda: any(
            refused in line
            and ("no worker" in line or "no servers" in line or "not dispatch" in line)
            for line in server_log.read_text().splitlines()
        ),
        "refused",
    )
    assert await caller.agents(refused) == 0
    assert len({line["call_id"] for line in worker.logged("call runs")}) == 10

    for room in rooms:
        await caller.hang_up(room)
    await worker.metric_becomes(COMPLETED, 10)
    await worker.becomes("accepting")
    assert (await worker.metrics())[ACTIVE] == 0
    assert len(worker.logged("turn")) == 10
    children.stop(worker.child)


async def test_a_call_whose_process_is_killed_is_counted_once_and_its_slot_is_free_again(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_SLOTS="1")
    await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    assert not await worker.is_true("accepting")
    os.kill(worker.logged("call runs")[0]["job_process"], signal.SIGKILL)
    await worker.metric_becomes(DIED, 1)
    await worker.becomes("accepting")
    assert (await worker.metrics())[ACTIVE] == 0
    ends = worker.logged("call ended")
    assert [(end["outcome"], end["reason"]) for end in ends] == [("dropped", "process_died")]
    children.stop(worker.child)


async def test_a_worker_that_is_told_to_go_lets_its_call_finish_and_leaves_nothing(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_SLOTS="3")
    room = await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    worker.signal(signal.SIGTERM)
    await worker.becomes("accepting", value=False)
    assert await worker.is_true("ready")
    worker.signal(signal.SIGTERM)
    await until(
        lambda: bool(worker.logged("already draining: calls may finish; SIGKILL would cut them")),
        "unmoved by a second signal",
    )
    assert (await worker.metrics())[ACTIVE] == 1
    assert await caller.agents(room) == 1
    await caller.hang_up(room)
    assert await worker.ends() == 0
    assert [end["reason"] for end in worker.logged("call ended")] == ["caller_hung_up"]
    assert worker.logged("worker stopped")
    await until(lambda: not worker.left_behind(), "gone with all its processes")
    assert folders(worker) == []


async def test_a_call_that_outlasts_the_drain_is_told_to_end_and_says_so(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(
        children, livekit_server, CALLFLEET_DRAIN__SECONDS="1", CALLFLEET_DRAIN__CLOSE_SECONDS="1"
    )
    await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    worker.signal(signal.SIGTERM)
    assert await worker.ends() == 0
    assert [end["reason"] for end in worker.logged("call ended")] == ["worker_stopped"]
    await until(lambda: not worker.left_behind(), "gone with all its processes")


async def test_a_person_who_presses_ctrl_c_twice_is_believed(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_SLOTS="1")
    await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    worker.signal(signal.SIGINT)
    await until(lambda: bool(worker.logged("draining")), "draining")
    worker.signal(signal.SIGINT)
    assert await worker.ends() == 0
    assert [end["reason"] for end in worker.logged("call ended")] == ["worker_stopped"]


async def test_a_whole_process_group_may_be_told_to_go_and_calls_still_finish(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_SLOTS="2")
    room = await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    os.killpg(worker.child.pid, signal.SIGTERM)
    await until(lambda: bool(worker.logged("draining")), "draining")
    assert await caller.agents(room) == 1
    await caller.hang_up(room)
    assert await worker.ends() == 0
    assert [end["reason"] for end in worker.logged("call ended")] == ["caller_hung_up"]


async def test_a_caller_whose_agent_was_killed_gets_another_one_and_only_one(
    children: Children, livekit_server: LiveKitServer, caller: Caller
) -> None:
    worker = ready(children, livekit_server, CALLFLEET_SLOTS="2")
    room = await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    async with caller.in_person(room):
        os.kill(worker.logged("call runs")[0]["job_process"], signal.SIGKILL)
        await until(lambda: len(worker.logged("call runs")) == 2, "taken by another agent")
        assert len(worker.logged("another agent is asked for")) == 1
        os.kill(worker.logged("call runs")[1]["job_process"], signal.SIGKILL)
        await worker.metric_becomes(DIED, 2)
        assert worker.logged("a second agent died in one room: no third is sent")
    await caller.hang_up(room)
    children.stop(worker.child)
