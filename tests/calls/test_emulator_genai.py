"""Google's own SDK, unmodified, against the emulator: talk, tools, interruption, resumption."""

import pytest
from emulator_lines import KEY, QUICK, hush, utterance
from genai_talk import (
    LOOK_UP,
    answer_tool,
    contents,
    markers,
    next_handle,
    say,
    saying,
    talking,
    turn,
)
from google.genai import errors, types

from callfleet_rehearsal.emulator import Emulator, EmulatorConfig, Script, ScriptedTurn
from callfleet_rehearsal.emulator.frame_case import LIVE_38
from callfleet_rehearsal.sound.marker import Marker


async def test_a_text_turn_is_greeted() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator) as session:
        await session.send_client_content(turns=types.Content(parts=[types.Part(text=".")]))
        heard = await turn(session)
        assert markers(heard) == [Marker(255, 0)]
        assert [c.generation_complete for c in contents(heard)].count(True) == 1
        assert contents(heard)[-1].turn_complete


async def test_a_caller_is_heard_and_answered_with_its_own_marker() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator) as session:
        async with saying(session, utterance(Marker(3, 1))):
            heard = await turn(session)
        assert markers(heard) == [Marker(3, 1)]
        texts = [c.input_transcription.text for c in contents(heard) if c.input_transcription]
        assert texts == [" Turn 1 of caller 3."]
        spoken = "".join(
            c.output_transcription.text or "" for c in contents(heard) if c.output_transcription
        )
        assert len(spoken.split()) > 5
        usage = next(message.usage_metadata for message in heard if message.usage_metadata)
        assert usage.total_token_count == (usage.prompt_token_count or 0) + (
            usage.response_token_count or 0
        )


async def test_the_ideal_model_answers_300_ms_after_the_last_speech() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator) as session:
        async with saying(session, utterance(Marker(3, 1))):
            await turn(session)
        reply = emulator.log.all("reply_first_audio")[0]
        took = (reply["at_ns"] - reply["last_speech_received_ns"]) / 1e9
        assert took >= 0.3
        assert reply["silence_seconds"] == pytest.approx(0.2)


async def test_an_unfinished_sentence_waits_for_the_configured_silence() -> None:
    detection = {"automatic_activity_detection": {"silence_duration_ms": 700}}
    async with (
        Emulator(QUICK) as emulator,
        talking(emulator, realtime_input_config=detection) as session,
    ):
        pause = utterance(Marker(1, 1, complete=False)) + hush(0.5) + utterance(Marker(1, 1))
        async with saying(session, pause):
            heard = await turn(session)
        assert markers(heard) == [Marker(1, 1)]
        assert len(emulator.log.all("end_of_turn")) == 1


async def test_a_short_configured_silence_talks_into_the_pause_and_is_interrupted() -> None:
    detection = {"automatic_activity_detection": {"silence_duration_ms": 300}}
    async with (
        Emulator(QUICK) as emulator,
        talking(emulator, realtime_input_config=detection) as session,
    ):
        pause = utterance(Marker(1, 1, complete=False)) + hush(0.6) + utterance(Marker(1, 1))
        async with saying(session, pause):
            first = await turn(session)
            second = await turn(session)
        assert any(content.interrupted for content in contents(first))
        assert markers(second) == [Marker(1, 1)]


async def test_a_blocking_tool_is_called_answered_and_spoken_about() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator, tools=[LOOK_UP]) as session:
        async with saying(session, utterance(Marker(4, 2, wants_tool=True))):
            call = await answer_tool(session)
            heard = await turn(session)
        assert (call.name, call.args) == ("look_up", {"order": "1042"})
        assert markers(heard) == [Marker(4, 2)]


async def test_a_non_blocking_tool_ends_its_turn_at_once_and_is_spoken_about_later() -> None:
    async with (
        Emulator(QUICK) as emulator,
        talking(emulator, LIVE_38, tools=[LOOK_UP]) as session,
        saying(session, utterance(Marker(4, 2, wants_tool=True))),
    ):
        called = await turn(session)
        calls = [m.tool_call for m in called if m.tool_call]
        assert calls
        assert calls[0].function_calls
        assert markers(called) == []
        call = calls[0].function_calls[0]
        await session.send_tool_response(
            function_responses=types.FunctionResponse(
                id=call.id, name=call.name, response={"output": "here"}
            )
        )
        assert markers(await turn(session)) == [Marker(4, 2)]
        # The time of the tool is told apart, and the rest is what any reply takes.
        asked = emulator.log.all("end_of_turn")[0]
        reply = emulator.log.all("reply_first_audio")[0]
        assert reply["last_speech_received_ns"] == asked["last_speech_received_ns"]
        took = (reply["at_ns"] - reply["last_speech_received_ns"]) / 1e9 - reply["tool_seconds"]
        assert took >= 0.299


async def test_a_silent_tool_result_is_not_spoken_about() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator, LIVE_38, tools=[LOOK_UP]) as session:
        async with saying(session, utterance(Marker(4, 2, wants_tool=True))):
            called = await turn(session)
            call = next(m.tool_call for m in called if m.tool_call)
            assert call.function_calls
            await session.send_tool_response(
                function_responses=types.FunctionResponse(
                    id=call.function_calls[0].id,
                    name="look_up",
                    response={},
                    scheduling=types.FunctionResponseScheduling.SILENT,
                )
            )
            await emulator.log.wait_for("tool_response")
        async with saying(session, utterance(Marker(4, 3))):
            assert markers(await turn(session)) == [Marker(4, 3)]


async def test_a_caller_who_speaks_over_the_reply_interrupts_it() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator) as session:
        await session.send_client_content(turns=types.Content(parts=[types.Part(text="hi")]))
        await emulator.log.wait_for("reply_first_audio")
        async with saying(session, utterance(Marker(5, 1))):
            cut = await turn(session)
            after = await turn(session)
        names = [name for c in contents(cut) for name in c.model_dump(exclude_none=True)]
        assert names[-2:] == ["interrupted", "turn_complete"]
        assert markers(after) == [Marker(5, 1)]


async def test_without_interruption_the_reply_is_finished_and_the_caller_answered_after() -> None:
    config = {"activity_handling": "NO_INTERRUPTION"}
    async with Emulator() as emulator, talking(emulator, realtime_input_config=config) as session:
        await session.send_client_content(turns=types.Content(parts=[types.Part(text="hi")]))
        await emulator.log.wait_for("reply_first_audio")
        async with saying(session, utterance(Marker(5, 1))):
            first = await turn(session)
            second = await turn(session)
        assert not any(content.interrupted for content in contents(first))
        assert markers(second) == [Marker(5, 1)]


async def test_an_interruption_cancels_the_tool_that_the_model_waits_for() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator, tools=[LOOK_UP]) as session:
        async with saying(session, utterance(Marker(4, 1, wants_tool=True))):
            called = await emulator.log.wait_for("tool_call")
        async with saying(session, utterance(Marker(4, 2))):
            messages = await turn(session)
            cancelled = [m.tool_call_cancellation for m in messages if m.tool_call_cancellation]
            assert [each.ids for each in cancelled] == [[called["id"]]]
            assert markers(await turn(session)) == [Marker(4, 2)]


async def test_a_client_that_marks_activity_itself_is_answered_at_its_end() -> None:
    config = {"automatic_activity_detection": {"disabled": True}}
    async with (
        Emulator(QUICK) as emulator,
        talking(emulator, realtime_input_config=config) as session,
    ):
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await say(session, utterance(Marker(6, 1)))
        assert emulator.log.all("end_of_turn") == []
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        assert markers(await turn(session)) == [Marker(6, 1)]


async def test_a_closed_microphone_ends_the_turn() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator) as session:
        await say(session, utterance(Marker(6, 1, complete=False)))
        await session.send_realtime_input(audio_stream_end=True)
        assert markers(await turn(session)) == [Marker(6, 1)]


async def test_a_voice_without_a_marker_is_answered_too() -> None:
    async with Emulator(QUICK) as emulator, talking(emulator) as session:
        async with saying(session, utterance(None)):
            heard = await turn(session)
        assert markers(heard) == [Marker(254, 1)]
        assert len(emulator.log.all("unmatched_turn")) == 1


async def test_a_scripted_turn_says_and_calls_what_the_script_says() -> None:
    script = Script(turns={1: ScriptedTurn(tool="look_up", args={"order": "7"}, text="As asked.")})
    async with (
        Emulator(EmulatorConfig(script=script, playback_speed=20)) as emulator,
        talking(emulator, tools=[LOOK_UP]) as session,
    ):
        async with saying(session, utterance(Marker(2, 1))):
            call = await answer_tool(session)
            heard = await turn(session)
        assert call.args == {"order": "7"}
        spoken = [c.output_transcription.text for c in contents(heard) if c.output_transcription]
        assert spoken == ["As asked. "]


async def test_a_handle_leads_back_once_the_old_connection_is_gone() -> None:
    async with Emulator(QUICK) as emulator:
        async with talking(emulator) as session:
            async with saying(session, utterance(Marker(7, 1))):
                messages = await turn(session)
            offered = await emulator.log.wait_for("resumption", resumable=True, count=2)
            assert offered["resumable"]
            resume = {"session_resumption": {"handle": await next_handle(session)}}
            with pytest.raises(errors.APIError) as refused:
                async with talking(emulator, **resume):
                    pass
            assert refused.value.code == 1011
            before = sum(
                message.usage_metadata.total_token_count or 0
                for message in messages
                if message.usage_metadata
            )
        await emulator.log.wait_for("close", code=1000)
        async with talking(emulator, **resume) as again:
            await again.send_client_content(turns=types.Content(parts=[types.Part(text="on")]))
            resumed = await turn(again)
            usage = next(m.usage_metadata for m in resumed if m.usage_metadata)
            assert (usage.prompt_token_count or 0) > before
            assert markers(resumed) == [Marker(7, 0)]


async def test_a_pending_tool_call_survives_a_lost_connection() -> None:
    async with Emulator(QUICK) as emulator:
        async with talking(emulator, LIVE_38, tools=[LOOK_UP]) as session:
            handle = ""
            async with saying(session, utterance(Marker(4, 2, wants_tool=True))):
                for message in await turn(session):
                    if message.session_resumption_update:
                        handle = message.session_resumption_update.new_handle or ""
                    if message.tool_call and message.tool_call.function_calls:
                        call = message.tool_call.function_calls[0]
            emulator.arm("reset")
            await emulator.log.wait_for("close")
        resume = {"session_resumption": {"handle": handle}}
        async with talking(emulator, LIVE_38, tools=[LOOK_UP], **resume) as again:
            await again.send_tool_response(
                function_responses=types.FunctionResponse(
                    id=call.id, name=call.name, response={"output": "late"}
                )
            )
            assert markers(await turn(again)) == [Marker(4, 2)]


async def test_a_wrong_key_is_told_as_the_real_api_tells_it() -> None:
    async with Emulator(EmulatorConfig(keys=("another",))) as emulator:
        with pytest.raises(errors.APIError) as refused:
            async with talking(emulator):
                pass
        assert refused.value.code == 1007
        assert "API key not valid" in str(refused.value)
    assert KEY != "another"
