"""Turn a line into samples with the speech engine, trimmed so that its end is audible."""

import io
import subprocess
import wave
from shutil import which

import numpy as np
from numpy.typing import NDArray

from callfleet_rehearsal.sound.script import ENGINE, RATE, Line

_FRAME = RATE // 100
_AUDIBLE = 0.03
"""RMS of the first and the last 10 ms at least (-30 dBFS): the end must be abrupt to be timed."""
_RMS = 0.1
_PEAK = 0.9
_TAPS_EACH_SIDE = 32
STEP = 4
"""Samples are multiples of this (14 bits): a sixth smaller, and no ear tells."""


class EngineMissingError(RuntimeError):
    """The speech engine is not installed, or says something else than its version."""


def engine_version() -> str:
    """Ask the speech engine for its version.

    Raises:
        EngineMissingError: it is not on PATH.

    """
    program = which(ENGINE)
    if program is None:
        message = f"{ENGINE} is not on PATH; install it (Debian: apt-get install {ENGINE})"
        raise EngineMissingError(message)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    words = said.stdout.split()
    return next((word for word in words if word[:1].isdigit()), said.stdout.strip())


def render_line(line: Line) -> NDArray[np.int16]:
    """Say one line: 16 kHz mono, of even loudness, the first and last 10 ms audible."""
    command = [ENGINE, "-v", line.voice, "-s", str(line.pace), "--stdout", line.text]
    said = subprocess.run(command, capture_output=True, check=True)
    with wave.open(io.BytesIO(said.stdout)) as sound:
        rate = sound.getframerate()
        raw = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
    return _shape(_resample(raw / 32768.0, rate), line)


def _shape(sound: NDArray[np.float64], line: Line) -> NDArray[np.int16]:
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME)
    active = frames[np.sqrt((frames**2).mean(axis=1)) > _AUDIBLE / 3]
    if not len(active):
        message = f"{ENGINE} said nothing for {line.name!r} with voice {line.voice!r}"
        raise EngineMissingError(message)
    gain = min(_RMS / float(np.sqrt((active**2).mean())), _PEAK / float(np.abs(sound).max()))
    sound = sound * gain
    level = np.sqrt(np.convolve(sound**2, np.ones(_FRAME) / _FRAME, mode="valid"))
    loud = np.flatnonzero(level >= _AUDIBLE)
    spoken = sound[loud[0] : loud[-1] + _FRAME]
    return (np.round(spoken * (32767 / STEP)) * STEP).astype(np.int16)


def _resample(sound: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Change the rate with a windowed sinc; slow and exact, the same on every machine."""
    count = int(len(sound) * RATE / rate)
    places = np.arange(count) * (rate / RATE)
    cut = min(1.0, RATE / rate) * 0.95
    nearest = np.floor(places).astype(np.int64)
    padded = np.pad(sound, _TAPS_EACH_SIDE + 1)
    result = np.zeros(count)
    for tap in range(-_TAPS_EACH_SIDE + 1, _TAPS_EACH_SIDE + 1):
        distance = places - (nearest + tap)
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / _TAPS_EACH_SIDE, -1, 1))
        result += (
            padded[nearest + tap + _TAPS_EACH_SIDE + 1] * cut * np.sinc(cut * distance) * window
        )
    return result
