"""Tell a caller's voice from what is left of the agent's echo, by how loud that echo can be.

A canceller that learns a path anew leaves the whole echo for a while, and mutes callers in its
first seconds. How loud an echo is at most does not need to be learnt anew: band by band, what the
agent said a known time ago, times how much of it came back before. What is louder is somebody else.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from callfleet_worker.bridge.sink import EARS_RATE, MOUTH_RATE
from callfleet_worker.bridge.vad import BLOCK_MS, FULL_SCALE_POWER, Samples

Bands = NDArray[np.float32]

HISTORY_BLOCKS = 120
WINDOW_BLOCKS = 50
SPREAD_BLOCKS = 4
"""How far an echo may stray from its known delay, to either side: two frames of 20 ms."""
MARGIN = 10 ** (6 / 10)
"""What is louder than the loudest echo by 6 dB in some band is surely the caller."""
SPREAD = 10 ** (-15 / 10)
"""A loudspeaker's distortion and a codec's noise: so much of the echo comes back in any band."""
ROOM_FALL = 10 ** (-1.5 / 10)
"""How much an echo falls in a block, at the slowest: 60 dB in 0.4 s."""
NOISE_MARGIN = 4.0
NOISE_SMOOTHING = 0.1
NOISE_RISE = 10 ** (0.03 / 10)
"""A line's noise is the least that was heard over some 0.1 s, and rises by 3 dB in a second."""
AUDIBLE_POWER = FULL_SCALE_POWER * 10 ** (-52 / 10)
_FAINT_POWER = AUDIBLE_POWER / 100
LEAST_SHARE = 0.25
"""More than the echo is heard where a quarter of the sound is not to be expected of it."""
ONSET_BLOCKS = 2
HOLD_BLOCKS = 12
FASTEST_FALL, FASTEST_RISE = 0.7, 1.2
_EDGES_HZ = (150, 300, 500, 750, 1_050, 1_450, 2_000, 2_700, 3_600, 4_800)
_HIGHEST_HZ = 7_000
_STEP_HZ = 1_000 // (2 * BLOCK_MS)
_STARTS = np.array([edge // _STEP_HZ for edge in _EDGES_HZ])
_HIGHEST = _HIGHEST_HZ // _STEP_HZ


class Spectrum:
    """Gives each block's energy in bands, together with the block before: 20 ms, Hann."""

    def __init__(self, rate: int) -> None:
        self._block = rate * BLOCK_MS // 1000
        length = 2 * self._block
        # Scaled so that a band's sum is the mean square of the samples in it.
        window = np.hanning(length) * np.sqrt(2 / (length * length * 0.375))
        self._window = window.astype(np.float32)
        self._sound = np.zeros(length, np.float32)

    def bands(self, block: Samples) -> Bands:
        """Take the next 10 ms; give mean squares, one for each band."""
        sound = self._sound
        sound[: self._block] = sound[self._block :]
        sound[self._block :] = block
        spectrum = np.fft.rfft(sound * self._window)[:_HIGHEST]
        bands: Bands = np.add.reduceat((spectrum * spectrum.conj()).real, _STARTS)
        return bands


class History:
    """The latest rows of bands, oldest first, in one piece of memory."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._memory = np.zeros((8 * rows, len(_EDGES_HZ)), np.float32)
        self._end = rows

    def add(self, bands: Bands) -> None:
        """Take the newest row; the oldest is forgotten."""
        if self._end == len(self._memory):
            self._memory[: self._rows] = self._memory[-self._rows :]
            self._end = self._rows
        self._memory[self._end] = bands
        self._end += 1

    def rows(self, first: int, last: int) -> Bands:
        """Give rows by age: ``rows(0, 1)`` is the newest alone, ``rows(3, 5)`` two older ones."""
        return self._memory[self._end - last : self._end - first]


class Voices(StrEnum):
    """Whose voice is heard, as far as its level tells."""

    UNKNOWN = "unknown"
    ECHO = "echo"
    PERHAPS_CALLER = "perhaps_caller"
    CALLER = "caller"


class Excess:
    """Holds on for some 120 ms to what was true of two blocks in a row: a word has soft parts."""

    def __init__(self) -> None:
        self._over = self._held = 0

    def take(self, heard: Bands, expected: Bands) -> bool:
        """Say whether so much of what is heard was not to be expected."""
        more = float(np.maximum(heard - expected, 0).sum())
        over = more > AUDIBLE_POWER and more > LEAST_SHARE * float(heard.sum())
        self._over = self._over + 1 if over else 0
        self._held = HOLD_BLOCKS if self._over >= ONSET_BLOCKS else self._held - 1
        return self._held > 0


class EchoLevel:
    """Knows how loud an echo can be now. Delays count blocks, from said to heard."""

    def __init__(self) -> None:
        nothing = np.zeros(len(_EDGES_HZ), np.float32)
        self._near_spectrum, self._far_spectrum = Spectrum(EARS_RATE), Spectrum(MOUTH_RATE)
        self._far, self._near = History(HISTORY_BLOCKS), History(WINDOW_BLOCKS)
        self._echo = nothing
        self._smooth: Bands | None = None
        self._noise = np.full(len(_EDGES_HZ), np.inf, np.float32)
        self._coupling: Bands | None = None
        self._surely, self._perhaps = Excess(), Excess()

    def take(self, near: Samples, far: Samples, delays: tuple[int, ...]) -> Voices:
        """Take 10 ms heard and the 10 ms said at that time; say whose voice is heard."""
        heard = self._near_spectrum.bands(near)
        self._far.add(self._far_spectrum.bands(far))
        self._near.add(heard)
        self._follow_noise(heard)
        if not delays or self._coupling is None:
            return Voices.UNKNOWN
        self._expect(delays, self._coupling)
        heard = np.maximum(heard - NOISE_MARGIN * self._noise, 0)
        expected = MARGIN * self._echo + SPREAD * self._echo.sum()
        surely = self._surely.take(heard, expected)
        perhaps = self._perhaps.take(heard, expected / MARGIN)
        if surely:
            return Voices.CALLER
        return Voices.PERHAPS_CALLER if perhaps else Voices.ECHO

    def learn(self, delay: int) -> None:
        """Take note of how much came back in the last half second: there was only echo in it."""
        far = self._far.rows(delay, delay + WINDOW_BLOCKS).sum(axis=0)
        near = self._near.rows(0, WINDOW_BLOCKS).sum(axis=0)
        known = far > WINDOW_BLOCKS * _FAINT_POWER
        if not known.any():
            return
        whole = near[known].sum() / far[known].sum()
        seen = np.where(known, near / np.maximum(far, 1.0), whole)
        if self._coupling is not None:
            seen = self._coupling * np.clip(seen / self._coupling, FASTEST_FALL, FASTEST_RISE)
            seen = np.where(known, seen, self._coupling)
        self._coupling = np.maximum(seen, whole / 4).astype(np.float32)

    def _follow_noise(self, heard: Bands) -> None:
        before = heard if self._smooth is None else self._smooth
        self._smooth = smooth = before + np.float32(NOISE_SMOOTHING) * (heard - before)
        noise: Bands = np.maximum(np.minimum(smooth, self._noise), _FAINT_POWER)
        self._noise = noise * np.float32(NOISE_RISE)

    def _expect(self, delays: tuple[int, ...], coupling: Bands) -> None:
        self._echo = self._echo * np.float32(ROOM_FALL)
        for delay in set(delays):
            said = self._far.rows(max(0, delay - SPREAD_BLOCKS), delay + SPREAD_BLOCKS + 1)
            self._echo = np.maximum(self._echo, coupling * said.max(axis=0))
