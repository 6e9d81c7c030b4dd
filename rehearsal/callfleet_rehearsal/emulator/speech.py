"""The emulated model's voice: every clip at 24 kHz before the first call, markers at each reply."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from callfleet_rehearsal.emulator.frames import OUTPUT_RATE
from callfleet_rehearsal.emulator.turns import ReplyPlan
from callfleet_rehearsal.sound.clips import CLIP_RATE, clips_of, greeting
from callfleet_rehearsal.sound.marker import Marker, Speaker, render
from callfleet_rehearsal.sound.script import Role

CHUNK_SECONDS = 0.04
CHUNK_SAMPLES = round(OUTPUT_RATE * CHUNK_SECONDS)
GREETING_CLIP = -1
_TAPS = 24


@dataclass(frozen=True, slots=True)
class Speech:
    """A reply ready to be sent, in pieces of 40 ms."""

    chunks: tuple[bytes, ...]
    seconds: float


@cache
def rendered_clips() -> tuple[NDArray[np.int16], ...]:
    """All replies' clips at the output rate; the greeting is the last."""
    clips = [*clips_of(Role.AGENT), greeting()]
    return tuple(_resample(clip.samples) for clip in clips)


def clip_count() -> int:
    """How many clips there are for replies."""
    return len(clips_of(Role.AGENT))


def clip_text(clip: int) -> str:
    """What is said in a clip."""
    return (greeting() if clip == GREETING_CLIP else clips_of(Role.AGENT)[clip]).text


def reply_speech(plan: ReplyPlan) -> Speech:
    """Put the reply's marker before its clip and cut both into pieces."""
    marker = render(Marker(plan.call, plan.turn), Speaker.AGENT, OUTPUT_RATE)
    sound = np.concatenate([marker, rendered_clips()[plan.clip]])
    raw = sound.astype("<i2").tobytes()
    step = CHUNK_SAMPLES * 2
    chunks = tuple(raw[start : start + step] for start in range(0, len(raw), step))
    return Speech(chunks, len(sound) / OUTPUT_RATE)


def _resample(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """16 to 24 kHz: three samples for two, through a windowed sinc."""
    if CLIP_RATE * 3 != OUTPUT_RATE * 2:
        message = f"clips are at {CLIP_RATE} Hz, but three samples for two gives {OUTPUT_RATE} Hz"
        raise ValueError(message)
    stretched = np.zeros(len(samples) * 3)
    stretched[::3] = samples
    steps = np.arange(-_TAPS * 3, _TAPS * 3 + 1)
    lowpass = np.sinc(steps / 3) * np.hanning(len(steps))
    smooth = np.convolve(stretched, lowpass, mode="same")[::2]
    return np.clip(np.round(smooth), -32768, 32767).astype(np.int16)
