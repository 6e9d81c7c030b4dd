"""Where a caller's turn begins and ends, without any sound."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from callfleet_rehearsal.emulator.listening import (
    LISTEN_RATE,
    Found,
    HeardSound,
    Listening,
    ListenRules,
    SpeechBegan,
    SpeechEnded,
    begin,
    end,
    hear,
    note_marker,
)
from callfleet_rehearsal.sound.marker import Marker

STEP = LISTEN_RATE // 50
RULES = ListenRules(
    automatic=True, prefix_seconds=0.02, silence_seconds=0.7, complete_silence_seconds=0.2
)
MANUAL = replace(RULES, automatic=False)
COMPLETE, OPEN = Marker(1, 2), Marker(1, 2, complete=False)


class Line:
    """Hears slices of 20 ms, with speech or without, one a 20 ms."""

    def __init__(self, rules: ListenRules = RULES) -> None:
        self.rules = rules
        self.state = Listening()
        self.slices = 0
        self.last, self.last_ns = 0, 0

    def hear(self, slices: int, *, speech: bool, marker: Marker | None = None) -> list[Found]:
        found: list[Found] = []
        for number in range(slices):
            self.slices += 1
            position = self.slices * STEP
            onset = None
            if speech:
                onset = position - STEP if number == 0 else None
                self.last, self.last_ns = position, self.slices
            if marker is not None and number == slices - 1:
                self.state = note_marker(self.state, marker)
            heard = HeardSound(position, self.last, self.last_ns, onset)
            self.state, more = hear(self.state, heard, self.rules)
            found += more
        return found


def ends(found: list[Found]) -> list[SpeechEnded]:
    return [each for each in found if isinstance(each, SpeechEnded)]


def test_a_complete_sentence_ends_after_the_short_silence() -> None:
    line = Line()
    assert line.hear(50, speech=True, marker=COMPLETE) == [SpeechBegan()]
    assert line.hear(9, speech=False) == []
    assert ends(line.hear(1, speech=False)) == [SpeechEnded(50, 0.2, COMPLETE, 1.0)]
    assert line.hear(100, speech=False) == []


def test_an_incomplete_sentence_waits_for_the_configured_silence() -> None:
    line = Line()
    line.hear(50, speech=True, marker=OPEN)
    assert line.hear(34, speech=False) == []
    assert len(ends(line.hear(1, speech=False))) == 1


def test_a_sentence_without_a_marker_waits_for_the_configured_silence() -> None:
    line = Line()
    line.hear(50, speech=True)
    assert line.hear(34, speech=False) == []
    assert ends(line.hear(1, speech=False))[0].marker is None


def test_a_pause_within_a_turn_is_part_of_it_and_its_second_half_decides() -> None:
    line = Line()
    assert line.hear(50, speech=True, marker=OPEN) == [SpeechBegan()]
    assert line.hear(30, speech=False) == []
    assert line.hear(50, speech=True, marker=COMPLETE) == []
    ended = ends(line.hear(10, speech=False))
    assert [(each.marker, each.spoken_seconds) for each in ended] == [(COMPLETE, 2.6)]


def test_a_configured_silence_below_the_short_one_wins() -> None:
    line = Line(replace(RULES, silence_seconds=0.1))
    line.hear(50, speech=True, marker=COMPLETE)
    assert len(ends(line.hear(5, speech=False))) == 1


def test_a_click_shorter_than_the_prefix_is_no_turn() -> None:
    line = Line(replace(RULES, prefix_seconds=0.1))
    assert line.hear(3, speech=True) == []
    assert line.hear(100, speech=False) == []
    assert line.hear(5, speech=True) == [SpeechBegan()]


def test_where_detection_is_off_only_the_client_begins_and_ends_turns() -> None:
    line = Line(MANUAL)
    assert line.hear(50, speech=True, marker=COMPLETE) == []
    line.state, found = begin(line.state)
    assert found == (SpeechBegan(),)
    assert begin(line.state)[1] == ()
    assert line.hear(100, speech=False) == []
    line.state, found = end(line.state, at_ns=999)
    assert found == (SpeechEnded(50, 0.0, COMPLETE, 1.0),)
    assert end(line.state, at_ns=1000)[1] == ()


def test_a_turn_marked_by_the_client_without_any_speech_ends_when_it_says_so() -> None:
    state, _ = begin(Listening())
    assert end(state, at_ns=7)[1] == (SpeechEnded(7, 0.0, None, 0.0),)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 60), st.booleans()), max_size=30))
def test_begin_and_end_always_alternate(parts: list[tuple[bool, int, bool]]) -> None:
    line, found = Line(), []
    for speech, slices, marked in parts:
        marker = COMPLETE if marked and speech else None
        found += line.hear(slices, speech=speech, marker=marker)
    kinds = [type(each) for each in found]
    assert kinds == [SpeechBegan, SpeechEnded] * (len(kinds) // 2) + [SpeechBegan] * (
        len(kinds) % 2
    )
