"""However a call ends, its end is counted once, with the right reason, and nothing is left."""

import asyncio

import pytest
from call_stage import Job, on_stage
from phone import speech

from callfleet_contract.events import CallAnswered, CallStarted, TurnMeasured
from callfleet_contract.outcomes import CallOutcome, CallReason, TurnEnd
from callfleet_rehearsal.emulator.configuration import EmulatorConfig
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_worker import call
from callfleet_worker.bridge.leaving import PARENT_SHUTDOWN
from callfleet_worker.farewell import GOODBYE, read_sound


async def test_a_caller_talks_and_hangs_up(livekit_server: LiveKitServer) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        for turn in (1, 2):
            await phone.asks(turn)
        assert stage.calls_heard() == {1}
        await phone.leave()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP)
        assert len(stage.of(CallStarted)) == len(stage.of(CallAnswered)) == 1
        turns = stage.of(TurnMeasured)
        assert [turn.turn for turn in turns] == [1, 2]
        assert {turn.end for turn in turns} == {TurnEnd.COMPLETED}
        assert stage.room not in await stage.rooms()


async def test_a_caller_who_leaves_before_the_greeting_has_abandoned(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server, persona={"greeting": ""}) as stage:
        phone = await stage.phone()
        # Of whom it has not seen, the agent hears nothing until LiveKit closes the empty room.
        await stage.sees_the_caller()
        await phone.leave()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (
            CallOutcome.ABANDONED,
            CallReason.LEFT_BEFORE_GREETING,
        )


async def test_a_caller_who_leaves_in_the_greeting_ends_the_call(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.leave()
        end = await stage.ended()
        assert end.reason is CallReason.CALLER_HUNG_UP
        assert stage.room not in await stage.rooms()


async def test_a_model_in_mid_reply_is_hung_up_on_with_its_caller(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server, model={"names": ["gemini-3.8-live"]}) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.listens(0.3)
        await phone.leave()
        await stage.ended()
        assert stage.emulator.log.all("turn_complete") == []


async def test_a_room_into_which_nobody_comes_is_given_up(livekit_server: LiveKitServer) -> None:
    async with on_stage(livekit_server, caller={"wait_seconds": 1}) as stage:
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.ABANDONED, CallReason.NEVER_JOINED)
        assert stage.room not in await stage.rooms()


async def test_a_room_that_is_deleted_under_the_call_ends_it(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await stage.job.delete_room()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.COMPLETED, CallReason.ROOM_GONE)


async def test_a_caller_who_is_removed_ends_the_call(livekit_server: LiveKitServer) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await stage.removes(phone.identity)
        end = await stage.ended()
        assert end.outcome is CallOutcome.COMPLETED


async def test_an_agent_that_closes_its_session_hangs_up(livekit_server: LiveKitServer) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        stage.call.session.shutdown()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.COMPLETED, CallReason.AGENT_ENDED)
        await phone.is_hung_up_on()


async def test_a_worker_that_is_stopped_hangs_up_and_says_so(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await stage.call.session.aclose()
        await stage.call.stop(PARENT_SHUTDOWN)
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.DROPPED, CallReason.WORKER_STOPPED)
        await phone.is_hung_up_on()


async def test_a_model_whose_key_is_wrong_is_apologised_for(livekit_server: LiveKitServer) -> None:
    async with on_stage(livekit_server, EmulatorConfig(keys=("another",))) as stage:
        phone = await stage.phone()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.MODEL_REFUSED_KEY)
        assert phone.spoken_to
        assert stage.room not in await stage.rooms()


async def test_a_caller_who_leaves_in_the_apology_is_not_kept(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server, EmulatorConfig(keys=("another",))) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.leave()
        end = await stage.ended()
        assert end.outcome is CallOutcome.FAILED
        assert end.duration_seconds < 5


async def _breaks() -> None:
    message = "the caller said 4111 1111"
    raise ValueError(message)


async def test_a_call_that_breaks_in_mid_reply_is_apologised_for(
    livekit_server: LiveKitServer, capsys: pytest.CaptureFixture[str]
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        played: list[float] = []
        stage.call.bridge.mouth.on(
            "playback_finished", lambda event: played.append(event.playback_position)
        )
        stage.call._spawn(_breaks(), "a tool")
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.INTERNAL_ERROR)
        apology = sum(frame.duration for frame in await read_sound(GOODBYE))
        assert played[-1] == pytest.approx(apology, abs=0.05)
        assert stage.room not in await stage.rooms()
    told = capsys.readouterr().out
    assert "ValueError" in told
    assert "4111" not in told


async def _is_cut_off() -> None:
    raise asyncio.CancelledError


async def test_a_part_that_ends_as_if_cancelled_does_not_leave_the_caller_without_it(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        stage.call._spawn(_is_cut_off(), "ears")
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.INTERNAL_ERROR)


async def test_a_caller_whose_agent_cannot_be_built_is_apologised_to(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server, agent_class="call_stage:Nobody") as stage:
        phone = await stage.phone()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.INTERNAL_ERROR)
        assert phone.spoken_to
        assert stage.room not in await stage.rooms()


async def test_a_caller_whom_the_agent_cannot_reach_is_hung_up_on(
    livekit_server: LiveKitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.Event()

    async def breaks(*_: object, **__: object) -> None:
        await waiting.wait()
        await _breaks()

    monkeypatch.setattr(Job, "connect", breaks)
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        waiting.set()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.INTERNAL_ERROR)
        await phone.is_hung_up_on()


@pytest.mark.parametrize("part", ["bridge.close", "session.aclose", "_ctx.delete_room"])
async def test_a_closing_that_breaks_ends_the_call_all_the_same(
    livekit_server: LiveKitServer, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        owner, name = part.split(".")
        with monkeypatch.context() as broken:
            broken.setattr(getattr(stage.call, owner), name, lambda *_: _breaks())
            await phone.leave()
            end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP)


async def test_a_farewell_that_breaks_ends_in_a_closed_room(
    livekit_server: LiveKitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_there = asyncio.Event()

    async def breaks() -> None:
        # A caller who is still about to speak when the room closes would wait for ever.
        await is_there.wait()
        await _breaks()

    monkeypatch.setattr(call, "farewell", lambda *_: breaks())
    async with on_stage(livekit_server, EmulatorConfig(keys=("another",))) as stage:
        await stage.phone()
        is_there.set()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.MODEL_REFUSED_KEY)
        assert stage.room not in await stage.rooms()


async def test_an_end_that_cannot_be_told_is_an_internal_error(
    livekit_server: LiveKitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "ending_of", lambda *_, **__: 1 / 0)
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await stage.sees_the_caller()
        await phone.leave()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.INTERNAL_ERROR)


async def test_an_agent_that_is_removed_leaves_no_caller_in_silence(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await stage.removes(stage.job.room.local_participant.identity)
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.DROPPED, CallReason.ROOM_GONE)
        await phone.is_hung_up_on()


async def test_a_second_participant_is_not_heard_and_does_not_end_the_call(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        other = await stage.phone("other")
        await asyncio.gather(phone.asks(1, call=1), other.say(speech(2, 1)))
        await other.leave()
        await phone.asks(2, call=1)
        assert stage.calls_heard() == {1}


async def test_a_second_caller_keeps_the_room_when_the_first_hangs_up(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        other = await stage.phone("other")
        await stage.notices(other)
        await phone.leave()
        end = await stage.ended()
        assert end.reason is CallReason.CALLER_HUNG_UP
        assert stage.room in await stage.rooms()
        assert not other.disconnected.is_set()
