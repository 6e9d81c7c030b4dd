"""How each copy in a marker sounds: a 30 ms chirp, six tones of 20 ms, phase-continuous. Pure."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from callfleet_rehearsal.sound.code import SYMBOLS, TONES

CHIRP_SECONDS = 0.030
SYMBOL_SECONDS = 0.020
COPY_SECONDS = CHIRP_SECONDS + SYMBOLS * SYMBOL_SECONDS
AMPLITUDE = 0.25 * 32767
_LOW_HZ, _HIGH_HZ = 500.0, 3000.0
_FIRST_TONE_HZ, _TONE_STEP_HZ = 600.0, 150.0
_EDGE_SECONDS = 0.003

Samples = NDArray[np.int16]
Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


def samples_of(seconds: float, rate: int) -> int:
    """How many samples a stretch has at a rate."""
    return round(seconds * rate)


def tone_hz(tone: int) -> float:
    """The frequency of tone number 0 to 15."""
    return _FIRST_TONE_HZ + _TONE_STEP_HZ * tone


def _chirp_phase(rising: bool, rate: int) -> Floats:
    """Phase of the chirp at each of its samples."""
    at = np.arange(samples_of(CHIRP_SECONDS, rate)) / rate
    begin, end = (_LOW_HZ, _HIGH_HZ) if rising else (_HIGH_HZ, _LOW_HZ)
    phase: Floats = 2 * np.pi * (begin * at + (end - begin) * at**2 / (2 * CHIRP_SECONDS))
    return phase


def _fade_in(rate: int) -> Floats:
    edge = samples_of(_EDGE_SECONDS, rate)
    rise: Floats = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    return rise


def draw(tones: tuple[int, ...], *, rising: bool, rate: int) -> Samples:
    """Make the sound of a chirp and its tones."""
    chirp = _chirp_phase(rising, rate)
    total = samples_of(COPY_SECONDS, rate)
    borders = [samples_of(CHIRP_SECONDS + i * SYMBOL_SECONDS, rate) for i in range(SYMBOLS + 1)]
    phase = np.empty(total)
    phase[: len(chirp)] = chirp
    last = chirp[-1]
    for tone, begin, end in zip(tones, borders, borders[1:], strict=False):
        phase[begin:end] = last + 2 * np.pi * tone_hz(tone) * np.arange(1, end - begin + 1) / rate
        last = phase[end - 1]
    wave = AMPLITUDE * np.sin(phase)
    rise = _fade_in(rate)
    wave[: len(rise)] *= rise
    wave[-len(rise) :] *= rise[::-1]
    return np.round(wave).astype(np.int16)


@cache
def chirp_template(*, rising: bool, rate: int) -> Complexes:
    """The chirp as an analytic signal of unit energy, for correlation whatever its phase."""
    wave = np.exp(1j * _chirp_phase(rising, rate))
    rise = _fade_in(rate)
    wave[: len(rise)] *= rise
    template: Complexes = wave / np.sqrt(np.sum(np.abs(wave) ** 2))
    return template


@cache
def tone_probe(rate: int) -> Complexes:
    """Sixteen rows that measure the tones of one symbol; a pure tone of amplitude 1 gives 1."""
    count = samples_of(SYMBOL_SECONDS, rate)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(count) + 0.5) / count)
    at = np.arange(count) / rate
    hertz = np.array([tone_hz(tone) for tone in range(TONES)])
    probe: Complexes = np.exp(-2j * np.pi * hertz[:, None] * at) * window * (2 / window.sum())
    return probe


@cache
def symbol_window(rate: int) -> Floats:
    """The weight of each sample in a symbol's energy, as the probe weighs it; sums to 1."""
    count = samples_of(SYMBOL_SECONDS, rate)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(count) + 0.5) / count)
    weights: Floats = window / window.sum()
    return weights
