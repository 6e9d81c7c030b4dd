"""Markers survive what a line does to sound, and nothing else is taken for one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sound_lines import OPUS_DELAY_SECONDS, cut, through_narrow_band, through_opus

from callfleet_rehearsal.sound.clips import all_clips
from callfleet_rehearsal.sound.code import coset, decode, encode
from callfleet_rehearsal.sound.marker import (
    MARKER_SECONDS,
    Found,
    Marker,
    MarkerFinder,
    Speaker,
    render,
)

RATE = 16000

markers = st.builds(Marker, st.integers(0, 255), st.integers(0, 63), st.booleans(), st.booleans())
speakers = st.sampled_from(Speaker)


def in_silence(sound: np.ndarray, before: int, rate: int = RATE) -> np.ndarray:
    return np.concatenate([np.zeros(before, np.int16), sound, np.zeros(rate // 2, np.int16)])


def find(stream: np.ndarray, speaker: Speaker, rate: int = RATE) -> list[Found]:
    finder = MarkerFinder(speaker, rate)
    found = [one for piece in cut(stream, [rate // 50]) for one in finder.feed(piece)]
    return found + finder.finish()


@given(markers, speakers, st.integers(0, 5000), st.sampled_from((8000, 16000, 24000, 44100, 48000)))
def test_a_marker_is_found_to_the_sample_at_any_rate(
    marker: Marker, speaker: Speaker, before: int, rate: int
) -> None:
    stream = in_silence(render(marker, speaker, rate), before, rate)
    assert find(stream, speaker, rate) == [Found(marker, before)]


@given(markers, speakers, st.lists(st.integers(1, 4000), min_size=1, max_size=8))
def test_how_the_stream_is_cut_changes_nothing(
    marker: Marker, speaker: Speaker, sizes: list[int]
) -> None:
    stream = in_silence(render(marker, speaker, RATE), 3210)
    finder = MarkerFinder(speaker, RATE)
    found = [one for piece in cut(stream, sizes) for one in finder.feed(piece)]
    assert found + finder.finish() == find(stream, speaker)


@given(markers, speakers)
def test_the_other_speakers_marker_is_not_ours(marker: Marker, speaker: Speaker) -> None:
    other = Speaker.AGENT if speaker is Speaker.CALLER else Speaker.CALLER
    assert find(in_silence(render(marker, speaker, RATE), 777), other) == []


@pytest.mark.parametrize("gain_db", [0, -24])
@pytest.mark.parametrize("speaker", list(Speaker))
def test_opus_leaves_a_marker_readable_and_in_its_place(speaker: Speaker, gain_db: int) -> None:
    for number in range(12):
        marker = Marker(number * 21, number * 5, bool(number % 2), bool(number % 3))
        quiet = render(marker, speaker, RATE) * 10 ** (gain_db / 20)
        before = 4000 + 37 * number
        heard = through_opus(in_silence(quiet.astype(np.int16), before))
        [found] = find(heard, speaker)
        assert found.marker == marker
        late = found.start_sample / RATE - before / RATE - OPUS_DELAY_SECONDS
        assert abs(late) < 0.001


def test_a_telephone_line_leaves_a_marker_readable() -> None:
    marker = Marker(7, 21)
    heard = through_narrow_band(in_silence(render(marker, Speaker.CALLER, RATE), 5000))
    [found] = find(heard, Speaker.CALLER)
    assert found.marker == marker
    assert abs(found.start_sample - 5000) <= 2 * RATE // 1000


@given(markers, speakers, st.integers(0, 2**32 - 1))
def test_noise_fifteen_decibels_below_hides_no_marker(
    marker: Marker, speaker: Speaker, seed: int
) -> None:
    sound = render(marker, speaker, RATE)
    level = np.sqrt(np.mean(sound.astype(float) ** 2)) * 10 ** (-15 / 20)
    stream = in_silence(sound, 2500)
    noisy = stream + np.random.default_rng(seed).normal(0, level, len(stream))
    [found] = find(noisy.astype(np.int16), speaker)
    assert found.marker == marker
    assert abs(found.start_sample - 2500) <= RATE // 1000


@given(st.integers(0, 2**32 - 1), speakers)
def test_noise_alone_is_no_marker(seed: int, speaker: Speaker) -> None:
    noise = np.random.default_rng(seed).normal(0, 4000, 2 * RATE).astype(np.int16)
    assert find(noise, speaker) == []


@pytest.mark.parametrize("speaker", list(Speaker))
def test_speech_is_no_marker(speaker: Speaker) -> None:
    speech = np.concatenate([in_silence(clip.samples, 160) for clip in all_clips()])
    assert find(speech, speaker) == []


@pytest.mark.parametrize("offset_ms", [-140, -95, -40, 35, 90, 140])
@pytest.mark.parametrize("loud", list(Speaker))
def test_an_echo_over_a_marker_hides_neither(loud: Speaker, offset_ms: int) -> None:
    quiet = Speaker.AGENT if loud is Speaker.CALLER else Speaker.CALLER
    mine, echo = Marker(3, 9, complete=False), Marker(200, 33, wants_tool=True)
    stream = np.zeros(2 * RATE)
    start, echo_start = 12000, 12000 + offset_ms * RATE // 1000
    length = round(MARKER_SECONDS * RATE)
    stream[start : start + length] += render(mine, loud, RATE)
    stream[echo_start : echo_start + length] += render(echo, quiet, RATE) * 10 ** (-12 / 20)
    heard = stream.astype(np.int16)
    assert find(heard, loud) == [Found(mine, start)]
    [found] = find(heard, quiet)
    assert found.marker == echo
    assert abs(found.start_sample - echo_start) <= 2 * RATE // 1000


@given(markers, speakers, st.lists(st.integers(0, 15), max_size=6))
def test_lost_packets_inside_a_marker_never_make_another_of_it(
    marker: Marker, speaker: Speaker, packets: list[int]
) -> None:
    stream = in_silence(render(marker, speaker, RATE), 3200)
    for packet in packets:
        begin = 3200 + packet * RATE // 50
        stream[begin : begin + RATE // 50] = 0
    assert {one.marker for one in find(stream, speaker)} <= {marker}


@given(markers, speakers, st.integers(0, 4799 - 640), st.integers(320, 640))
def test_one_or_two_packets_lost_in_a_row_hide_no_marker(
    marker: Marker, speaker: Speaker, begin: int, length: int
) -> None:
    stream = in_silence(render(marker, speaker, RATE), 3200)
    stream[3200 + begin : 3200 + begin + length] = 0
    [found] = find(stream, speaker)
    assert found.marker == marker
    assert abs(found.start_sample - 3200) <= RATE // 500


@pytest.mark.parametrize("lost", [0, 1])
def test_either_copy_is_enough(lost: int) -> None:
    sound = render(Marker(41, 17), Speaker.AGENT, RATE).copy()
    half = len(sound) // 2
    sound[lost * half : (lost + 1) * half] = 0
    assert find(in_silence(sound, 3200), Speaker.AGENT) == [Found(Marker(41, 17), 3200)]


shifts = st.builds(
    lambda rising, copy: coset(rising=rising, copy=copy), st.booleans(), st.sampled_from((0, 1))
)


@given(st.integers(0, 2**16 - 1), shifts, st.lists(st.integers(0, 5), max_size=2))
def test_two_lost_tones_of_six_are_restored(
    word: int, shift: tuple[int, ...], lost: list[int]
) -> None:
    purity = np.zeros((6, 16))
    for place, tone in enumerate(encode(word, shift)):
        purity[place, tone] = 0.0 if place in lost else 1.0
    assert decode(purity, shift).word == word


@given(st.integers(0, 2**16 - 1), shifts, st.integers(0, 2**32 - 1))
def test_a_decoded_word_leads_by_what_it_says_at_least(
    word: int, shift: tuple[int, ...], seed: int
) -> None:
    purity = np.random.default_rng(seed).uniform(0, 0.6, (6, 16))
    for place, tone in enumerate(encode(word, shift)):
        purity[place, tone] += 0.4
    best = decode(purity, shift)
    scores = np.array(
        [
            sum(purity[place, tone] for place, tone in enumerate(encode(other, shift)))
            for other in {best.word, *np.random.default_rng(seed).integers(0, 2**16, 50)}
        ]
    )
    assert best.score == pytest.approx(scores.max(), abs=1e-4)
    assert best.score - np.sort(scores)[-2] >= best.lead - 1e-4


def test_a_call_number_that_does_not_fit_says_so() -> None:
    with pytest.raises(ValueError, match="call 256 and turn 1; rehearse fewer"):
        Marker(256, 1)
