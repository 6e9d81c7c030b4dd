"""What the parties write is read back as it was; anything else says whose file is wrong."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from synthetic import rehearsal

from callfleet_rehearsal.evidence import ModelTurn
from callfleet_rehearsal.readers import (
    UnreadableError,
    read_calls,
    read_inside_turns,
    read_model_turns,
)

SOUND = rehearsal(calls=2, turns=6)


def test_callers_records_come_back_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text("".join(json.dumps(asdict(call)) + "\n" for call in SOUND.calls))
    assert read_calls(file) == SOUND.calls


def test_the_models_log_is_read_for_its_first_audio(tmp_path: Path) -> None:
    file = tmp_path / "model.jsonl"
    events = [{"at_ns": 1, "session": "s", "event": "setup_complete"}]
    for turn in SOUND.model_turns:
        body = asdict(turn)
        at_ns = body.pop("first_audio_sent_ns")
        events.append({"at_ns": at_ns, "session": "s", "event": "reply_first_audio", **body})
    file.write_text("\n".join(json.dumps(event) for event in events))
    assert read_model_turns(file) == SOUND.model_turns


def test_a_greeting_answers_nobody_and_is_no_turn(tmp_path: Path) -> None:
    file = tmp_path / "model.jsonl"
    greeting = {"at_ns": 5, "event": "reply_first_audio", "call": 255, "turn": 0,
                "last_speech_received_ns": None, "end_of_turn_ns": None}  # fmt: skip
    file.write_text(json.dumps(greeting))
    assert read_model_turns(file) == ()


def test_a_reply_after_tools_counts_from_the_speech_that_asked_for_them(tmp_path: Path) -> None:
    file = tmp_path / "model.jsonl"
    turn = {"session": "s", "call": 3, "turn": 5}
    events = [
        {"event": "end_of_turn", "at_ns": 1_200, "last_speech_received_ns": 1_000, **turn},
        {"event": "tool_call", "id": "a", "at_ns": 1_300, **turn},
        {"event": "tool_call", "id": "b", "at_ns": 1_300, **turn},
        {"event": "tool_response", "session": "s", "id": "a", "at_ns": 1_700},
        {"event": "tool_response", "session": "s", "id": "b", "at_ns": 1_800},
        {"event": "reply_first_audio", "at_ns": 1_900, "source": "tool_result", **turn,
         "last_speech_received_ns": 1_800, "end_of_turn_ns": 1_800, "tool_seconds": 0.0},
    ]  # fmt: skip
    file.write_text("\n".join(json.dumps(event) for event in events))
    [told] = read_model_turns(file)
    assert told == ModelTurn(3, 5, 1_000, 1_200, 1_900, pytest.approx(500e-9))
    assert told.took_seconds == pytest.approx(400e-9)


def test_turns_are_found_among_the_workers_other_lines(tmp_path: Path) -> None:
    file = tmp_path / "worker.log"
    lines = ["libwebrtc: a native line", '{"event": "registered"}', "[1, 2]"]
    lines += [
        json.dumps({"event": "turn", "level": "info", "response_seconds": 0.4, **asdict(turn)})
        for turn in SOUND.inside_turns
    ]
    file.write_text("\n".join(lines))
    assert read_inside_turns(file) == SOUND.inside_turns


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (read_calls, '{"call": 1}'),
        (read_calls, "no JSON"),
        (
            read_model_turns,
            '{"event": "reply_first_audio", "call": 1, "last_speech_received_ns": 2}',
        ),
        (read_inside_turns, '{"event": "turn", "call_id": "job"}'),
    ],
)
def test_a_line_of_another_version_says_which_file_it_is_in(
    tmp_path: Path, read: Callable[[Path], object], content: str
) -> None:
    file = tmp_path / "odd.jsonl"
    file.write_text(content)
    with pytest.raises(UnreadableError, match=r"odd\.jsonl"):
        read(file)


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    for read in (read_calls, read_model_turns, read_inside_turns):
        with pytest.raises(UnreadableError, match=r"gone\.jsonl"):
            read(tmp_path / "gone.jsonl")
