"""Whatever happens to the caller's track, the model hears the caller, and only the caller."""

import asyncio
import time

import pytest
from call_stage import Stage, on_stage
from phone import PATIENCE_SECONDS, Phone, speech

from callfleet_rehearsal.stack.livekit import LiveKitServer


async def greeted(stage: Stage, rate: int = 16_000, channels: int = 1) -> Phone:
    """Join with a microphone of this form and hear the greeting out."""
    phone = await stage.phone(publish=False)
    await phone.publish(rate, channels)
    await phone.hears()
    await phone.silence()
    return phone


async def keeps_pace(stage: Stage, phone: Phone) -> None:
    """See that a hundred frames of 20 ms are given in two seconds, at whatever load."""
    ears = stage.call.bridge.ears
    given, began_ns = ears.frames_given, time.monotonic_ns()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while ears.frames_given < given + 100:
            await phone.listens(0.02)
    frames = ears.frames_given - given
    assert frames * 20e6 == pytest.approx(time.monotonic_ns() - began_ns, rel=0.15)


async def test_microphones_of_any_form_are_heard(livekit_server: LiveKitServer) -> None:
    async def calls_heard(rate: int, channels: int) -> set[int]:
        async with on_stage(livekit_server) as stage:
            phone = await greeted(stage, rate, channels)
            await phone.asks(1)
            return stage.calls_heard()

    forms = [(8_000, 1), (24_000, 2), (44_100, 1), (48_000, 2)]
    heard = await asyncio.gather(*(calls_heard(*form) for form in forms))
    assert dict(zip(forms, heard, strict=True)) == {form: {1} for form in forms}


async def test_a_microphone_that_changes_its_form_in_mid_call_is_followed(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await greeted(stage, 48_000)
        await phone.asks(1)
        for turn, (rate, channels) in enumerate([(8_000, 1), (44_100, 2)], start=2):
            await phone.unpublish()
            await phone.publish(rate, channels)
            await phone.listens(0.5)
            await phone.asks(turn)
        assert stage.calls_heard() == {1}


async def test_a_muted_microphone_is_silence_and_an_unmuted_one_is_heard(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await greeted(stage)
        assert phone.track is not None
        phone.track.mute()
        await keeps_pace(stage, phone)
        phone.track.unmute()
        await phone.asks(1)
        assert stage.calls_heard() == {1}


async def test_the_models_clock_goes_on_while_there_is_no_microphone(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await greeted(stage)
        await phone.unpublish()
        await phone.listens(0.2)
        await keeps_pace(stage, phone)
        await phone.publish()
        await phone.asks(1)
        assert stage.calls_heard() == {1}


async def test_a_caller_who_speaks_over_the_agent_silences_it(
    livekit_server: LiveKitServer,
) -> None:
    async with on_stage(livekit_server) as stage:
        phone = await greeted(stage)
        await phone.say(speech(1, 1))
        await phone.hears()
        await phone.listens(0.8)
        await phone.asks(2)
        assert stage.calls_heard() == {1}
        assert stage.emulator.log.all("interrupted")
