"""Brain, faults, handles, timing and pacing: the emulator's other decisions."""

import random
from typing import Any

import pytest

from callfleet_rehearsal.emulator.brain import (
    LATER_TEXT_TURN,
    Memory,
    Question,
    Script,
    ScriptedTurn,
    answer,
)
from callfleet_rehearsal.emulator.conversations import (
    Conversation,
    HandleFate,
    Handles,
    refusal,
)
from callfleet_rehearsal.emulator.fault_kinds import Point
from callfleet_rehearsal.emulator.faults import BadFaultError, FaultBox
from callfleet_rehearsal.emulator.profiles import PROFILES
from callfleet_rehearsal.emulator.settings import Function, sample_args
from callfleet_rehearsal.emulator.speaking import advance, start
from callfleet_rehearsal.emulator.speech import GREETING_CLIP, clip_text, reply_speech
from callfleet_rehearsal.emulator.timing import Clockwork, TimingName
from callfleet_rehearsal.emulator.tokens import Ledger
from callfleet_rehearsal.emulator.turns import ReplyPlan, Source
from callfleet_rehearsal.sound.clips import reply
from callfleet_rehearsal.sound.marker import UNKNOWN_CALL, UNMARKED_CALL, Marker

TOOLS = (Function("a", blocking=True), Function("b", blocking=False))


def ask(
    question: Question, memory: Memory | None = None, script: Script | None = None
) -> tuple[ReplyPlan, Memory]:
    return answer(question, memory or Memory(), script or Script(), TOOLS)


def test_a_marker_is_answered_with_the_clip_that_both_sides_can_work_out() -> None:
    plan, memory = ask(Question(Source.SPEECH, Marker(5, 3)))
    assert (plan.call, plan.turn, plan.text) == (5, 3, reply(5, 3).text)
    assert memory.call == 5
    assert plan.tool is None


def test_the_first_text_is_greeted_by_nobody_known_and_later_ones_have_a_turn_of_their_own() -> (
    None
):
    plan, memory = ask(Question(Source.TEXT))
    assert (plan.call, plan.turn, plan.clip) == (UNKNOWN_CALL, 0, GREETING_CLIP)
    again, _ = ask(Question(Source.TEXT), memory)
    assert again.turn == LATER_TEXT_TURN


def test_voices_without_markers_get_the_clips_in_turn() -> None:
    memory, seen = Memory(), []
    for _ in range(64):
        plan, memory = ask(Question(Source.SPEECH), memory)
        seen.append((plan.call, plan.turn))
    assert seen[:2] == [(UNMARKED_CALL, 1), (UNMARKED_CALL, 2)]
    assert all(0 < turn < LATER_TEXT_TURN for _, turn in seen)


def test_a_marker_that_wants_a_tool_gets_the_scripts_or_the_first_one() -> None:
    wanted = Question(Source.SPEECH, Marker(1, 1, wants_tool=True))
    first, _ = ask(wanted)
    assert first.tool is not None
    assert (first.tool.name, first.tool.blocking) == ("a", True)
    scripted, _ = ask(wanted, script=Script(tool="b", args={"x": 1}))
    assert scripted.tool is not None
    assert (scripted.tool.name, scripted.tool.args) == ("b", '{"x":1}')
    none, _ = ask(wanted, script=Script(tool="missing"))
    assert none.tool is None


def test_a_script_says_by_turn_what_is_answered() -> None:
    script = Script(
        turns={2: ScriptedTurn(text="So.", clip=1, tool="b"), 3: ScriptedTurn(empty=True)}
    )
    second, _ = ask(Question(Source.SPEECH, Marker(1, 2)), script=script)
    assert (second.text, second.clip) == ("So.", 1)
    assert second.tool is not None
    third, _ = ask(Question(Source.SPEECH, Marker(1, 3)), script=script)
    assert third.empty


def test_arguments_are_made_up_to_fit_the_declared_parameters() -> None:
    declared: dict[str, Any] = {
        "parameters": {
            "properties": {
                "order": {"type": "STRING"},
                "count": {"type": "INTEGER"},
                "size": {"type": "STRING", "enum": ["S", "L"]},
                "note": {"type": "STRING"},
            },
            "required": ["order", "count", "size"],
        }
    }
    assert sample_args(declared) == '{"order":"1042","count":1042,"size":"S"}'
    assert sample_args({}) == "{}"


def test_a_fault_waits_for_its_session_its_turn_and_its_point() -> None:
    box = FaultBox()
    box.arm({"name": "close", "at": "think", "session": "s1", "turn": 2})
    assert box.take(Point.THINK, "s1", 1) is None
    assert box.take(Point.THINK, "s2", 2) is None
    assert box.take(Point.TOOL_CALL, "s1", 2) is None
    effect = box.take(Point.THINK, "s1", 2)
    assert effect is not None
    assert effect.settings["code"] == 1011
    assert box.take(Point.THINK, "s1", 2) is None


def test_a_fault_for_the_next_session_is_bound_to_it_and_can_strike_several() -> None:
    box = FaultBox()
    box.arm({"name": "http_status", "status": 503, "times": 2})
    for session in ("s1", "s2"):
        box.bind_next(session)
        assert box.take(Point.UPGRADE, session) is not None
    box.bind_next("s3")
    assert box.take(Point.UPGRADE, "s3") is None


def test_a_fault_can_be_taken_back() -> None:
    box = FaultBox()
    fault = box.arm({"name": "empty_turn"})
    assert box.disarm(fault.fault_id)
    assert not box.disarm(fault.fault_id)
    with pytest.raises(BadFaultError, match="no fault 'x'"):
        box.arm({"name": "x"})


def test_a_handle_leads_back_only_to_a_closed_young_session_of_the_same_model() -> None:
    handles = Handles(lifetime_seconds=10)
    talk = Conversation(model="m", ledger=Ledger(preamble=0))
    handles.issue("h", talk, 0)
    assert handles.look_up("h", "m", 0)[0] is HandleFate.STILL_OPEN
    talk.connected, talk.last_seen_ns = False, 0
    assert handles.look_up("h", "m", 5 * 10**9) == (HandleFate.GOOD, talk)
    assert handles.look_up("h", "other", 0)[0] is HandleFate.OTHER_MODEL
    assert handles.look_up("h", "m", 11 * 10**9)[0] is HandleFate.EXPIRED
    assert handles.look_up("x", "m", 0)[0] is HandleFate.UNKNOWN
    assert refusal(HandleFate.STILL_OPEN).code == 1011
    assert refusal(HandleFate.EXPIRED).reason == "BidiGenerateContent session expired"


def test_handles_that_lead_nowhere_are_forgotten() -> None:
    handles = Handles(lifetime_seconds=10)
    old = Conversation(model="m", ledger=Ledger(preamble=0), connected=False)
    young = Conversation(model="m", ledger=Ledger(preamble=0))
    for number in range(3000):
        handles.issue(str(number), young if number % 100 == 0 else old, 20 * 10**9)
    assert len(handles.known) < 1100
    assert handles.look_up("0", "m", 20 * 10**9)[0] is HandleFate.STILL_OPEN


def test_the_ideal_model_takes_a_tenth_of_a_second_beside_the_silence() -> None:
    clockwork = Clockwork(TimingName.IDEAL, PROFILES[0], random.Random(1))
    timing = clockwork.turn(0.2)
    assert timing.think_seconds == 0.1
    assert timing.before_tool_seconds + timing.after_tool_seconds == pytest.approx(0.1)
    assert clockwork.setup_seconds() == 0
    assert clockwork.gap_seconds(timing) == 0


def test_the_measured_model_has_the_published_median_and_the_same_seed_the_same_times() -> None:
    def draws(seed: str) -> list[float]:
        clockwork = Clockwork(TimingName.MEASURED, PROFILES[0], random.Random(seed))
        return [clockwork.turn(0.2).think_seconds + 0.2 for _ in range(2001)]

    first = draws("a")
    assert first == draws("a")
    assert first != draws("b")
    assert sorted(first)[1000] == pytest.approx(PROFILES[0].first_audio_seconds, rel=0.05)


def test_a_reply_goes_out_in_pieces_four_times_as_fast_as_it_plays() -> None:
    plan = ReplyPlan(3, 1, 0, clip_text(0))
    speech = reply_speech(plan)
    speaking = start(speech, 0, 4.0)
    instants = []
    while not speaking.done:
        instants.append(speaking.due_ns / 1e6)
        speaking = advance(speaking, 0.0)
    assert instants[:3] == [0, 10, 20]
    assert all(len(chunk) == 1920 for chunk in speech.chunks[:-1])
    assert speaking.sent_seconds == pytest.approx(speech.seconds, abs=0.04)
    assert speaking.played_ns(1.0) == round(speech.seconds * 1e9)
    assert speaking.played_ns(2.0) == round(speech.seconds / 2 * 1e9)
