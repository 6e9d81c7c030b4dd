"""A real worker's admission port, with a real LiveKit server that sends it calls."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from admission_client import Client, Watching, new_key
from livekit_stand import LOG_NAME, planned_server, start_server
from pod_stand import Pod, new_uid
from worker_stand import PATIENCE_SECONDS, Caller, Worker, until

from callfleet_contract.admission import CORDON_PATH, MOST_BYTES, Order, Report, encode
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children

ACCEPTING = "callfleet_accepting"
NOBODY = ("no worker", "no servers available", "not dispatching")
ROUNDS = 8
TRIES = 30


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


@pytest.fixture
async def caller(livekit_server: LiveKitServer) -> AsyncIterator[Caller]:
    async with Caller(livekit_server) as calling:
        yield calling


async def runs(worker: Worker, room: str) -> None:
    await until(lambda: bool(worker.logged("call runs", room=room)), "running")


async def redials(caller: Caller, worker: Worker) -> None:
    """Call until it is taken: LiveKit hears of a free slot a moment after the operator does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_answered(worker, await caller.call(worker)):
            pass


async def is_answered(worker: Worker, room: str) -> bool:
    for _ in range(TRIES):
        if worker.logged("call runs", room=room):
            return True
        await asyncio.sleep(0.1)
    return False


async def is_registered(watching: Watching) -> None:
    await watching.tells(lambda report: report.registered)


async def refused_by_all(log: Path, *names: str) -> None:
    """Wait until LiveKit has found nobody for a room, which it names, or its agent."""
    await until(
        lambda: any(
            any(name in line for name in names) and any(words in line for words in NOBODY)
            for line in log.read_text().splitlines()
        ),
        "refused",
    )


async def test_a_watch_shows_slots_as_calls_come_and_go(
    children: Children, livekit_server: LiveKitServer, caller: Caller, pod: Pod
) -> None:
    worker = pod.start(children, livekit_server)
    async with pod.client.watching() as watching:
        await is_registered(watching)
        rooms = [await caller.call(worker) for _ in range(2)]
        up = await watching.tells(lambda report: report.active == 2)
        assert (up.slots, up.reserved, up.free, up.accepted_total) == (3, 0, 1, 2)
        for room in rooms:
            await runs(worker, room)
            await until(partial(caller.is_joined, room), "in its room")
        await caller.hang_up(rooms[0])
        await watching.tells(lambda report: report.active == 1 and report.ended_total == 1)
        await caller.hang_up(rooms[1])
        rest = await watching.tells(lambda report: report.ended_total == 2 and not report.calls)
        assert (rest.accepted_total, rest.cut_total, rest.given_back_total) == (2, 0, 0)
        assert rest.call_seconds_total > 0
        assert any(report.reserved for report in watching.reports)
        worker.signal(signal.SIGTERM)
        await watching.tells(lambda report: report.draining)
        await watching.ends()
    assert await worker.ends() == 0


async def test_calls_that_a_worker_cuts_are_counted_before_it_says_that_none_is_left(
    children: Children, livekit_server: LiveKitServer, caller: Caller, pod: Pod
) -> None:
    worker = pod.start(
        children,
        livekit_server,
        CALLFLEET_DRAIN__SECONDS="1",
        CALLFLEET_DRAIN__CLOSE_SECONDS="1",
    )
    async with pod.client.watching() as watching:
        await is_registered(watching)
        first = [await caller.call(worker) for _ in range(2)]
        for room in first:
            await runs(worker, room)
        os.kill(int(worker.logged("call runs")[0]["job_process"]), signal.SIGKILL)
        await watching.tells(lambda report: report.cut_total == 2 and not report.calls)
        await runs(worker, await caller.call(worker))
        await watching.tells(lambda report: report.active == 1)
        worker.signal(signal.SIGTERM)
        await watching.ends()
        assert (watching.last.cut_total, watching.last.calls) == (3, 0)
        for report in watching.reports:
            assert report.calls + report.ended_total >= report.accepted_total
    assert await worker.ends() == 0


async def test_a_cordoned_worker_keeps_its_call_and_stays_ready_while_others_take_the_next(
    children: Children, livekit_server: LiveKitServer, caller: Caller, pod: Pod, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = replace(pod, folder=tmp_path / "other", client=Client("", new_uid()))
    worker = pod.start(children, livekit_server)
    await worker.becomes("accepting")
    up = await caller.call(worker)
    await runs(worker, up)
    status, report = await pod.client.order(1, cordon=True, reason="test")
    assert (status, report.cordoned, report.active, report.reserved) == (200, True, 1, 0)
    assert await worker.is_true("ready")
    assert not await worker.is_true("accepting")
    assert await worker.why_not("accepting") == "cordoned"
    assert (await worker.metrics())[ACCEPTING] == 0

    helper = other.start(children, livekit_server)
    await helper.becomes("accepting")
    for room in [await caller.call(worker) for _ in range(3)]:
        await runs(helper, room)
    assert [line["room"] for line in worker.logged("call runs")] == [up]
    assert await caller.agents(up) == 1
    assert worker.logged("call ended") == []

    assert (await pod.client.order(2, cordon=False))[1].accepting
    assert (await other.client.order(1, cordon=True))[1].active == 3
    await redials(caller, worker)
    assert (await worker.metrics())[ACCEPTING] == 1
    children.stop(worker.child)
    children.stop(helper.child)


async def test_a_cordon_outlives_the_connection_to_livekit(
    children: Children, livekit_program: Path, pod: Pod
) -> None:
    server = planned_server()
    first = start_server(children, livekit_program, server)
    worker = pod.start(children, server)
    async with pod.client.watching() as watching:
        await is_registered(watching)
        await pod.client.order(1, cordon=True)
        children.stop(first)
        await watching.tells(lambda report: not report.registered)
        second = start_server(children, livekit_program, server)
        back = await watching.tells(lambda report: report.registered)
        assert (back.cordoned, back.epoch) == (True, 1)
        async with Caller(server) as caller:
            unanswered = await caller.call(worker)
            log = children.folder / f"{LOG_NAME}.log"
            await refused_by_all(log, unanswered, worker.agent_name)
            await pod.client.order(2, cordon=False)
            await redials(caller, worker)
            assert not worker.logged("call runs", room=unanswered)
    children.stop(worker.child)
    children.stop(second)


async def test_a_restarted_container_of_a_cordoned_pod_takes_no_calls_until_it_may(
    children: Children, livekit_server: LiveKitServer, caller: Caller, pod: Pod
) -> None:
    worker = pod.start(children, livekit_server)
    await worker.becomes("accepting")
    _, before = await pod.client.order(7, cordon=True)
    worker.signal(signal.SIGKILL)
    await worker.ends()
    children.stop(worker.child)

    worker = pod.start(children, livekit_server)
    async with pod.client.watching() as watching:
        first = await watching.tells(lambda _: True)
        assert (first.epoch, first.cordoned, first.sequence) == (7, True, 1)
        assert first.boot_id != before.boot_id
        await is_registered(watching)
        assert await worker.why_not("accepting") == "cordoned"
        assert (await pod.client.order(7, cordon=True))[0] == 200
        assert (await pod.client.order(6, cordon=False))[0] == 409
        assert (await pod.client.order(8, cordon=False))[0] == 200
        await redials(caller, worker)
        assert not any(report.calls for report in watching.reports if report.cordoned)
    children.stop(worker.child)

    pod.client.pod_uid = new_uid()
    worker = pod.start(children, livekit_server)
    assert worker.logged("orders of another pod are not heeded")
    await worker.becomes("accepting")
    children.stop(worker.child)


async def test_who_has_no_key_or_no_manners_changes_nothing(
    children: Children, livekit_server: LiveKitServer, caller: Caller, pod: Pod
) -> None:
    worker = pod.start(children, livekit_server)
    await worker.becomes("accepting")
    room = await caller.call(worker)
    await runs(worker, room)
    assert (await pod.client.order(3, cordon=False))[0] == 200
    order = Order(pod.client.pod_uid, 9, cordon=True)
    stranger = replace(pod.client, key=new_key())
    assert (await stranger.refused(encode(order)))[0] == 401
    assert (await pod.client.refused(encode(order), ""))[0] == 401
    assert (await pod.client.refused(encode(replace(order, pod_uid="another"))))[0] == 409
    assert (await pod.client.refused(encode(replace(order, epoch=2))))[0] == 409
    assert (await pod.client.refused(b"x" * (MOST_BYTES + 1)))[0] == 413
    host, port = pod.client.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {CORDON_PATH} HTTP/1.1\r\nHost: worker\r\nContent-Length: 99\r\n\r\n"
    writer.write(head.encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    status, report = await pod.client.order(3, cordon=False)
    assert (status, report.epoch, report.cordoned, report.active) == (200, 3, False, 1)
    assert await caller.agents(room) == 1
    children.stop(worker.child)


async def test_calls_that_come_in_the_moment_of_a_cordon_are_there_or_were_never_taken(
    children: Children, livekit_server: LiveKitServer, caller: Caller, pod: Pod
) -> None:
    worker = pod.start(children, livekit_server)
    async with pod.client.watching() as watching:
        await is_registered(watching)
        rooms: list[str] = []
        for number in range(ROUNDS):
            placed = [asyncio.create_task(caller.call(worker)) for _ in range(2)]
            await asyncio.sleep(0.01 * number)
            _, answer = await pod.client.order(2 * number + 1, cordon=True)
            rooms += [await one for one in placed]
            settled = await watching.tells(partial(is_settled, epoch=answer.epoch))
            since = [one for one in watching.reports if one.sequence >= answer.sequence]
            assert max(one.calls for one in since) <= answer.calls
            # A room that is closed before its agent is there would be opened again by it.
            begun = settled.accepted_total - settled.given_back_total
            await until(partial(have_run, worker, begun), "running")
            await until(partial(all_hung_up, caller, rooms, watching), "at rest")
            if number < ROUNDS - 1:
                await pod.client.order(2 * number + 2, cordon=False)
                await watching.tells(lambda report: not report.cordoned)
        last = watching.last
        assert last.accepted_total > 0
        assert last.accepted_total == last.ended_total + last.given_back_total
        assert last.cut_total == 0
        assert len(worker.logged("call ended")) == last.ended_total
    children.stop(worker.child)


def is_settled(report: Report, epoch: int) -> bool:
    """Whether an order stands, and no call is on its way any more."""
    return report.epoch == epoch and not report.reserved


async def all_hung_up(caller: Caller, rooms: list[str], watching: Watching) -> bool:
    """Hang up on whoever is there: an agent that was asked for before opens its room again."""
    for room in set(rooms) & set(await caller.rooms()):
        if await caller.is_joined(room):
            await caller.hang_up(room)
    return not watching.last.calls


def have_run(worker: Worker, calls: int) -> bool:
    return len(worker.logged("call runs")) == calls
