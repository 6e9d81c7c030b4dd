"""An agent that is played on a loudspeaker does not hear itself, and callers are not muted."""

from dataclasses import dataclass

import numpy as np
import pytest
from livekit import rtc
from numpy.typing import NDArray

from callfleet_rehearsal.sound.clips import clips_of
from callfleet_rehearsal.sound.script import Role
from callfleet_worker.bridge.echo import EchoCanceller
from callfleet_worker.bridge.echopath import Path, correlate
from callfleet_worker.bridge.vad import EnergyVad, block_levels

RATE = 16_000
FRAME = 320
NS_PER_SAMPLE = 62_500
Sound = NDArray[np.int16]


def agent_speech(clips: int = 5) -> Sound:
    """Several replies with pauses between them."""
    pause = np.zeros(RATE, np.int16)
    parts = [part for clip in clips_of(Role.AGENT)[:clips] for part in (clip.samples, pause)]
    sound = np.concatenate(parts)
    return sound[: len(sound) // (2 * FRAME) * 2 * FRAME]


def at_24_khz(sound: Sound) -> Sound:
    resampler = rtc.AudioResampler(RATE, 24_000)
    frames = resampler.push(bytearray(sound.tobytes())) + resampler.flush()
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])


@dataclass
class Line:
    """What the ears hear while the mouth speaks, sent through a canceller."""

    heard: Sound
    cleaned: Sound
    canceller: EchoCanceller


def call(agent: Sound, near: Sound, echo_db: float | None, delay_ms: int, jitter_ms: int) -> Line:
    """Play the agent, add its echo and the caller's speech, and clean what comes back."""
    rng = np.random.default_rng(3)
    far = at_24_khz(agent)
    mix = near.astype(np.float64)
    if echo_db is not None:
        delay = delay_ms * RATE // 1000
        mix[delay:] += agent[: len(agent) - delay] * 10 ** (echo_db / 20)
    heard = mix.clip(-32768, 32767).astype(np.int16)
    canceller = EchoCanceller()
    cleaned = []
    for start in range(0, len(heard), FRAME):
        if start % (2 * FRAME) == 0:
            played = far[start * 3 // 2 : (start + 2 * FRAME) * 3 // 2]
            canceller.playing(played, start * NS_PER_SAMPLE)
        late_ns = int(rng.integers(0, jitter_ms + 1)) * 1_000_000
        at_ns = (start + FRAME) * NS_PER_SAMPLE + late_ns
        cleaned.append(canceller.clean(heard[start : start + FRAME], at_ns))
    return Line(heard, np.concatenate(cleaned), canceller)


def speech_seconds(sound: Sound) -> float:
    """How long a detector of speech takes this for speech."""
    vad = EnergyVad()
    levels = block_levels(sound, 160)
    return sum(vad.feed(level) and vad.speaking for level in levels) * 0.01


# 80 ms at the caller's device, and what the media path adds to and fro.
@pytest.mark.parametrize("delay_ms", [80 + 100, 80 + 150, 80 + 200])
@pytest.mark.parametrize("jitter_ms", [0, 15])
def test_an_echo_at_minus_12_db_is_no_speech_any_more(delay_ms: int, jitter_ms: int) -> None:
    agent = agent_speech()
    line = call(agent, np.zeros_like(agent), -12, delay_ms, jitter_ms)
    assert speech_seconds(line.heard) > 5
    first, rest = line.cleaned[: 4 * RATE], line.cleaned[4 * RATE :]
    assert speech_seconds(first) < 0.3
    assert speech_seconds(rest) == 0
    assert line.canceller.judge.path is Path.ECHO


def test_a_caller_over_the_agents_echo_survives() -> None:
    agent = agent_speech()
    near = np.zeros_like(agent)
    caller = clips_of(Role.CALLER)[0].samples
    near[5 * RATE : 5 * RATE + len(caller)] = caller
    line = call(agent, near, -12, 230, 10)
    spoken = slice(5 * RATE, 5 * RATE + len(caller))
    assert speech_seconds(line.cleaned[spoken]) > 0.7 * speech_seconds(near[spoken])


@pytest.mark.parametrize("onset_seconds", [0.7, 2.0, 6.0])
def test_a_caller_without_an_echo_is_passed_on_untouched(onset_seconds: float) -> None:
    agent = agent_speech()
    near = np.zeros_like(agent)
    caller = clips_of(Role.CALLER)[1].samples
    onset = int(onset_seconds * RATE)
    near[onset : onset + len(caller)] = caller
    line = call(agent, near, None, 0, 5)
    # Before it is known that there is no echo, the canceller adds a noise that nobody hears.
    assert np.abs(line.cleaned[:RATE].astype(np.int32) - near[:RATE]).max() < 200
    assert np.array_equal(line.cleaned[RATE:], near[RATE:])
    assert line.canceller.judge.path is Path.CLEAR


def test_an_echo_that_begins_in_mid_call_is_noticed() -> None:
    agent = agent_speech()
    line = call(agent, np.zeros_like(agent), None, 0, 0)
    assert line.canceller.judge.path.value == Path.CLEAR
    loud = agent * 10 ** (-12 / 20)
    far = at_24_khz(agent)
    begin_ns = len(agent) * NS_PER_SAMPLE
    heard = []
    for start in range(0, 6 * RATE, FRAME):
        line.canceller.playing(
            far[start * 3 // 2 : (start + FRAME) * 3 // 2], begin_ns + start * NS_PER_SAMPLE
        )
        echo = loud[max(0, start - 3_200) : max(0, start - 3_200) + FRAME].astype(np.int16)
        heard.append(line.canceller.clean(echo, begin_ns + (start + FRAME) * NS_PER_SAMPLE))
    assert line.canceller.judge.path is Path.ECHO
    assert speech_seconds(np.concatenate(heard)[4 * RATE :]) == 0


def test_while_the_agent_is_silent_nothing_is_computed() -> None:
    canceller = EchoCanceller()
    sound = clips_of(Role.CALLER)[0].samples[:FRAME]
    assert canceller.clean(sound, 1_000_000_000) is sound


def test_what_an_interruption_threw_away_is_not_waited_for() -> None:
    canceller = EchoCanceller()
    canceller.playing(np.ones(2_400, np.int16), 0)
    canceller.stopped(0)
    sound = clips_of(Role.CALLER)[0].samples[:FRAME]
    assert canceller.clean(sound, 20_000_000) is sound


def test_the_correlation_tells_an_echo_from_another_voice() -> None:
    rng = np.random.default_rng(5)
    far = rng.normal(0, 1_000, 8_800).astype(np.float32)
    echo = 0.25 * far[2_000:6_000] + rng.normal(0, 300, 4_000).astype(np.float32)
    other = rng.normal(0, 1_000, 4_000).astype(np.float32)
    heights = correlate(echo, far)
    assert heights.max() > 15
    assert heights.argmax() == 4_800 - 2_000
    assert correlate(other, far).max() < 7
    assert correlate(np.zeros(4_000, np.float32), far).max() == 0
