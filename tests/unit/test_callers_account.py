"""A call's record, from what was noted in the call."""

from dataclasses import replace
from pathlib import Path

import pytest

from callfleet_rehearsal.callers.__main__ import main
from callfleet_rehearsal.callers.account import Account, Notes, TurnNotes, account
from callfleet_rehearsal.callers.ear import Concealed, SoundBegan, SoundEnded
from callfleet_rehearsal.callers.plan import (
    CallPlan,
    Cue,
    Deed,
    EarFaults,
    Listening,
    Moment,
    PlanError,
    RunPlan,
    Voice,
    read,
    usual,
    write,
)
from callfleet_rehearsal.evidence import HeardMarker, Party, TurnKind
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.sound.clips import reply
from callfleet_rehearsal.sound.marker import MARKER_SECONDS

MS = 1_000_000
SECOND = 1000 * MS
PLAIN, PAUSE, BARGE_IN = TurnKind.PLAIN, TurnKind.PAUSE, TurnKind.BARGE_IN
REPLY_SECONDS = MARKER_SECONDS + reply(4, 1).seconds


def sound(notes: Notes, start_s: float, seconds: float, *, turn: int, call: int = 4) -> None:
    """Note a reply that was heard, its marker at its start."""
    start = round(start_s * SECOND)
    notes.hear(
        [SoundBegan(start, start - 20 * MS), HeardMarker(call, turn, start - 20 * MS, start)]
    )
    notes.hear([SoundEnded(start + round(seconds * SECOND))])


def spoke(notes: Notes, turn: int, kind: TurnKind, *spans: tuple[float, float]) -> None:
    began = [round(start * SECOND) for start, _ in spans]
    ended = [round(end * SECOND) for _, end in spans]
    notes.turns.append(TurnNotes(turn, kind, began[0] - 20 * MS, 0.4, began, ended))


def told(notes: Notes, kinds: tuple[TurnKind, ...], **more: Listening) -> Account:
    listening = more.get("listening", Listening.MARKERS)
    return account(CallPlan(4, (*kinds, PLAIN)), notes, listening, 60 * SECOND)


def one_turn(seconds: float = REPLY_SECONDS, kind: TurnKind = PLAIN) -> Notes:
    notes = Notes()
    sound(notes, 1.0, 2.0, turn=0, call=255)
    spoke(notes, 1, kind, (4.0, 6.0))
    sound(notes, 6.5, seconds, turn=1)
    return notes


def test_a_turn_has_its_reply_and_its_length() -> None:
    result = told(one_turn(), (PLAIN,))
    (turn,) = result.turns
    assert result.greeting_heard_ns == SECOND
    assert turn.last_speech_sent_ns == 6 * SECOND
    assert [one.played_at_ns for one in turn.heard] == [6500 * MS]
    assert turn.reply_seconds == pytest.approx(turn.expected_reply_seconds)
    assert result.heard_seconds == pytest.approx(2.0 + REPLY_SECONDS)
    assert (result.concealed_seconds, result.strange_markers) == (0, 0)
    assert [one.party for one in result.segments] == [Party.AGENT, Party.CALLER, Party.AGENT]


def test_a_hole_in_a_reply_is_concealed_sound() -> None:
    result = told(one_turn(REPLY_SECONDS + 0.2), (PLAIN,))
    assert result.turns[0].concealed_seconds == pytest.approx(0.2)
    assert result.concealed_seconds == pytest.approx(0.2)


def test_a_stall_is_not_counted_as_a_hole_as_well() -> None:
    notes = one_turn(REPLY_SECONDS + 0.2)
    notes.hear([Concealed(7 * SECOND, 0.2)])
    assert told(notes, (PLAIN,)).concealed_seconds == pytest.approx(0.2)


def test_a_cut_reply_shows_as_short() -> None:
    (turn,) = told(one_turn(1.0), (PLAIN,)).turns
    assert turn.expected_reply_seconds - turn.reply_seconds > 0.5
    assert turn.concealed_seconds == 0


def test_another_calls_reply_is_strange_and_no_reply_of_this_turn() -> None:
    notes = Notes()
    spoke(notes, 1, PLAIN, (4.0, 6.0))
    sound(notes, 6.5, 2.0, turn=1, call=9)
    result = told(notes, (PLAIN,))
    assert result.strange_markers == 1
    assert result.turns[0].reply_seconds == 0
    assert result.turns[0].heard[0].call == 9


@pytest.mark.parametrize(("start_s", "talked"), [(5.2, True), (6.0, True), (7.1, False)])
def test_a_reply_before_the_caller_has_ended_talks_into_its_pause(
    start_s: float, *, talked: bool
) -> None:
    notes = Notes()
    spoke(notes, 1, PAUSE, (4.0, 5.0), (5.5, 6.8))
    sound(notes, start_s, 2.0, turn=1)
    assert told(notes, (PAUSE,)).turns[0].talked_into_pause is talked


def barged(silent_after_s: float) -> Notes:
    """Note a reply from 6.5 s on that is spoken over from 7.3 s to 9.3 s."""
    notes = Notes()
    spoke(notes, 1, BARGE_IN, (4.0, 6.0))
    sound(notes, 6.5, 0.8 + silent_after_s, turn=1)
    spoke(notes, 2, PLAIN, (7.3, 9.3))
    sound(notes, 9.8, 2.0, turn=2)
    return notes


def test_a_barge_in_lasts_from_onset_to_silence() -> None:
    cut, after = told(barged(0.25), (BARGE_IN, PLAIN)).turns
    assert cut.barge_in_onset_ns == 7300 * MS
    assert cut.barge_in_silent_ns == 7550 * MS
    assert cut.reply_seconds == pytest.approx(1.05)
    assert cut.expected_reply_seconds == 0
    assert after.barge_in_onset_ns is None
    assert [one.turn for one in after.heard] == [2]


def test_an_agent_that_talks_on_has_not_fallen_silent() -> None:
    cut, _ = told(barged(2.3), (BARGE_IN, PLAIN)).turns
    assert cut.barge_in_onset_ns is not None
    assert cut.barge_in_silent_ns is None


def test_without_markers_the_sound_after_the_speech_is_the_reply() -> None:
    notes = one_turn()
    notes.markers.clear()
    result = told(notes, (PLAIN,), listening=Listening.ENERGY)
    (turn,) = result.turns
    assert [(one.call, one.turn, one.played_at_ns) for one in turn.heard] == [(4, 1, 6500 * MS)]
    assert turn.reply_seconds == pytest.approx(REPLY_SECONDS)
    assert turn.expected_reply_seconds == 0


def test_a_call_cut_in_its_first_turn_still_has_a_record() -> None:
    notes = Notes()
    notes.turns.append(TurnNotes(1, PLAIN, 4 * SECOND, began_ns=[4100 * MS]))
    notes.hear([SoundBegan(5 * SECOND, 5 * SECOND)])
    result = told(notes, (PLAIN,))
    assert result.turns[0].last_speech_sent_ns == 4 * SECOND
    assert all(one.end_ns == 60 * SECOND for one in result.segments)


def plan_with_everything() -> RunPlan:
    odd = CallPlan(
        9,
        (PLAIN, PAUSE),
        room="shared",
        voice=Voice.NOISE,
        cues=(Cue(Deed.MUTE, Moment.REPLY, 1, 0.5),),
        ear=EarFaults(drop_ratio=0.05, hears_call=1),
    )
    return RunPlan(
        livekit_url="ws://127.0.0.1:7880",
        api_key="key",
        api_secret="secret",
        agent_name="callfleet",
        run_id="run",
        calls=(*usual(2, (PLAIN, BARGE_IN, PLAIN), 0.5), odd),
        listening=Listening.ENERGY,
        media=("127.0.0.1", 7882),
        weather=Weather(delay_up_seconds=0.04),
        agents_media=("127.0.0.2", 7882),
        agents_weather=Weather(delay_down_seconds=0.08),
    )


def test_a_plan_reads_as_it_was_written_and_only_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write(plan_with_everything(), file)
    assert read(file) == plan_with_everything()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"calls": [{"call": 1, "kinds": ["odd"]}]}'])
def test_what_is_no_plan_is_refused_with_what_a_plan_has(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(PlanError, match="livekit_url"):
        read(file)


def test_a_barge_in_needs_a_turn_after_it() -> None:
    with pytest.raises(PlanError, match="put another turn behind it"):
        CallPlan(1, (PLAIN, BARGE_IN))


def test_a_relay_needs_an_address_behind_it() -> None:
    with pytest.raises(PlanError, match="set media"):
        replace(plan_with_everything(), media=None)


def test_what_is_no_plan_ends_the_program_with_its_own_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "missing.json"), str(tmp_path / "out.jsonl")]) == 2
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_rooms_are_named_by_run_and_call() -> None:
    plan = plan_with_everything()
    rooms = [plan.room_of(call) for call in plan.calls]
    assert rooms == ["rehearsal-run-000", "rehearsal-run-001", "shared"]
    assert replace(plan, run_id="x").room_of(plan.calls[1]) == "rehearsal-x-001"
