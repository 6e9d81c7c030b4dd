"""The clips are what the script says, and fit for timing."""

import json
from pathlib import Path
from shutil import which

import numpy as np
import pytest

from callfleet_rehearsal.sound import clips, flac, generate
from callfleet_rehearsal.sound.rendering import engine_version, render_line
from callfleet_rehearsal.sound.script import ENGINE, ENGINE_VERSION, LINES, Role

LENGTHS = {
    Role.CALLER: (16, 1.0, 2.6),
    Role.SPLIT_A: (8, 0.8, 1.5),
    Role.SPLIT_B: (8, 1.0, 2.5),
    Role.AGENT: (12, 1.5, 3.0),
    Role.GREETING: (1, 1.0, 3.0),
}


@pytest.mark.parametrize("role", LENGTHS)
def test_there_are_enough_clips_of_the_right_length(role: Role) -> None:
    count, shortest, longest = LENGTHS[role]
    lengths = [clip.seconds for clip in clips.clips_of(role)]
    assert len(lengths) == count
    assert min(lengths) >= shortest
    assert max(lengths) <= longest


def test_every_clip_begins_and_ends_abruptly() -> None:
    for clip in clips.all_clips():
        for edge in (clip.samples[:160], clip.samples[-160:]):
            assert np.sqrt(np.mean((edge / 32768.0) ** 2)) > 0.025, clip.name


def test_both_sides_know_a_reply_from_its_marker_alone() -> None:
    assert clips.reply(3, 2) is clips.clips_of(Role.AGENT)[23 % 12]
    assert clips.reply(3, 2) is not clips.reply(4, 2)


def test_the_recordings_are_what_the_script_says() -> None:
    for folder, lines in generate._SHELVES:
        assert generate._faults_of(folder, lines, render=False) == []


@pytest.mark.skipif(which(ENGINE) is None, reason=f"{ENGINE} is not installed")
def test_the_speech_engine_still_says_the_same() -> None:
    if engine_version() != ENGINE_VERSION:
        pytest.skip(f"{ENGINE} is not {ENGINE_VERSION} here")
    for line in LINES[:2]:
        recorded = flac.read((generate._OURS / f"{line.name}.flac").read_bytes())
        assert generate._same(recorded, render_line(line))


def test_an_edited_recording_is_noticed(tmp_path: Path) -> None:
    lines = generate.WORKER_LINES[:1]
    index = json.loads((generate._WORKERS / "index.json").read_text())
    index |= {"sources": generate._sources(lines), "clips": index["clips"][:1]}
    (tmp_path / "index.json").write_text(json.dumps(index))
    samples = flac.read((generate._WORKERS / "apology.flac").read_bytes())
    (tmp_path / "apology.flac").write_bytes(flac.write(samples, 16000))
    assert generate._faults_of(tmp_path, lines, render=False) == []
    (tmp_path / "apology.flac").write_bytes(flac.write(samples // 2, 16000))
    [fault] = generate._faults_of(tmp_path, lines, render=False)
    assert "apology.flac is not what index.json says" in fault


def test_an_edited_script_is_noticed_without_the_speech_engine() -> None:
    [fault] = generate._faults_of(generate._WORKERS, generate.WORKER_LINES[:0], render=False)[:1]
    assert "the script was edited" in fault


def test_a_missing_speech_engine_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    faults, left_out = generate.check()
    assert faults == []
    assert "install it" in left_out
