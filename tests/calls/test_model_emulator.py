"""A call's model against the emulator: what a caller hears when keys, models, connections fail."""

import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.oauth2.credentials import Credentials
from livekit.agents import CloseReason
from model_bench import CALL, GREETING_TURN, arm, settings_for, talk

from callfleet_contract.outcomes import CallReason, ModelSessionChange, UsageProblem
from callfleet_rehearsal.emulator import Emulator, EmulatorConfig

AGAIN = 63
"""The emulator's turn number for a reply that was asked for in writing."""
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
        chosen = settings_for(emulator, CALLFLEET_MODEL__KEYS="revoked,good")
        async with talk(chosen) as call:
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


async def test_a_connection_that_drops_in_mid_reply_is_resumed_and_a_reply_given_again() -> None:
    async with Emulator(EmulatorConfig()) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        await arm(emulator, "close", session="any", turn=1, at="mid_audio")
        call.say(1)
        await call.mouth.heard(1)
        await call.mouth.heard(AGAIN)
        await call.silence()
        await call.exchange(2)
        assert call.changes == [ModelSessionChange.OPENED, ModelSessionChange.RESUMED]


async def test_a_connection_that_drops_between_question_and_answer_leaves_no_silence() -> None:
    async with Emulator(EmulatorConfig()) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        await arm(emulator, "reset", session="any", turn=1, at="think")
        call.owed = True
        call.say(1)
        await call.mouth.heard(AGAIN)
        call.owed = False
        await call.silence()
        await call.exchange(2)
        assert call.changes == [ModelSessionChange.OPENED, ModelSessionChange.RESUMED]


async def test_a_session_that_cannot_be_resumed_goes_on_as_a_new_one_with_the_same_key() -> None:
    lost = EmulatorConfig(handle_lifetime_seconds=0.0)
    async with Emulator(lost) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        await arm(emulator, "close", session="any", turn=1, at="mid_audio")
        call.say(1)
        await call.until(lambda: ModelSessionChange.SWAPPED in call.changes)
        await call.mouth.until(lambda marker: marker.turn == GREETING_TURN, count=2)
        await call.silence()
        await call.exchange(2)
        assert [each["reason"] for each in emulator.log.all("refused")] == [
            "BidiGenerateContent session expired"
        ]


async def test_connections_that_die_as_soon_as_they_are_set_up_end_the_call_in_the_end() -> None:
    async with Emulator(EmulatorConfig()) as emulator:
        await arm(emulator, "close", session="any", at="ready", times=99)
        async with talk(settings_for(emulator, CALLFLEET_MODEL__KEYS="one,two")) as call:
            assert (await call.end()).reason is CloseReason.ERROR
            assert call.model.reason is CallReason.MODEL_UNAVAILABLE
        assert len(emulator.log.all("setup_complete")) == 6


async def test_without_resumption_a_new_connection_starts_a_new_session() -> None:
    async with Emulator(EmulatorConfig()) as emulator:
        async with talk(settings_for(emulator, CALLFLEET_MODEL__RESUMPTION="false")) as call:
            await call.greeted()
            await arm(emulator, "close", session="any")
            await call.until(lambda: len(call.changes) == 2)
            assert call.changes == [ModelSessionChange.OPENED, ModelSessionChange.RECONNECT]
        assert not any(each["resumes"] for each in emulator.log.all("setup"))


async def test_tokens_add_up_to_what_the_emulator_billed() -> None:
    async with Emulator(EmulatorConfig()) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        for turn in (1, 2, 3):
            await call.exchange(turn)
        await emulator.log.wait_for("usage", count=4)
        billed = sum(event["total"] for event in emulator.log.all("usage"))
        await call.until(lambda: call.tokens >= billed)
        assert call.tokens == billed


async def test_a_bill_that_comes_twice_is_counted_once_and_one_that_never_comes_is_missed() -> None:
    async with Emulator(EmulatorConfig()) as emulator, talk(settings_for(emulator)) as call:
        await call.greeted()
        await arm(emulator, "double_usage", session="any", turn=1)
        await call.exchange(1)
        await call.until(lambda: call.doubts == [UsageProblem.DOUBLED])
        await arm(emulator, "missing_usage", session="any", turn=2)
        await call.exchange(2)
        await call.exchange(3)
        await emulator.log.wait_for("usage", count=4)
        bills = [event["total"] for event in emulator.log.all("usage")]
        told = sum(bills) - bills[2]
        await call.until(lambda: call.tokens >= told)
        assert call.tokens == told
        assert call.doubts == [UsageProblem.DOUBLED, UsageProblem.MISSING]


async def test_vertex_is_spoken_to_with_the_machines_credentials_and_its_bill_adds_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = (Credentials("token"), "project")
    monkeypatch.setattr("google.auth.default", lambda **_: found)
    async with Emulator(EmulatorConfig(keys=("token",))) as emulator:
        chosen = settings_for(
            emulator,
            CALLFLEET_MODEL__KEYS="",
            CALLFLEET_MODEL__VERTEX_PROJECT="project",
            CALLFLEET_MODEL__NAMES="gemini-live-2.5-flash-native-audio",
        )
        async with talk(chosen) as call:
            await call.greeted()
            await call.exchange(1)
            await emulator.log.wait_for("usage", count=2)
            billed = sum(event["total"] for event in emulator.log.all("usage"))
            await call.until(lambda: call.tokens >= billed)
            assert call.tokens == billed


async def test_vertex_without_credentials_ends_the_call_as_a_refused_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(**_: object) -> None:
        message = "Your default credentials were not found."
        raise DefaultCredentialsError(message)

    monkeypatch.setattr("google.auth.default", none)
    async with Emulator(EmulatorConfig()) as emulator:
        chosen = settings_for(emulator, CALLFLEET_MODEL__VERTEX_PROJECT="project")
        async with talk(chosen) as call:
            assert (await call.end()).reason is CloseReason.ERROR
            assert call.model.reason is CallReason.MODEL_REFUSED_KEY
