"""On a real call: what the caller hears when the model's keys and connections fail."""

from uuid import uuid4

from call_stage import Stage, on_stage
from model_bench import arm
from phone import Phone, token_of

from callfleet_contract.events import CallAnswered
from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_rehearsal.emulator import EmulatorConfig
from callfleet_rehearsal.stack.livekit import LiveKitServer

GOOD_ONLY = EmulatorConfig(keys=("good",))
AGAIN = 63
TRANSFER = {"then": "transfer", "transfer_to": "tel:+15550100"}


async def dial_in(stage: Stage) -> Phone:
    """Join as livekit-sip would bring a caller in."""
    phone = Phone(stage.server, stage.room, f"sip_{uuid4().hex[:6]}")
    stage.phones.append(phone)
    phone.room.on("track_subscribed", phone._on_track)
    phone.room.on("disconnected", lambda _: phone.disconnected.set())
    token = token_of(stage.server, phone.identity, stage.room).with_kind("sip")
    await phone.room.connect(stage.server.url, token.to_jwt())
    await phone.publish()
    return phone


async def test_a_revoked_key_is_not_noticed_by_the_caller(livekit_server: LiveKitServer) -> None:
    keys = {"keys": ["revoked", "good"]}
    async with on_stage(livekit_server, GOOD_ONLY, model=keys) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        await phone.asks(1)
        assert len(stage.of(CallAnswered)) == 1


async def test_a_connection_lost_between_question_and_answer_leaves_no_silence(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await stage.phone()
        await phone.hears()
        await phone.silence()
        await arm(stage.emulator, "reset", session="any", turn=1, at="think")
        await phone.asks(1)
        await stage.emulator.log.wait_for("reply_first_audio", turn=AGAIN)


async def test_a_phone_caller_without_a_model_is_put_through(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server, EmulatorConfig(keys=("x",)), farewell=TRANSFER) as stage:
        phone = await dial_in(stage)
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.TRANSFERRED)
        assert stage.job.transferred == [(phone.identity, "tel:+15550100")]
        assert stage.room not in await stage.rooms()


async def test_a_browser_caller_without_a_model_hears_goodbye_and_is_hung_up(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server, EmulatorConfig(keys=("x",)), farewell=TRANSFER) as stage:
        phone = await stage.phone()
        end = await stage.ended()
        assert (end.outcome, end.reason) == (CallOutcome.FAILED, CallReason.MODEL_REFUSED_KEY)
        assert stage.job.transferred == []
        await phone.is_hung_up_on()
