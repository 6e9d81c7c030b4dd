"""A call that is cut from outside, by its own process or by LiveKit, leaves nobody in silence."""

import asyncio

import pytest
from call_stage import on_stage

from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_worker.bridge.leaving import LIVEKIT_SHUTDOWN
from callfleet_worker.bridge.showing import StateShow


async def test_a_call_that_is_cancelled_from_outside_is_apologised_for(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        (living,) = (task for task in asyncio.all_tasks() if task.get_name() == "call")
        living.cancel()
        await phone.hears()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.INTERNAL_ERROR)
        assert stage.room not in await stage.rooms()


async def test_a_call_that_is_cancelled_with_all_of_its_parts_waits_for_nothing(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        for task in asyncio.all_tasks():
            if task.get_name() == "call" or task in stage.call._tasks:
                task.cancel()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.INTERNAL_ERROR)
        assert end.duration_seconds < 10


async def test_a_caller_whose_time_is_up_hears_goodbye_and_is_hung_up_on(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        stage.job.up.set()
        await phone.hears()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.DROPPED, CallReason.WORKER_STOPPED)
        assert stage.room not in await stage.rooms()


async def test_a_caller_whose_agent_is_dismissed_is_hung_up_on_unless_somebody_took_over(
    livekit_server: LiveKitServer,
) -> None:
    for taken_over in (False, True):
        async with on_stage(livekit_server) as stage:
            phone = await stage.phone()
            await phone.hears()
            if taken_over:
                await stage.phone("somebody")
            await stage.call.stop(LIVEKIT_SHUTDOWN)
            end = await stage.ended()
            assert (end.outcome, end.reason) == (CallOutcome.COMPLETED, CallReason.ROOM_GONE)
            assert (stage.room in await stage.rooms()) is taken_over


async def test_a_state_that_is_never_told_to_the_end_does_not_outlive_its_call(
    livekit_server: LiveKitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = asyncio.Event()
    monkeypatch.setattr(StateShow, "_tell", lambda *_: never.wait())
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await stage.sees_the_caller()
        # So the room stays, in which a state can be told for as long as the agent is there.
        await stage.notices(await stage.phone("another"))
        await phone.hears()
        assert "agent state" in {task.get_name() for task in stage.call._tasks}
        await phone.leave()
        await stage.ended()
        assert stage.call._tasks == set()
