"""Whatever arrives becomes one steady 16 kHz mono stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from callfleet_worker.bridge.normalise import Normaliser, mix_down

FRAME = 320
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
# What a resampler may still hold, or round, each time that it is taken over from.
SLACK_SAMPLES = 4

stretch = st.tuples(
    st.one_of(st.sampled_from(RATES), st.integers(4_000, 96_000)),
    st.integers(1, 3),
    st.integers(0, 30),
)


def sound(rate: int, channels: int, milliseconds: int, start: float = 0.0) -> NDArray[np.int16]:
    count = rate * milliseconds // 1000
    times = start + np.arange(count) / rate
    mono = (8_000 * np.sin(2 * np.pi * 400 * times)).astype(np.int16)
    return np.repeat(mono, channels)


def rest_of(normaliser: Normaliser) -> list[NDArray[np.int16]]:
    """Take out what waits for a whole frame, by silence that completes it."""
    return normaliser.push(np.zeros(FRAME - 1, np.int16), 16_000, 1)


@given(st.lists(stretch, max_size=12))
@settings(max_examples=120, deadline=None)
def test_no_change_of_rate_or_channels_loses_time_or_raises(
    stretches: list[tuple[int, int, int]],
) -> None:
    normaliser = Normaliser(20)
    given_seconds = 0.0
    frames = []
    for rate, channels, milliseconds in stretches:
        samples = sound(rate, channels, milliseconds)
        given_seconds += len(samples) / channels / rate
        frames += normaliser.push(samples, rate, channels)
    frames += rest_of(normaliser)
    assert all(len(frame) == FRAME and frame.dtype == np.int16 for frame in frames)
    slack = SLACK_SAMPLES * (len(stretches) + 1)
    got = len(frames) * FRAME
    assert given_seconds * 16_000 - slack <= got < given_seconds * 16_000 + FRAME + slack


@given(st.integers(-10, 1_000_000), st.integers(-3, 9), st.integers(0, 999))
@settings(deadline=None)
def test_what_is_no_sound_is_refused_and_never_raises(rate: int, channels: int, size: int) -> None:
    normaliser = Normaliser(20)
    normaliser.push(np.ones(size, np.int16), rate, channels)
    assert normaliser.push(np.ones(FRAME, np.int16), 16_000, 1) is not None


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_keeps_its_pitch_and_its_level(rate: int, channels: int) -> None:
    normaliser = Normaliser(20)
    frames = normaliser.push(sound(rate, channels, 1_000), rate, channels) + rest_of(normaliser)
    middle = np.concatenate(frames)[3_200:12_800].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(middle))
    assert abs(np.argmax(spectrum) * 16_000 / len(middle) - 400) < 5
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(8_000 / np.sqrt(2), rel=0.03)


def test_a_phone_that_changes_cell_in_mid_sentence_leaves_no_hole() -> None:
    normaliser = Normaliser(20)
    frames: list[NDArray[np.int16]] = []
    for number, rate in enumerate((16_000, 8_000, 48_000, 8_000, 44_100, 16_000)):
        frames += normaliser.push(sound(rate, 1, 500, start=number * 0.5), rate, 1)
    loudness = np.abs(np.concatenate(frames).astype(np.int32)).reshape(-1, 80).max(axis=1)
    assert loudness.min() > 6_000


def test_a_steady_stream_in_the_right_form_is_passed_on_as_it_is() -> None:
    samples = sound(16_000, 1, 20)
    (frame,) = Normaliser(20).push(samples, 16_000, 1)
    assert frame is samples


def test_channels_are_averaged_and_an_incomplete_sample_is_dropped() -> None:
    stereo = np.array([100, 300, -50, 50, 32_767, 32_767, 7], np.int16)
    assert mix_down(stereo, 2).tolist() == [200, 0, 32_767]
