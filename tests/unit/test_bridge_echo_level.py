"""How loud an echo can be, learnt from how loud it was, and where it is now."""

import numpy as np
from numpy.typing import NDArray

from callfleet_worker.bridge.echolevel import EchoLevel, Voices
from callfleet_worker.bridge.echopath import DelayTracker

Sound = NDArray[np.int16]
DELAY = 12
MOST_DELAYS = 4_800


def noise(rate: int, decibels: float, seed: int) -> list[Sound]:
    """Two seconds of noise in blocks of 10 ms; 0 dB is a loud voice."""
    sound = np.random.default_rng(seed).normal(0, 3_000 * 10 ** (decibels / 20), 2 * rate)
    return list(sound.astype(np.int16).reshape(200, rate // 100))


def heard_by(level: EchoLevel, echo_db: float, more_db: float | None) -> Voices:
    """Let the level hear an echo for two seconds, and then perhaps a voice beside it."""
    far, near = noise(24_000, 0, 1), noise(16_000, echo_db, 2)
    for said, heard in zip(far, near, strict=True):
        level.take(heard, said, (DELAY, DELAY))
    level.learn(DELAY)
    voices = Voices.UNKNOWN
    voice = noise(16_000, -200 if more_db is None else more_db, 3)
    for said, heard, more in zip(far[:20], near, voice, strict=False):
        voices = level.take(heard + more, said, (DELAY, DELAY))
    return voices


def heights(delay: int, height: float) -> NDArray[np.float32]:
    """Make a correlation with one peak, by delay in samples of 8 kHz."""
    made = np.random.default_rng(delay).normal(0, 1, MOST_DELAYS).astype(np.float32)
    made[delay] = height
    return made


def test_what_is_as_loud_as_the_echo_was_is_echo() -> None:
    assert heard_by(EchoLevel(), -12, None) is Voices.ECHO


def test_what_is_much_louder_than_the_echo_was_is_the_caller() -> None:
    assert heard_by(EchoLevel(), -12, 0) is Voices.CALLER


def test_what_is_a_little_louder_than_the_echo_is_perhaps_the_caller() -> None:
    assert heard_by(EchoLevel(), -12, -9) is Voices.PERHAPS_CALLER


def test_the_noise_of_a_line_is_nobody() -> None:
    level = EchoLevel()
    humming, far = noise(16_000, -12, 4), noise(24_000, 0, 1)
    for said, echo, hum in zip(far, noise(16_000, -12, 2), humming, strict=True):
        level.take(echo + hum, said, (DELAY, DELAY))
    level.learn(DELAY)
    silence = np.zeros(240, np.int16)
    voices = [level.take(hum, silence, (DELAY, DELAY)) for hum in humming]
    assert set(voices) == {Voices.ECHO}


def test_as_long_as_nothing_was_learnt_nobody_is_accused() -> None:
    level = EchoLevel()
    far, near = noise(24_000, 0, 1), noise(16_000, -12, 2)
    voices = {level.take(*pair, (DELAY, DELAY)) for pair in zip(near, far, strict=True)}
    assert voices == {Voices.UNKNOWN}


def test_a_single_look_does_not_move_the_delay_but_is_minded() -> None:
    tracker = DelayTracker()
    for _ in range(4):
        tracker.see(heights(1_440, 20.0))
    assert tracker.blocks == (18, 18)
    assert tracker.agrees
    tracker.see(heights(240, 60.0))
    assert tracker.blocks == (18, 3)
    assert not tracker.agrees


def test_a_delay_that_has_changed_is_followed_within_a_second() -> None:
    tracker = DelayTracker()
    for _ in range(40):
        tracker.see(heights(1_440, 20.0))
    for _ in range(4):
        tracker.see(heights(2_400, 20.0))
    assert tracker.blocks == (30, 30)


def test_a_look_that_shows_no_clear_peak_changes_nothing() -> None:
    tracker = DelayTracker()
    tracker.see(heights(1_440, 20.0))
    tracker.see(heights(2_400, 8.0))
    assert tracker.blocks == (18, 18)
