"""The turn clock, in virtual time: what the caller waited for is what it says."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from callfleet_contract.events import (
    BargeIn,
    CallAnswered,
    CallEvent,
    SpeechHeard,
    TurnMeasured,
)
from callfleet_contract.outcomes import TurnEnd
from callfleet_worker.bridge.turnclock import CallName, TurnClock

MS = 1_000_000
BLOCK_SECONDS = 0.01


def tone(milliseconds: int, rate: int, amplitude: int = 6_000) -> NDArray[np.int16]:
    times = np.arange(rate * milliseconds // 1000) / rate
    return (amplitude * np.sin(2 * np.pi * 440 * times)).astype(np.int16)


@dataclass
class Line:
    """A call in virtual time: ears every 20 ms, mouth in 20 ms frames as they are played."""

    now_ns: int = 1_000 * MS
    events: list[CallEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = CallName("call", "room", started_ns=self.now_ns)
        self.clock = TurnClock(name, self.events.append, no_response_seconds=5.0)

    def run(self, milliseconds: int, *, caller: bool = False, agent: bool = False) -> None:
        """Let time pass while caller, agent, both or nobody makes a sound."""
        for _ in range(milliseconds // 20):
            if agent:
                self.clock.played(tone(20, 24_000), self.now_ns)
            self.now_ns += 20 * MS
            heard = tone(20, 16_000) if caller else np.zeros(320, np.int16)
            self.clock.heard(heard, self.now_ns)
            self.clock.handed(self.now_ns + MS)

    def reply(self, wait_ms: int, length_ms: int, *, interrupted: bool = False) -> None:
        """Let the model answer."""
        self.run(wait_ms)
        self.clock.model_audio(self.now_ns - 5 * MS)
        self.run(length_ms, agent=True)
        self.clock.finished(self.now_ns, interrupted=interrupted)

    def of(self, kind: type) -> list[CallEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def turns(self) -> list[TurnMeasured]:
        return [event for event in self.events if isinstance(event, TurnMeasured)]


def test_a_turn_is_measured_from_the_last_speech_to_the_first_sound() -> None:
    line = Line()
    line.run(1_000, caller=True)
    spoken_ns = line.now_ns
    line.reply(400, 2_000)
    (turn,) = line.turns
    assert turn.end is TurnEnd.COMPLETED
    assert turn.turn == 1
    assert turn.speech_end_ns == spoken_ns
    assert turn.response_seconds == pytest.approx(0.4, abs=0.001)
    assert turn.uplink_seconds == pytest.approx(0.001, abs=0.0001)
    assert turn.model_seconds == pytest.approx(0.394, abs=0.001)
    assert turn.playout_seconds == pytest.approx(0.005, abs=0.001)
    assert turn.heard_seconds == pytest.approx(1.0, abs=0.02)
    assert turn.played_seconds == pytest.approx(2.0, abs=0.02)


def test_a_frame_whose_speech_ends_half_way_ends_the_turn_half_way() -> None:
    line = Line()
    line.run(1_000, caller=True)
    half = tone(20, 16_000)
    half[160:] = 0
    line.clock.heard(half, line.now_ns + 20 * MS)
    line.now_ns += 20 * MS
    line.reply(300, 500)
    assert line.turns[0].speech_end_ns == line.now_ns - 810 * MS


def test_the_silent_lead_in_of_a_reply_is_not_its_beginning() -> None:
    line = Line()
    line.run(1_000, caller=True)
    line.run(200)
    line.clock.model_audio(line.now_ns)
    lead_in = np.concatenate((np.zeros(24_000 * 130 // 1000, np.int16), tone(200, 24_000)))
    line.clock.played(lead_in, line.now_ns)
    line.clock.finished(line.now_ns + 330 * MS, interrupted=False)
    assert line.turns[0].playout_seconds == pytest.approx(0.130, abs=0.002)


def test_a_greeting_answers_the_call_and_is_no_turn() -> None:
    line = Line()
    line.reply(600, 1_500)
    assert not line.turns
    (answered,) = line.of(CallAnswered)
    assert isinstance(answered, CallAnswered)
    assert answered.setup_seconds == pytest.approx(0.6, abs=0.001)


def test_an_interruption_is_timed_from_the_callers_onset() -> None:
    line = Line()
    line.run(1_000, caller=True)
    line.run(300)
    line.clock.model_audio(line.now_ns)
    line.run(1_000, agent=True)
    line.run(200, agent=True, caller=True)
    line.clock.finished(line.now_ns, interrupted=True)
    (barge_in,) = line.of(BargeIn)
    assert isinstance(barge_in, BargeIn)
    assert barge_in.stop_seconds == pytest.approx(0.2, abs=0.015)
    assert line.turns[0].end is TurnEnd.INTERRUPTED
    line.run(600, caller=True)
    line.reply(360, 800)
    assert line.turns[1].response_seconds == pytest.approx(0.36, abs=0.001)


def test_a_reply_that_the_model_itself_breaks_off_is_no_barge_in() -> None:
    line = Line()
    line.run(1_000, caller=True)
    line.reply(300, 800, interrupted=True)
    assert not line.of(BargeIn)


def test_the_second_part_of_a_reply_is_no_turn_of_its_own() -> None:
    line = Line()
    line.run(1_000, caller=True)
    line.reply(300, 800)
    line.reply(2_000, 800)
    assert len(line.turns) == 1


def test_a_tools_time_is_counted_once_and_only_while_the_caller_waits() -> None:
    line = Line()
    line.run(1_000, caller=True)
    line.run(300)
    began = line.now_ns
    line.run(500)
    line.clock.tool_took(began, line.now_ns)
    line.clock.tool_took(began + 100 * MS, line.now_ns)
    line.reply(200, 500)
    assert line.turns[0].tool_seconds == pytest.approx(0.5)


def test_a_caller_who_gets_no_reply_is_counted_once() -> None:
    line = Line()
    line.run(1_000, caller=True)
    line.run(20_000)
    (turn,) = line.turns
    assert turn.end is TurnEnd.NO_RESPONSE
    assert turn.played_seconds == 0


def test_a_click_waits_for_no_reply() -> None:
    line = Line()
    line.clock.heard(tone(20, 16_000), line.now_ns)
    line.run(20_000)
    assert not line.turns


def test_a_call_that_ends_in_a_reply_ends_the_turn() -> None:
    line = Line()
    line.run(1_000, caller=True)
    line.run(300)
    line.clock.model_audio(line.now_ns)
    line.run(500, agent=True)
    line.clock.closed(line.now_ns)
    assert line.turns[0].end is TurnEnd.SESSION_CLOSED
    line.clock.finished(line.now_ns, interrupted=True)
    assert len(line.turns) == 1


def test_who_spoke_how_long_adds_up_to_the_call() -> None:
    line = Line()
    line.run(1_000, caller=True)
    line.reply(500, 1_000)
    line.clock.spoken()
    line.clock.spoken()
    (spoken,) = line.of(SpeechHeard)
    assert isinstance(spoken, SpeechHeard)
    total = (
        spoken.user_seconds + spoken.agent_seconds + spoken.overlap_seconds + spoken.silence_seconds
    )
    assert total == pytest.approx(2.5)
    assert spoken.agent_seconds == pytest.approx(1.0, abs=0.03)


step = st.tuples(
    st.sampled_from(("caller", "agent", "both", "silence", "finish", "interrupt", "tool", "close")),
    st.integers(1, 60),
)


@given(st.lists(step, max_size=40))
@settings(max_examples=100, deadline=None)
def test_whatever_happens_stages_never_run_backwards_and_turns_count_up(
    steps: list[tuple[str, int]],
) -> None:
    line = Line()
    for what, length in steps:
        match what:
            case "finish" | "interrupt":
                line.clock.finished(line.now_ns, interrupted=what == "interrupt")
            case "tool":
                line.clock.tool_took(line.now_ns - length * MS, line.now_ns)
            case "close":
                line.clock.closed(line.now_ns)
            case _:
                line.run(
                    length * 20, caller=what in ("caller", "both"), agent=what in ("agent", "both")
                )
    for turn in line.turns:
        assert turn.speech_end_ns <= turn.model_sent_ns + 2 * MS
        assert turn.model_sent_ns <= turn.first_model_audio_ns <= turn.first_played_ns
        assert turn.played_seconds >= 0
        assert turn.tool_seconds >= 0
    numbers = [turn.turn for turn in line.turns]
    assert numbers == sorted(set(numbers))
    assert all(event.stop_seconds >= 0 for event in line.events if isinstance(event, BargeIn))
    assert len(line.of(CallAnswered)) <= 1


def test_a_reply_is_owed_from_the_end_of_a_sentence_until_the_model_speaks() -> None:
    line = Line()
    line.run(200)
    assert not line.clock.owes_reply
    line.run(600, caller=True)
    assert not line.clock.owes_reply
    line.run(1_000)
    assert line.clock.owes_reply
    line.reply(20, 500)
    assert not line.clock.owes_reply
