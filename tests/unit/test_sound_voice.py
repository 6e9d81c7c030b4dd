"""The speech detector hears where clips end, whatever the line did to them, and never fails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sound_lines import OPUS_DELAY_SECONDS, cut, resample, through_narrow_band, through_opus

from callfleet_rehearsal.sound.clips import Clip, all_clips, clips_of
from callfleet_rehearsal.sound.marker import MARKER_SECONDS, Marker, Speaker, render
from callfleet_rehearsal.sound.script import Role
from callfleet_rehearsal.sound.voice import Edge, SpeechDetector, SpeechEdge

RATE = 16000
BEFORE = 8000
TEN_MS = 0.010


def spoken(clip: Clip) -> tuple[np.ndarray, float]:
    """Give an utterance in silence, and the second at which it ends."""
    marker = render(Marker(3, 4), Speaker.CALLER, RATE)
    silence = np.zeros(BEFORE, np.int16)
    sound = np.concatenate([silence, marker, clip.samples, silence, silence])
    return sound, BEFORE / RATE + MARKER_SECONDS + clip.seconds


def edges_of(sound: np.ndarray, rate: int = RATE) -> list[SpeechEdge]:
    detector = SpeechDetector(rate)
    return [edge for piece in cut(sound, [rate // 50]) for edge in detector.feed(piece)]


@pytest.mark.parametrize("clip", all_clips(), ids=lambda clip: clip.name)
def test_speech_ends_where_the_clip_does(clip: Clip) -> None:
    sound, end = spoken(clip)
    edges = edges_of(sound)
    assert edges[0] == SpeechEdge(Edge.START, BEFORE)
    assert edges[-1].edge is Edge.END
    assert abs(edges[-1].sample / RATE - end) <= TEN_MS


@pytest.mark.parametrize("clip", all_clips()[::3], ids=lambda clip: clip.name)
def test_opus_at_48_khz_moves_the_end_by_its_delay_only(clip: Clip) -> None:
    sound, end = spoken(clip)
    heard = resample(through_opus(sound), RATE, 48000)
    late = edges_of(heard, 48000)[-1].sample / 48000 - end - OPUS_DELAY_SECONDS
    assert abs(late) <= TEN_MS


@pytest.mark.parametrize("clip", all_clips()[::2], ids=lambda clip: clip.name)
def test_a_telephone_line_does_not_move_the_end(clip: Clip) -> None:
    sound, end = spoken(clip)
    assert abs(edges_of(through_narrow_band(sound))[-1].sample / RATE - end) <= TEN_MS


@pytest.mark.parametrize("role", [Role.CALLER, Role.SPLIT_A, Role.SPLIT_B])
def test_no_callers_sentence_has_a_gap_that_ends_its_turn(role: Role) -> None:
    for clip in clips_of(role):
        assert len(edges_of(spoken(clip)[0])) == 2, clip.name


def test_steady_noise_is_no_speech_after_two_seconds() -> None:
    noise = np.random.default_rng(5).normal(0, 300, 5 * RATE).astype(np.int16)
    sound, end = spoken(clips_of(Role.CALLER)[0])
    noise = np.concatenate([noise, np.random.default_rng(6).normal(0, 300, len(sound))])
    noise[5 * RATE :] += sound
    edges = [edge for edge in edges_of(noise.astype(np.int16)) if edge.sample > 4 * RATE]
    assert abs(edges[-1].sample / RATE - 5 - end) <= 2 * TEN_MS
    assert edges[0].edge is Edge.START


def test_the_last_sample_is_known_before_the_silence_has_lasted() -> None:
    sound, end = spoken(clips_of(Role.CALLER)[1])
    detector = SpeechDetector(RATE)
    detector.feed(sound[: round((end + 0.02) * RATE)])
    assert detector.speaking
    assert detector.last_speech_sample is not None
    assert abs(detector.last_speech_sample / RATE - end) <= TEN_MS


@given(
    arrays(np.int16, st.integers(0, 9000)),
    st.lists(st.integers(1, 1000), min_size=1, max_size=6),
    st.sampled_from((8000, 16000, 24000, 48000)),
)
def test_any_sound_in_any_pieces_gives_the_same_edges(
    sound: np.ndarray, sizes: list[int], rate: int
) -> None:
    whole, pieces = SpeechDetector(rate), SpeechDetector(rate)
    at_once = whole.feed(sound)
    assert [edge for piece in cut(sound, sizes) for edge in pieces.feed(piece)] == at_once
    assert pieces.last_speech_sample == whole.last_speech_sample
    assert pieces.speaking == whole.speaking
    kinds = [edge.edge for edge in at_once]
    assert kinds == [Edge.START, Edge.END] * (len(kinds) // 2) + [Edge.START] * (len(kinds) % 2)


def test_a_rate_without_whole_frames_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="44100 Hz has no whole number"):
        SpeechDetector(44100)
