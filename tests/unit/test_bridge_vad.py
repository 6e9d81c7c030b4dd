"""Energy tells speech from background well enough to time it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callfleet_rehearsal.sound.clips import Clip, clips_of
from callfleet_rehearsal.sound.script import Role
from callfleet_worker.bridge.vad import EnergyVad, block_levels, first_loud_sample

BLOCK = 160


def loud_blocks(vad: EnergyVad, samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> list[bool]:
    return [vad.feed(level) and vad.speaking for level in block_levels(samples, BLOCK)]


@pytest.mark.parametrize("clip", clips_of(Role.CALLER), ids=lambda clip: clip.name)
@pytest.mark.parametrize("noise_rms", [0, 10, 40])
def test_the_end_of_a_sentence_is_found_within_a_block_or_two(clip: Clip, noise_rms: int) -> None:
    rng = np.random.default_rng(7)
    quiet = rng.normal(0, noise_rms, 32_000) if noise_rms else np.zeros(32_000)
    speech = clip.samples[: len(clip.samples) // BLOCK * BLOCK]
    line = np.concatenate((quiet, speech, quiet)).astype(np.int16)
    heard = loud_blocks(EnergyVad(), line)
    last = max(number for number, loud in enumerate(heard) if loud)
    assert abs((last + 1) * BLOCK - (len(quiet) + len(speech))) <= 4 * BLOCK


@given(st.floats(-100, -55), st.integers(0, 400))
@settings(max_examples=50, deadline=None)
def test_a_quiet_line_is_never_speech(level: float, blocks: int) -> None:
    vad = EnergyVad()
    assert not any(vad.feed(level) or vad.speaking for _ in range(blocks))


def test_a_click_is_loud_but_no_speech() -> None:
    vad = EnergyVad()
    levels = [-90.0] * 20 + [-10.0, -12.0] + [-90.0] * 20
    assert not any(vad.feed(level) and vad.speaking for level in levels)


def test_a_noisy_street_becomes_background_after_a_while() -> None:
    vad = EnergyVad()
    heard = [vad.feed(-45.0) and vad.speaking for _ in range(1_500)]
    assert any(heard)
    assert not any(heard[-200:])


@given(st.integers(0, 159))
def test_the_first_loud_sample_is_found_exactly(at: int) -> None:
    block = np.zeros(BLOCK, np.int16)
    block[at:] = 20_000
    assert first_loud_sample(block, -50.0) == at
