"""A line whose other end sends the agent's voice back, as calls show it. Seeded, no clock.

The agent's replies are pushed as the mouth pushes them, a queue ahead, with instants that are off
by some milliseconds; what is heard arrives late by a jitter. All sound is at 16 kHz.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

from callfleet_rehearsal.sound.clips import clips_of
from callfleet_rehearsal.sound.script import Role
from callfleet_rehearsal.sound.voice import Edge, SpeechDetector
from callfleet_worker.bridge.echo import EchoCanceller

RATE = 16_000
FRAME = 320
MS = 1_000_000
NS_PER_SAMPLE = 62_500
FIRST_MS, LATER_MS, QUEUE_MS = 20, 60, 100
Sound = NDArray[np.int16]


@dataclass(frozen=True)
class Reply:
    """A reply that begins at a sample; ``stopped`` is where it is interrupted, if it is.

    ``louder_db`` is how much more of it comes back than of the others.
    """

    begins: int
    sound: Sound
    stopped: int | None = None
    louder_db: float = 0.0


@dataclass(frozen=True)
class Way:
    """The way of the echo. Each reply's delay is off by up to ``wanders_ms``, as buffers adapt.

    ``instants_ms`` is how much the mouth errs about when a frame leaves, ``late_ms`` how late what
    is heard may arrive. ``room`` is the response of a loudspeaker in a room; None lets all pass.
    """

    gain_db: float | None = -12.0
    delay_ms: int = 180
    wanders_ms: int = 20
    instants_ms: int = 8
    late_ms: int = 20
    room: NDArray[np.float64] | None = None
    seed: int = 3


def small_speaker(seed: int = 1) -> NDArray[np.float64]:
    """Make the response of a small loudspeaker in a room: no bass, 300 ms until 60 dB down.

    Scaled to pass as much energy as it gets of a white sound.
    """
    rng = np.random.default_rng(seed)
    seconds = np.arange(round(0.3 * RATE)) / RATE
    late = rng.normal(0, 0.15, len(seconds)) * 10 ** (-3 * seconds / 0.3)
    late[0] = 1.0
    response = late - np.convolve(late, np.ones(48) / 48)[: len(late)]
    scaled: NDArray[np.float64] = response / np.sqrt(np.sum(response**2))
    return scaled


@dataclass
class Heard:
    """What came of a call: as it was heard, as it was cleaned, and what the agent had said."""

    said: Sound
    raw: Sound
    cleaned: Sound
    canceller: EchoCanceller = field(repr=False)


def run(replies: Sequence[Reply], near: Sound, way: Way) -> Heard:
    """Send a call through a canceller: replies, their echo, and the caller's own speech."""
    rng = np.random.default_rng(way.seed)
    said = np.zeros(len(near), np.int16)
    mix = near.astype(np.float64)
    for reply in replies:
        end = len(reply.sound) if reply.stopped is None else reply.stopped - reply.begins
        heard = reply.sound[:end]
        said[reply.begins : reply.begins + len(heard)] = heard[: len(near) - reply.begins]
        if way.gain_db is not None:
            off_ms = rng.uniform(-way.wanders_ms, way.wanders_ms)
            begins = reply.begins + round((way.delay_ms + off_ms) * RATE / 1000)
            _add(mix, begins, _echo(heard, way) * 10 ** (reply.louder_db / 20))
    raw = mix.clip(-32768, 32767).astype(np.int16)
    canceller = EchoCanceller()
    pushes = sorted(
        (push for reply in replies for push in _pushes(reply, way, rng)), key=lambda push: push[0]
    )
    cleaned = []
    for start in range(0, len(raw), FRAME):
        at_ns = (start + FRAME) * NS_PER_SAMPLE + int(rng.uniform(0, way.late_ms) * MS)
        while pushes and pushes[0][0] <= at_ns:
            _, sound, starts_ns = pushes.pop(0)
            if sound is None:
                canceller.stopped(starts_ns)
            else:
                canceller.playing(sound, starts_ns)
        cleaned.append(canceller.clean(raw[start : start + FRAME], at_ns))
    return Heard(said, raw, np.concatenate(cleaned), canceller)


def _add(mix: NDArray[np.float64], begins: int, sound: NDArray[np.float64]) -> None:
    sound = sound[: max(0, len(mix) - begins)]
    mix[begins : begins + len(sound)] += sound


def _echo(sound: Sound, way: Way) -> NDArray[np.float64]:
    gain = 10 ** ((way.gain_db or 0.0) / 20)
    if way.room is None:
        return sound * gain
    size = len(sound) + len(way.room)
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(way.room, size)
    echo: NDArray[np.float64] = np.fft.irfft(spectrum, size) * gain
    return echo


def _pushes(
    reply: Reply, way: Way, rng: np.random.Generator
) -> list[tuple[int, Sound | None, int]]:
    """Say when what is pushed, and for when; the stop of an interruption has no sound."""
    begins_ns = reply.begins * NS_PER_SAMPLE
    stopped_ns = None if reply.stopped is None else reply.stopped * NS_PER_SAMPLE
    far = at_24_khz(reply.sound)
    pushes: list[tuple[int, Sound | None, int]] = []
    position, length = 0, FIRST_MS * 24
    while position < len(far):
        starts_ns = begins_ns + position * 1000 * MS // 24_000
        pushed_ns = max(begins_ns, starts_ns - QUEUE_MS * MS)
        if stopped_ns is not None and pushed_ns >= stopped_ns:
            break
        error_ns = int(rng.uniform(-way.instants_ms, way.instants_ms) * MS)
        pushes.append((pushed_ns, far[position : position + length], starts_ns + error_ns))
        position, length = position + length, LATER_MS * 24
    if stopped_ns is not None:
        pushes.append((stopped_ns, None, stopped_ns))
    return pushes


def at_24_khz(sound: Sound) -> Sound:
    """Change the rate to the mouth's, in whole blocks of 10 ms."""
    resampler = rtc.AudioResampler(RATE, 24_000)
    frames = resampler.push(bytearray(sound.tobytes())) + resampler.flush()
    far = np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])
    return far[: len(far) // 240 * 240]


def talk(count: int = 5, pause_seconds: float = 1.0, begins_seconds: float = 0.4) -> list[Reply]:
    """Let the agent say several replies with pauses between them."""
    replies, begins = [], round(begins_seconds * RATE)
    for clip in clips_of(Role.AGENT)[:count]:
        replies.append(Reply(begins, clip.samples))
        begins += len(clip.samples) + round(pause_seconds * RATE)
    return replies


def length_of(replies: Sequence[Reply]) -> int:
    """Count the samples of a call in which these replies are said, in whole frames."""
    last = max(reply.begins + len(reply.sound) for reply in replies)
    return (last + RATE) // FRAME * FRAME


def stretches(sound: Sound) -> list[tuple[float, float]]:
    """Find what the emulated model would take for speech: begin and end in seconds."""
    detector = SpeechDetector(RATE)
    found: list[tuple[float, float]] = []
    begun = 0
    for edge in detector.feed(np.concatenate((sound, np.zeros(RATE, np.int16)))):
        if edge.edge is Edge.START:
            begun = edge.sample
        else:
            found.append((begun / RATE, edge.sample / RATE))
    return found


def speech_seconds(sound: Sound) -> float:
    """Count how much of it the emulated model would take for speech."""
    return sum(end - begin for begin, end in stretches(sound))


def longest_seconds(sound: Sound) -> float:
    """Give the longest stretch; one of 0.1 s interrupts the agent."""
    return max((end - begin for begin, end in stretches(sound)), default=0.0)
