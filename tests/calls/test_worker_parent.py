"""A worker's parent against a real LiveKit server: registers, counts, drains, survives.

All of it with a process for each call, and with calls that share one.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from pod_stand import Pod
from worker_probe import LEAVES_A_CHILD
from worker_stand import START_SECONDS, Caller, Worker, start_worker, until

from callfleet_contract.admission import Order, encode
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children

NOBODY = ("no worker", "no servers available", "not dispatching")
ACTIVE = "callfleet_calls_active"
DIED = 'callfleet_calls_total{outcome="dropped",reason="process_died"}'
COMPLETED = 'callfleet_calls_total{outcome="completed",reason="caller_hung_up"}'


@pytest.fixture
async def caller(livekit_server: LiveKitServer) -> AsyncIterator[Caller]:
    async with Caller(livekit_server) as calling:
        yield calling


Mode = dict[str, str]
MODES = {
    "a process each": {"CALLFLEET_CALLS_PER_PROCESS": "1"},
    "one for all": {"CALLFLEET_CALLS_PER_PROCESS": "10"},
}


@pytest.fixture(scope="module", params=MODES.values(), ids=MODES.keys())
def mode(request: pytest.FixtureRequest) -> Mode:
    """How calls and processes go together."""
    chosen: Mode = request.param
    return chosen


def ready(children: Children, server: LiveKitServer, mode: Mode, **more: str) -> Worker:
    worker = start_worker(children, server, **mode, **more)
    worker.child.wait_until(lambda: bool(worker.logged("ready")), START_SECONDS, "ready")
    return worker


def folders(worker: Worker) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"callfleet-worker-{worker.child.pid}-*"))


@pytest.fixture(scope="module")
def shared(children: Children, livekit_server: LiveKitServer, mode: Mode) -> Worker:
    """A worker of ten slots, for tests that leave it as they found it."""
    return ready(children, livekit_server, mode)


def process_of(worker: Worker, room: str) -> int:
    """The process of a room's newest call."""
    return int(worker.logged("call runs", room=room)[-1]["job_process"])


async def test_ten_calls_at_once_are_taken_and_an_eleventh_is_not(
    shared: Worker, children: Children, caller: Caller
) -> None:
    assert await shared.is_true("live")
    assert await shared.is_true("accepting")
    rooms = await asyncio.gather(*(caller.call(shared) for _ in range(10)))
    await shared.metric_becomes(ACTIVE, 10)
    await until(lambda: len(shared.logged("call runs")) == 10, "ten running calls")
    assert {line["room"] for line in shared.logged("call runs")} == set(rooms)
    assert await shared.is_true("ready")
    assert not await shared.is_true("accepting")

    refused = await caller.call(shared)
    server_log = children.folder / "livekit-server.log"
    # It names the room where it asked the worker, and the agent where it knew without asking.
    named = (refused, shared.agent_name)
    await until(
        lambda: any(
            any(name in line for name in named) and any(words in line for words in NOBODY)
            for line in server_log.read_text().splitlines()
        ),
        "refused",
    )
    assert await caller.agents(refused) == 0
    assert len(shared.logged("call runs")) == 10

    await asyncio.gather(*(caller.hang_up(room) for room in (*rooms, refused)))
    await shared.metric_becomes(COMPLETED, 10)
    await shared.becomes("accepting")
    assert (await shared.metrics())[ACTIVE] == 0
    assert len(shared.logged("turn")) == 10


async def test_a_call_that_livekit_ends_was_not_ended_by_its_worker(
    shared: Worker, caller: Caller
) -> None:
    room = await caller.call(shared)
    await until(lambda: bool(shared.logged("call runs", room=room)), "running")
    await caller.dismiss_agent(room)
    await until(lambda: bool(shared.logged("call ended", room=room)), "ended")
    assert [end["reason"] for end in shared.logged("call ended", room=room)] == ["caller_hung_up"]
    await shared.metric_becomes(ACTIVE, 0)
    await caller.hang_up(room)


async def test_a_call_whose_process_is_killed_is_counted_once_and_its_slot_is_free_again(
    shared: Worker, caller: Caller
) -> None:
    died = (await shared.metrics()).get(DIED, 0)
    room = await caller.call(shared)
    await until(lambda: bool(shared.logged("call runs", room=room)), "running")
    assert (await shared.metrics())[ACTIVE] == 1
    os.kill(process_of(shared, room), signal.SIGKILL)
    await shared.metric_becomes(DIED, died + 1)
    await shared.metric_becomes(ACTIVE, 0)
    ends = shared.logged("call ended", room=room)
    assert [(end["outcome"], end["reason"]) for end in ends] == [("dropped", "process_died")]


async def test_a_slot_is_free_again_though_the_killed_process_has_left_a_child_behind(
    children: Children, livekit_server: LiveKitServer, caller: Caller, mode: Mode
) -> None:
    worker = ready(children, livekit_server, mode, CALLFLEET_SLOTS="1")
    room = await caller.call(worker, LEAVES_A_CHILD)
    await until(lambda: bool(worker.logged("call runs", room=room)), "running")
    await worker.becomes("accepting", value=False)
    process = psutil.Process(process_of(worker, room))
    (left,) = process.children()
    process.kill()
    try:
        await worker.becomes("accepting")
        worker.signal(signal.SIGTERM)
        assert await worker.ends() == 0
        assert left.is_running()
    finally:
        left.kill()


async def test_a_caller_whose_agent_was_killed_gets_another_one_and_only_one(
    shared: Worker, caller: Caller
) -> None:
    died = (await shared.metrics()).get(DIED, 0)
    room = await caller.call(shared, metadata="what the agent is to know")
    await until(lambda: bool(shared.logged("call runs", room=room)), "running")
    async with caller.in_person(room):
        os.kill(process_of(shared, room), signal.SIGKILL)
        await until(lambda: len(shared.logged("call runs", room=room)) == 2, "taken by another")
        first, second = shared.logged("call runs", room=room)
        assert first["metadata"] == second["metadata"] == "what the agent is to know"
        assert (first["attributes"], second["attributes"]) == ({}, {"callfleet.rescue": "yes"})
        assert len(shared.logged("another agent is asked for")) == 1
        os.kill(process_of(shared, room), signal.SIGKILL)
        await shared.metric_becomes(DIED, died + 2)
        assert shared.logged("a second agent died in one room: no third is sent")
    await caller.hang_up(room)


async def test_a_caller_whose_agent_was_killed_while_no_slot_was_free_gets_the_next_that_is(
    children: Children, livekit_server: LiveKitServer, mode: Mode, caller: Caller
) -> None:
    going = ready(children, livekit_server, mode, CALLFLEET_SLOTS="1")
    room = await caller.call(going)
    await until(lambda: bool(going.logged("call runs", room=room)), "running")
    going.signal(signal.SIGTERM)
    await going.becomes("accepting", value=False)
    named = {"CALLFLEET_SLOTS": "1", "CALLFLEET_AGENT_NAME": going.agent_name}
    staying = ready(children, livekit_server, mode, **named)
    other = await caller.call(going)
    await until(lambda: bool(staying.logged("call runs", room=other)), "running")
    async with caller.in_person(room):
        os.kill(process_of(going, room), signal.SIGKILL)
        await until(lambda: bool(going.logged("no other agent has a free slot yet")), "told")
        await caller.hang_up(other)
        await until(lambda: bool(staying.logged("call runs", room=room)), "taken")
        assert await going.ends() == 0
    await caller.hang_up(room)


async def test_a_worker_that_is_told_to_go_lets_its_call_finish_and_leaves_nothing(
    children: Children, livekit_server: LiveKitServer, caller: Caller, mode: Mode
) -> None:
    worker = ready(children, livekit_server, mode, CALLFLEET_SLOTS="3")
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
    children: Children, livekit_server: LiveKitServer, caller: Caller, mode: Mode
) -> None:
    worker = ready(
        children,
        livekit_server,
        mode,
        CALLFLEET_DRAIN__SECONDS="1",
        CALLFLEET_DRAIN__CLOSE_SECONDS="1",
    )
    await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    worker.signal(signal.SIGTERM)
    assert await worker.ends() == 0
    assert [end["reason"] for end in worker.logged("call ended")] == ["worker_stopped"]
    await until(lambda: not worker.left_behind(), "gone with all its processes")


async def test_calls_that_had_their_time_are_ended_by_the_worker_that_is_told_to_go(
    children: Children, livekit_server: LiveKitServer, caller: Caller, mode: Mode, tmp_path: Path
) -> None:
    pod = Pod(tmp_path)
    worker = pod.start(children, livekit_server, **mode, CALLFLEET_DRAIN__SECONDS="3600")
    worker.child.wait_until(lambda: bool(worker.logged("ready")), START_SECONDS, "ready")
    await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    for order in (
        Order(pod.client.pod_uid, 1, cordon=True),
        Order(pod.client.pod_uid, 1, cordon=True, ends_calls=True),
    ):
        assert (await pod.client.send(encode(order)))[0] == 200
    assert worker.logged("call ended") == []
    worker.signal(signal.SIGTERM)
    assert await worker.ends() == 0
    assert [end["reason"] for end in worker.logged("call ended")] == ["worker_stopped"]


async def test_a_person_who_presses_ctrl_c_twice_is_believed(
    children: Children, livekit_server: LiveKitServer, caller: Caller, mode: Mode
) -> None:
    worker = ready(children, livekit_server, mode, CALLFLEET_SLOTS="1")
    await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    worker.signal(signal.SIGINT)
    await until(lambda: bool(worker.logged("draining")), "draining")
    worker.signal(signal.SIGINT)
    assert await worker.ends() == 0
    assert [end["reason"] for end in worker.logged("call ended")] == ["worker_stopped"]


async def test_ctrl_c_is_heeded_while_processes_for_calls_are_being_started(
    children: Children, livekit_server: LiveKitServer, mode: Mode
) -> None:
    worker = start_worker(children, livekit_server, **mode, CALLFLEET_IDLE_PROCESSES="2")
    await until(lambda: bool(worker.logged("worker starts")), "starting")
    # The process that the others are forked from is one of these, and is started first.
    await until(lambda: len(worker.left_behind()) > 1, "starting processes")
    worker.signal(signal.SIGINT)
    assert await worker.ends() == 0
    await until(lambda: not worker.left_behind(), "gone with all its processes")
    assert folders(worker) == []


async def test_a_whole_process_group_may_be_told_to_go_and_calls_still_finish(
    children: Children, livekit_server: LiveKitServer, caller: Caller, mode: Mode
) -> None:
    worker = ready(children, livekit_server, mode, CALLFLEET_SLOTS="2")
    room = await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs")), "running")
    os.killpg(worker.child.pid, signal.SIGTERM)
    await until(lambda: bool(worker.logged("draining")), "draining")
    assert await caller.agents(room) == 1
    await caller.hang_up(room)
    assert await worker.ends() == 0
    assert [end["reason"] for end in worker.logged("call ended")] == ["caller_hung_up"]
