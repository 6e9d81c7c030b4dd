"""The model's turn machine, without clock or network."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from callfleet_rehearsal.emulator.messages import Scheduling
from callfleet_rehearsal.emulator.timing import TurnTiming
from callfleet_rehearsal.emulator.turns import (
    Action,
    AudioSent,
    BeginTurn,
    CallerBegan,
    CallTool,
    Clock,
    CompleteTurn,
    FinishGeneration,
    Happening,
    Interrupt,
    LateToolAnswered,
    Phase,
    ReplyPlan,
    Source,
    Speak,
    Talk,
    ToolAnswered,
    ToolCalled,
    ToolPlan,
    TurnEnded,
    UserTurn,
    step,
)

MS = 1_000_000
TIMING = TurnTiming(think_seconds=0.1, before_tool_seconds=0.05, after_tool_seconds=0.05)
PLAN = ReplyPlan(call=3, turn=1, clip=0, text="Yes.")
TURN = UserTurn(Source.SPEECH, 1000 * MS, 1210 * MS, 0.2, 1.5, PLAN, TIMING)
TEXT = replace(TURN, source=Source.TEXT, silence_seconds=0.0)
WAITS = replace(TURN, plan=replace(PLAN, tool=ToolPlan("look_up", "{}", blocking=True)))
GOES_ON = replace(TURN, plan=replace(PLAN, tool=ToolPlan("look_up", "{}", blocking=False)))
EMPTY = replace(TURN, plan=replace(PLAN, empty=True))


def run(*happened: Happening, talk: Talk | None = None) -> tuple[Talk, list[Action]]:
    talk = talk or Talk()
    actions: list[Action] = []
    for each in happened:
        talk, more = step(talk, each)
        actions += more
    return talk, actions


def test_a_turn_is_answered_300_ms_after_the_last_speech_and_ends_when_it_is_played() -> None:
    talk, actions = run(TurnEnded(TURN))
    assert (talk.phase, talk.due_ns, actions) == (Phase.THINK, 1300 * MS, [BeginTurn(TURN)])
    talk, actions = run(Clock(1299 * MS), talk=talk)
    assert (talk.phase, actions) == (Phase.THINK, [])
    talk, actions = run(Clock(1300 * MS), talk=talk)
    assert (talk.phase, actions) == (Phase.GEN, [Speak(TURN)])
    talk, actions = run(AudioSent(3300 * MS), talk=talk)
    assert (talk.phase, talk.due_ns) == (Phase.PLAYBACK_WAIT, 3300 * MS)
    assert actions == [FinishGeneration(TURN)]
    talk, actions = run(Clock(3300 * MS), talk=talk)
    assert (talk, actions) == (Talk(), [CompleteTurn(TURN)])


def test_an_interrupted_reply_never_says_that_its_generation_is_complete() -> None:
    for until in (
        (TurnEnded(TURN),),
        (TurnEnded(TURN), Clock(1300 * MS)),
        (TurnEnded(TURN), Clock(1300 * MS), AudioSent(3300 * MS)),
    ):
        talk, _ = run(*until)
        assert run(CallerBegan(may_interrupt=True), talk=talk) == (Talk(), [Interrupt(TURN, ())])


def test_nothing_is_interrupted_where_nothing_is_said() -> None:
    assert run(CallerBegan(may_interrupt=True)) == (Talk(), [])


def test_where_interruption_is_off_the_next_turn_waits_for_the_end_of_this_one() -> None:
    second = replace(TURN, plan=replace(PLAN, turn=2))
    talk, actions = run(
        TurnEnded(TURN), Clock(1300 * MS), CallerBegan(may_interrupt=False), TurnEnded(second)
    )
    assert talk.phase is Phase.GEN
    assert not any(isinstance(action, Interrupt) for action in actions)
    talk, actions = run(AudioSent(3300 * MS), Clock(3300 * MS), talk=talk)
    assert actions == [FinishGeneration(TURN), CompleteTurn(TURN), BeginTurn(second)]


def test_written_text_breaks_into_a_reply_even_where_interruption_is_off() -> None:
    talk, _ = run(TurnEnded(TURN), Clock(1300 * MS))
    talk, actions = run(TurnEnded(TEXT), talk=talk)
    assert (talk.phase, talk.turn) == (Phase.THINK, TEXT)
    assert actions == [Interrupt(TURN, ()), BeginTurn(TEXT)]


def test_a_blocking_tool_is_called_early_and_its_answer_is_spoken_about_after_the_rest() -> None:
    talk, _ = run(TurnEnded(WAITS))
    assert talk.due_ns == 1250 * MS
    talk, actions = run(Clock(1250 * MS), ToolCalled("a"), talk=talk)
    assert (talk.phase, talk.tool_ids) == (Phase.TOOL, ("a",))
    assert actions == [CallTool(WAITS)]
    talk, actions = run(Clock(9000 * MS), ToolAnswered(2000 * MS), talk=talk)
    assert (talk.phase, talk.due_ns, actions) == (Phase.THINK, 2050 * MS, [])
    assert run(Clock(2050 * MS), talk=talk)[1] == [Speak(WAITS)]


def test_an_interruption_names_the_calls_that_the_model_waits_for() -> None:
    talk, _ = run(TurnEnded(WAITS), Clock(1250 * MS), ToolCalled("a"))
    assert run(CallerBegan(may_interrupt=True), talk=talk)[1] == [Interrupt(WAITS, ("a",))]


def test_a_non_blocking_tool_ends_the_turn_at_once() -> None:
    talk, actions = run(TurnEnded(GOES_ON), Clock(1250 * MS))
    assert (talk, actions[1:]) == (Talk(), [CallTool(GOES_ON), CompleteTurn(GOES_ON)])


def test_a_late_result_is_spoken_about_as_its_scheduling_says() -> None:
    def late(scheduling: Scheduling, *, speaks: bool = False) -> LateToolAnswered:
        return LateToolAnswered(TEXT, scheduling, caller_speaks=speaks)

    speaking, _ = run(TurnEnded(TURN), Clock(1300 * MS))
    assert run(late(Scheduling.SILENT)) == (Talk(), [])
    assert run(late(Scheduling.WHEN_IDLE))[1] == [BeginTurn(TEXT)]
    waiting, actions = run(late(Scheduling.WHEN_IDLE), talk=speaking)
    assert (waiting.queued, actions) == (TEXT, [])
    assert run(late(Scheduling.INTERRUPT), talk=speaking)[1] == [
        Interrupt(TURN, ()),
        BeginTurn(TEXT),
    ]
    kept, actions = run(late(Scheduling.WHEN_IDLE, speaks=True))
    assert (kept, actions) == (Talk(queued=TEXT), [])
    kept, actions = run(TurnEnded(TURN), Clock(1300 * MS), talk=kept)
    assert run(AudioSent(1), Clock(1), talk=kept)[1][-1] == BeginTurn(TEXT)


def test_an_empty_turn_is_complete_without_a_word() -> None:
    assert run(TurnEnded(EMPTY), Clock(1300 * MS)) == (
        Talk(),
        [BeginTurn(EMPTY), CompleteTurn(EMPTY)],
    )


HAPPENINGS = st.one_of(
    st.builds(CallerBegan, st.booleans()),
    st.builds(TurnEnded, st.sampled_from([TURN, TEXT, WAITS, GOES_ON, EMPTY])),
    st.builds(ToolAnswered, st.integers(0, 10**12)),
    st.builds(ToolCalled, st.just("id")),
    st.builds(AudioSent, st.integers(1, 10**12)),
    st.builds(Clock, st.integers(0, 10**13)),
    st.builds(LateToolAnswered, st.just(TEXT), st.sampled_from(Scheduling), st.booleans()),
)


@given(st.lists(HAPPENINGS, max_size=40))
def test_whatever_happens_each_turn_begins_once_and_ends_once_in_order(
    happened: list[Happening],
) -> None:
    talk, open_turn, generated = Talk(), False, False
    for each in happened:
        talk, actions = step(talk, each)
        for action in actions:
            match action:
                case BeginTurn():
                    assert not open_turn
                    open_turn, generated = True, False
                case Speak() | CallTool():
                    assert open_turn
                case FinishGeneration():
                    assert open_turn
                    assert not generated
                    generated = True
                case Interrupt() | CompleteTurn():
                    assert open_turn
                    open_turn = False
        assert open_turn == (talk.phase is not Phase.IDLE)
        assert (talk.turn is None) == (talk.phase is Phase.IDLE)
        assert (talk.due_ns > 0) == (talk.phase in {Phase.THINK, Phase.PLAYBACK_WAIT})
