"""What a worker says to its dispatcher, and what it reports, when both are asked at once.

The dispatcher is a stand-in, because LiveKit itself assigns a call when it likes.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
from dispatcher import Dispatcher, dispatching
from livekit.protocol.agent import WorkerStatus
from livekit_stand import planned_server
from pod_stand import Pod
from worker_stand import Worker, until

from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children

MANY = 200
BEFORE = 20
ROUNDS = 3


@pytest.fixture
def server() -> LiveKitServer:
    return planned_server()


@pytest.fixture
async def dispatcher(server: LiveKitServer) -> AsyncIterator[Dispatcher]:
    async with dispatching(server) as standing:
        yield standing


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


async def started(pod: Pod, children: Children, server: LiveKitServer, slots: int) -> Worker:
    worker = await asyncio.to_thread(pod.start, children, server, CALLFLEET_SLOTS=str(slots))
    await worker.becomes("accepting")
    return worker


async def test_a_cordon_is_told_at_once_and_first_thing_after_each_reconnect(
    children: Children, server: LiveKitServer, dispatcher: Dispatcher, pod: Pod
) -> None:
    worker = await started(pod, children, server, 2)
    await pod.client.order(1, cordon=True)
    await dispatcher.is_told(full=True)
    assert dispatcher.statuses()[-1].load == 1.0
    await dispatcher.offer("AJ_late")
    await until(lambda: dispatcher.answers() == {"AJ_late": False}, "passed on")
    assert not dispatcher.heard[-1].availability.terminate

    await dispatcher.hang_up()
    await until(lambda: sum(one.HasField("register") for one in dispatcher.heard) == 2, "back")
    await dispatcher.is_told(full=True)
    assert {(one.status, one.load) for one in dispatcher.statuses()} == {
        (WorkerStatus.WS_FULL, 1.0)
    }
    await pod.client.order(2, cordon=False)
    await dispatcher.is_told(full=False)
    children.stop(worker.child)


async def test_a_call_that_is_assigned_after_the_cordon_was_in_the_answer_and_runs(
    children: Children, server: LiveKitServer, dispatcher: Dispatcher, pod: Pod
) -> None:
    worker = await started(pod, children, server, 2)
    async with pod.client.watching() as watching:
        await dispatcher.offer("AJ_first")
        await watching.tells(lambda report: report.reserved == 1)
        _, answer = await pod.client.order(1, cordon=True)
        assert (answer.cordoned, answer.reserved, answer.active) == (True, 1, 0)
        await dispatcher.assign("AJ_first")
        up = await watching.tells(lambda report: report.active == 1)
        assert (up.cordoned, up.reserved) == (True, 0)
        # There is no room: the call ends by itself.
        rest = await watching.tells(lambda report: report.ended_total == 1 and not report.calls)
        assert (rest.accepted_total, rest.given_back_total) == (1, 0)
    children.stop(worker.child)


async def test_a_call_that_is_never_assigned_is_given_back_and_leaves_the_worker_idle(
    children: Children, server: LiveKitServer, dispatcher: Dispatcher, pod: Pod
) -> None:
    worker = await started(pod, children, server, 2)
    async with pod.client.watching() as watching:
        await dispatcher.offer("AJ_first")
        await watching.tells(lambda report: report.reserved == 1)
        await pod.client.order(1, cordon=True)
        rest = await watching.tells(lambda report: report.idle)
        assert (rest.accepted_total, rest.given_back_total, rest.ended_total) == (1, 1, 0)
    children.stop(worker.child)


async def test_of_many_offers_around_a_cordon_each_that_got_a_yes_is_in_the_answer(
    children: Children, server: LiveKitServer, dispatcher: Dispatcher, pod: Pod
) -> None:
    worker = await started(pod, children, server, MANY)
    async with pod.client.watching() as watching:
        for number in range(ROUNDS):
            order = pod.client.order(2 * number + 1, cordon=True)
            refused = await offered_around(dispatcher, order, f"AJ_{number}")
            answer = await watching.tells(lambda report: report.cordoned)
            answers = dispatcher.answers()
            assert not any(answers[call] for call in refused)
            assert answer.accepted_total == sum(answers.values())
            assert answer.calls == answer.accepted_total - answer.given_back_total
            settled = await watching.tells(lambda report: report.idle)
            assert settled.accepted_total == settled.given_back_total == answer.accepted_total
            await pod.client.order(2 * number + 2, cordon=False)
            await watching.tells(lambda report: not report.cordoned)
    assert any(dispatcher.answers().values())
    children.stop(worker.child)


async def offered_around(
    dispatcher: Dispatcher, order: Coroutine[Any, Any, object], name: str
) -> list[str]:
    """Offer calls before, while and after an order is given; name those after its answer."""
    before = [f"{name}_{one}" for one in range(BEFORE)]
    for call in before:
        await dispatcher.offer(call)
        await asyncio.sleep(0.001)
    given = asyncio.create_task(order)
    while not given.done():
        before.append(f"{name}_{len(before)}")
        await dispatcher.offer(before[-1])
        await asyncio.sleep(0.001)
    await given
    after = [f"{name}_after_{one}" for one in range(BEFORE)]
    for call in after:
        await dispatcher.offer(call)
    await until(lambda: {*before, *after} <= dispatcher.answers().keys(), "answered")
    return after
