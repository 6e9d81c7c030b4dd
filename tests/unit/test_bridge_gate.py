"""The noise gate silences the background and clips no syllable."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from callfleet_rehearsal.sound.clips import clips_of
from callfleet_rehearsal.sound.script import Role
from callfleet_worker.bridge.gate import GateOptions, NoiseGate

FRAME = 320
OPTIONS = GateOptions(threshold_dbfs=-40.0)
DELAY = OPTIONS.look_ahead_ms * 16


def gated(samples: NDArray[np.int16], options: GateOptions = OPTIONS) -> NDArray[np.int16]:
    """Pass sound through a gate, and take the look-ahead's delay out again."""
    gate = NoiseGate(options)
    padded = np.concatenate((samples, np.zeros(-len(samples) % FRAME + FRAME, np.int16)))
    out = np.concatenate([gate.push(frame) for frame in padded.reshape(-1, FRAME)])
    return out[DELAY : DELAY + len(samples)]


any_sound = hnp.arrays(np.int16, st.integers(1, 20).map(lambda frames: frames * FRAME))


@given(any_sound, st.floats(-80, -10))
@settings(max_examples=80, deadline=None)
def test_the_gate_never_makes_sound_louder_or_longer(
    samples: NDArray[np.int16], threshold: float
) -> None:
    out = gated(samples, GateOptions(threshold))
    assert len(out) == len(samples)
    assert np.all(np.abs(out.astype(np.int32)) <= np.abs(samples.astype(np.int32)))


@given(any_sound)
@settings(max_examples=40, deadline=None)
def test_sound_that_never_reaches_the_threshold_is_silence(samples: NDArray[np.int16]) -> None:
    quiet = (samples // 512).astype(np.int16)
    assert not gated(quiet, GateOptions(-30.0)).any()


@given(any_sound)
@settings(max_examples=40, deadline=None)
def test_an_open_gate_changes_nothing(samples: NDArray[np.int16]) -> None:
    gate = NoiseGate(GateOptions(-120.0, look_ahead_ms=0))
    out = np.concatenate([gate.push(frame) for frame in samples.reshape(-1, FRAME)])
    assert np.array_equal(out[160:], samples[160:])


def test_no_first_syllable_is_clipped_and_the_pause_between_words_is_silent() -> None:
    noise = (np.random.default_rng(1).normal(0, 40, 16_000)).astype(np.int16)
    for clip in clips_of(Role.CALLER):
        speech = clip.samples
        line = np.concatenate((noise, speech, noise, noise))
        out = gated(line)
        start, end = len(noise), len(noise) + len(speech)
        whole = speech.astype(np.float64)
        lost = whole - out[start:end]
        assert np.sum(lost**2) < 0.001 * np.sum(whole**2), clip.name
        assert not out[: start - 800].any()
        assert not out[end + 16_000 :].any()
