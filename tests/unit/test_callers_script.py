"""What a caller does next, from what it has heard."""

import itertools
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from callfleet_rehearsal.callers.ear import SoundBegan, SoundEnded
from callfleet_rehearsal.callers.plan import CallPlan, Cue, Deed, Listening, Moment, Voice
from callfleet_rehearsal.callers.script import (
    Act,
    Action,
    FinishedSpeaking,
    HangUp,
    News,
    Script,
    Speak,
    Stage,
    State,
)
from callfleet_rehearsal.evidence import CallEnd, HeardMarker, TurnKind

SECOND = 1_000_000_000
STEP = SECOND // 10
PLAIN, BARGE_IN = TurnKind.PLAIN, TurnKind.BARGE_IN
PLAN = CallPlan(4, (PLAIN, PLAIN))


def script_of(plan: CallPlan, listening: Listening = Listening.MARKERS) -> Script:
    return Script(plan, (0.5,) * (len(plan.kinds) + 1), listening)


class Life:
    """Runs a script on a made-up clock."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.now = 0
        self.state: State = script.begin(0)
        self.done: list[tuple[float, Action]] = []

    def pass_(self, seconds: float, *news: News) -> None:
        pending = list(news)
        for _ in range(max(1, round(seconds * SECOND) // STEP)):
            self.now += STEP
            self.state, actions = self.script.advance(self.state, self.now, pending)
            pending = []
            self.done += [(self.now / SECOND, action) for action in actions]

    def reply(self, turn: int, *, call: int = 4, seconds: float = 2.0) -> None:
        """Let a reply sound for so long."""
        self.pass_(0.3, SoundBegan(self.now, self.now), HeardMarker(call, turn, self.now, self.now))
        self.pass_(seconds - 0.3)
        self.pass_(0.1, SoundEnded(self.now))

    @property
    def actions(self) -> list[Action]:
        return [action for _, action in self.done]


def greeted(plan: CallPlan = PLAN, listening: Listening = Listening.MARKERS) -> Life:
    life = Life(script_of(plan, listening))
    life.pass_(1.0)
    life.reply(0, call=255)
    return life


def test_a_call_is_greeting_turns_and_a_good_bye() -> None:
    life = greeted()
    for turn in (1, 2):
        life.pass_(1.5)
        assert life.actions[-1] == Speak(turn)
        life.pass_(2.0)
        life.pass_(0.4, FinishedSpeaking(life.now))
        life.reply(turn)
    life.pass_(1.5)
    assert life.actions == [Speak(1), Speak(2), HangUp(CallEnd.HUNG_UP)]


def test_a_caller_thinks_before_it_speaks() -> None:
    life = greeted()
    quiet_since = life.now / SECOND
    life.pass_(2.0)
    assert 0.85 <= life.done[0][0] - quiet_since <= 1.25


def test_a_call_that_nobody_answers_is_given_up() -> None:
    life = Life(script_of(PLAN))
    life.pass_(14.8)
    assert life.actions == []
    life.pass_(0.4)
    assert life.actions == [HangUp(CallEnd.NEVER_ANSWERED)]


def test_a_turn_without_reply_is_missing_and_the_call_goes_on() -> None:
    life = greeted()
    life.pass_(1.5)
    life.pass_(0.1, FinishedSpeaking(life.now))
    life.pass_(7.5)
    assert life.actions == [Speak(1)]
    life.pass_(2.0)
    assert life.actions == [Speak(1), Speak(2)]


def test_a_late_reply_to_an_earlier_turn_is_not_taken_for_this_turns() -> None:
    life = greeted(CallPlan(4, (PLAIN, PLAIN, PLAIN)))
    life.pass_(1.5)
    life.pass_(10.0, FinishedSpeaking(life.now))
    assert life.actions[-1] == Speak(2)
    life.pass_(0.2, FinishedSpeaking(life.now))
    life.reply(1)
    assert life.state.stage is Stage.WAITING
    life.reply(2)
    assert life.state.stage is not Stage.WAITING


def test_a_strangers_reply_ends_the_wait() -> None:
    life = greeted()
    life.pass_(1.5)
    life.pass_(0.2, FinishedSpeaking(life.now))
    life.reply(1, call=9)
    life.pass_(1.5)
    assert life.actions == [Speak(1), Speak(2)]


def test_a_barge_in_speaks_the_next_turn_over_the_reply() -> None:
    life = greeted(CallPlan(4, (BARGE_IN, PLAIN)))
    life.pass_(1.5)
    life.pass_(0.2, FinishedSpeaking(life.now))
    began = life.now
    life.pass_(0.7, SoundBegan(began, began), HeardMarker(4, 1, began, began))
    assert life.actions == [Speak(1)]
    life.pass_(0.3)
    assert life.actions == [Speak(1), Speak(2)]


def test_an_agent_that_goes_on_talking_is_listened_to() -> None:
    life = greeted()
    life.pass_(0.3, SoundBegan(life.now, life.now))
    life.pass_(3.0)
    assert life.actions == []
    life.pass_(2.0, SoundEnded(life.now))
    assert life.actions == [Speak(1)]


def test_without_markers_the_first_sound_after_the_speech_is_the_reply() -> None:
    life = greeted(listening=Listening.ENERGY)
    life.pass_(1.5)
    life.pass_(0.2, FinishedSpeaking(life.now))
    life.pass_(1.0, SoundBegan(life.now, life.now))
    life.pass_(2.0, SoundEnded(life.now))
    assert life.actions == [Speak(1), Speak(2)]


def test_a_greeting_whose_beginning_was_missed_is_a_greeting() -> None:
    life = Life(script_of(PLAN))
    life.pass_(1.0, SoundBegan(life.now, life.now))
    life.pass_(2.0, SoundEnded(life.now))
    assert life.actions == [Speak(1)]


def test_cues_count_from_their_moment() -> None:
    cues = (
        Cue(Deed.MUTE, Moment.TURN, turn=1, seconds=0.5),
        Cue(Deed.HANG_UP, Moment.REPLY, turn=1, seconds=0.4),
    )
    life = greeted(replace(PLAN, cues=cues))
    life.pass_(3.0)
    life.pass_(0.2, FinishedSpeaking(life.now))
    life.reply(1)
    spoke, muted, hung_up = life.done
    assert muted[1] == Act(Deed.MUTE)
    assert 0.5 <= muted[0] - spoke[0] <= 0.6
    assert hung_up[1] == HangUp(CallEnd.HUNG_UP)
    assert life.state.stage is Stage.DONE


def test_a_caller_with_nothing_to_say_stays_and_goes() -> None:
    life = greeted(CallPlan(4, (), voice=Voice.SILENT, stays_seconds=5.0))
    life.pass_(4.0)
    assert life.actions == []
    life.pass_(2.0)
    assert life.actions == [HangUp(CallEnd.HUNG_UP)]


def test_a_caller_who_never_stops_speaks_until_it_goes_whatever_turns_are_planned() -> None:
    life = greeted(CallPlan(4, (), voice=Voice.NEVER_STOPS, stays_seconds=5.0))
    life.pass_(5.0)
    assert life.actions == [Speak(1)]
    life.pass_(2.0)
    assert life.actions == [Speak(1), HangUp(CallEnd.HUNG_UP)]


NEWS = st.one_of(
    st.just("began"),
    st.just("ended"),
    st.just("spoken"),
    st.tuples(st.integers(0, 9), st.integers(0, 5)),
)
KINDS = st.lists(st.sampled_from(TurnKind), max_size=4).map(lambda kinds: (*kinds, PLAIN))


@given(
    KINDS, st.lists(st.tuples(st.integers(0, 30), NEWS), max_size=60), st.sampled_from(Listening)
)
def test_whatever_is_heard_a_call_takes_its_turns_in_order_and_ends(
    kinds: tuple[TurnKind, ...], heard: list[tuple[int, object]], listening: Listening
) -> None:
    life = Life(script_of(CallPlan(4, kinds), listening))
    for tenths, what in heard:
        life.pass_(tenths / 10)
        news: dict[object, News] = {
            "began": SoundBegan(life.now, life.now),
            "ended": SoundEnded(life.now),
            "spoken": FinishedSpeaking(life.now),
        }
        if isinstance(what, tuple):
            life.pass_(0.1, HeardMarker(what[0], what[1], life.now, life.now))
        elif what != "spoken" or life.state.stage is Stage.SPEAKING:
            life.pass_(0.1, news[what])
    for _ in range(2 * len(kinds) + 2):
        life.pass_(
            30.0, *([FinishedSpeaking(life.now)] if life.state.stage is Stage.SPEAKING else [])
        )
    spoken = [action.turn for action in life.actions if isinstance(action, Speak)]
    assert spoken == list(range(1, len(spoken) + 1))
    assert len(spoken) <= len(kinds)
    assert life.state.stage is Stage.DONE
    assert isinstance(life.actions[-1], HangUp)
    assert sum(isinstance(action, HangUp) for action in life.actions) == 1


def test_an_agent_that_talks_to_itself_is_listened_to_for_25_seconds_in_all() -> None:
    life = greeted()
    began = life.now
    while life.actions == [] and life.now < began + 60 * SECOND:
        life.pass_(0.5, SoundBegan(life.now, life.now))
        life.pass_(0.8, SoundEnded(life.now))
    assert life.actions == [Speak(1)]
    # The greeting was heard 2.1 s before, and a caller thinks for half a second.
    assert 22 <= (life.now - began) / SECOND <= 26


LONGEST_TURN_SECONDS = 3.0 + 8.0 + 25.0 + 0.5
"""Speaking, waiting for a reply, listening to it, and thinking."""


@settings(max_examples=40, deadline=None)
@example((PLAIN,), [(3, "began"), (6, "ended")], Listening.ENERGY)
@given(KINDS, st.lists(st.tuples(st.integers(1, 30), NEWS), min_size=1), st.sampled_from(Listening))
def test_a_call_ends_in_bounded_time_whatever_sounds_without_end(
    kinds: tuple[TurnKind, ...], heard: list[tuple[int, object]], listening: Listening
) -> None:
    life = Life(script_of(CallPlan(4, kinds), listening))
    speaking_since = 0
    most = 15.0 + (len(kinds) + 1) * (LONGEST_TURN_SECONDS + 2.0)
    for tenths, what in itertools.cycle(heard):
        for _ in range(tenths):
            before = len(life.actions)
            is_spoken = (
                life.state.stage is Stage.SPEAKING and life.now - speaking_since >= 3 * SECOND
            )
            life.pass_(0.1, *([FinishedSpeaking(life.now)] if is_spoken else []))
            speaking_since = life.now if len(life.actions) > before else speaking_since
        if isinstance(what, tuple):
            life.pass_(0.1, HeardMarker(what[0], what[1], life.now, life.now))
        elif what != "spoken":
            sound = SoundBegan(life.now, life.now) if what == "began" else SoundEnded(life.now)
            life.pass_(0.1, sound)
        if life.state.stage is Stage.DONE or life.now > most * SECOND:
            break
    assert life.state.stage is Stage.DONE, f"still {life.state.stage} after {most} s"
