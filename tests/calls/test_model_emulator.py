"""A call's model against the emulator: what a caller hears when keys, models, connections fail."""

import pytest
from livekit.agents import CloseReason
from model_bench import CALL, arm, settings_for, talk

from callfleet_contract.outcomes import CallReason, ModelSessionChange
from callfleet_rehearsal.emulator import Emulator, EmulatorConfig

GOOD_ONLY = EmulatorConfig(keys=("good",))


async def test_a_call_is_greeted_and_answered() -> None:
    async with Emulator(GOOD_ONLY) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        assert (await call.exchange(1)).call == CALL
        assert call.changes == [ModelSessionChange.OPENED]


async def test_the_setup_is_what_the_settings_say() -> None:
    async with Emulator(GOOD_ONLY) as emulator:
        chosen = settings_for(
            emulator,
            CALLFLEET_MODEL__SILENCE_MS="650",
            CALLFLEET_PERSONA__VOICE="Kore",
        )
        async with talk(chosen) as call:
            await call.greeted()
        setup = emulator.log.all("setup")[0]
        assert setup["voice"] == "Kore"
        assert setup["automatic"]
        assert setup["interrupts"]
        assert (setup["prefix_seconds"], setup["silence_seconds"]) == (0.1, 0.65)
        assert (setup["trigger_tokens"], setup["target_tokens"]) == (7000, 3500)


async def test_a_refused_key_gives_way_to_the_next_and_the_greeting_is_heard() -> None:
    async with Emulator(GOOD_ONLY) as emulator:
        async with talk(settings_for(emulator, CALLFLEET_MODEL__KEYS="revoked,good")) as call:
            await call.greeted()
            await call.exchange(1)
            assert call.changes == [ModelSessionChange.SWAPPED]


async def test_wrong_keys_alone_end_the_call_for_that_reason() -> None:
    async with Emulator(GOOD_ONLY) as emulator:
        async with talk(settings_for(emulator, CALLFLEET_MODEL__KEYS="revoked,old")) as call:
            assert (await call.end()).reason is CloseReason.ERROR
            assert call.model.reason is CallReason.MODEL_REFUSED_KEY
            assert call.changes == [ModelSessionChange.CLOSED]
        assert len(emulator.log.all("refused")) == 2


@pytest.mark.parametrize("status", [429, 403, 503])
async def test_a_refused_connect_gives_way_to_the_next_key(status: int) -> None:
    async with Emulator(EmulatorConfig()) as emulator:
        await arm(emulator, "http_status", status=status)
        async with talk(settings_for(emulator, CALLFLEET_MODEL__KEYS="one,two")) as call:
            await call.greeted()
            assert call.changes == [ModelSessionChange.SWAPPED]


async def test_a_set_up_that_stalls_gives_way_to_the_next_key() -> None:
    async with Emulator(EmulatorConfig()) as emulator:
        await arm(emulator, "setup_stall")
        chosen = settings_for(
            emulator, CALLFLEET_MODEL__KEYS="one,two", CALLFLEET_MODEL__SETUP_SECONDS="0.5"
        )
        async with talk(chosen) as call:
            await call.greeted()
            assert call.changes == [ModelSessionChange.SWAPPED]


async def test_when_nothing_is_left_the_call_ends_as_unavailable() -> None:
    async with Emulator(EmulatorConfig()) as emulator:
        await arm(emulator, "http_status", status=429, session="any", times=9)
        async with talk(settings_for(emulator, CALLFLEET_MODEL__KEYS="one,two")) as call:
            assert (await call.end()).reason is CloseReason.ERROR
            assert call.model.reason is CallReason.MODEL_UNAVAILABLE


async def test_go_away_in_mid_reply_costs_nothing_of_the_reply() -> None:
    async with Emulator(EmulatorConfig()) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        await arm(emulator, "go_away", session="any", turn=1, at="mid_audio")
        await call.exchange(1)
        await emulator.log.wait_for("session_open", count=2)
        await call.exchange(2)
        assert call.changes == [
            ModelSessionChange.OPENED,
            ModelSessionChange.GO_AWAY,
            ModelSessionChange.RESUMED,
        ]
        assert emulator.log.all("interrupted") == []


async def test_a_connection_that_drops_in_mid_reply_is_resumed_and_the_reply_given_again() -> None:
    async with Emulator(EmulatorConfig()) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        await arm(emulator, "close", session="any", turn=1, at="mid_audio")
        await call.exchange(1)
        await emulator.log.wait_for("setup_complete", count=2)
        await emulator.log.wait_for("turn_complete", count=2)
        await call.exchange(2)
        assert call.changes[0] is ModelSessionChange.OPENED


async def test_tokens_add_up_to_what_the_emulator_billed() -> None:
    async with Emulator(EmulatorConfig()) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        for turn in (1, 2, 3):
            await call.exchange(turn)
        await emulator.log.wait_for("usage", count=4)
        billed = sum(event["total"] for event in emulator.log.all("usage"))
        await call.until(lambda: call.tokens >= billed)
        assert call.tokens == billed
