"""Spot chirps with tones behind them in a stream. Streaming and pure; cheap enough for ten calls.

Work goes in blocks at fixed places of the stream, so that results never depend on how it was cut.
A block is correlated with the chirp; each peak is tried as a marker's start. Where the tones make
no sense, the other speaker's marker may lie over them: it is decoded, taken away, and the tones
are read again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from callfleet_rehearsal.sound import code
from callfleet_rehearsal.sound.waveform import (
    CHIRP_SECONDS,
    SECONDS,
    SYMBOL_SECONDS,
    Floats,
    Samples,
    chirp_template,
    coset,
    samples_of,
    symbol_window,
    tone_hz,
    tone_probe,
)

_BLOCK_SECONDS = 0.1
_QUIET_RMS = 8.0
"""Blocks below this (-72 dBFS) hold no marker worth finding."""
_PEAK = 0.2
"""Correlation, of 1, from which a peak is tried: a marker under another that is 12 dB louder."""
_SURE = 1.15
"""Correlation of the chirp and mean purity of the tones, together, of 2: a packet may be lost
anywhere, yet the other speaker's marker (0.3 and 4 of 6 at most) or speech never gets there."""
_SCORE = 3.4
"""Sum of the six tones' purities, of 6: two may be lost."""
_LEAD = 0.9
"""How far the best word must lead, or the marker is better missed than mistaken."""
_NEAR_SECONDS = 0.015
_PEAKS_PER_BLOCK = 6

Spotted = tuple[int, int]
"""A word and its marker's first sample."""


@dataclass(frozen=True, slots=True)
class _Reading:
    word: int
    start: int
    tones: tuple[int, ...]


class _Correlator:
    """Correlates sound with one chirp; 1.0 is the chirp itself, whatever its level and phase."""

    def __init__(self, *, rising: bool, rate: int) -> None:
        self.coset = coset(rising=rising)
        self._template = chirp_template(rising=rising, rate=rate)
        self._spectra: dict[int, NDArray[np.complex64]] = {}

    def correlate(self, sound: Floats) -> Floats:
        """Give the correlation at each place at which the whole chirp fits in."""
        length = len(self._template)
        size = _fast_size(len(sound))
        if size not in self._spectra:
            spectrum = np.fft.fft(self._template, size)[: size // 2 + 1]
            self._spectra[size] = np.conj(spectrum).astype(np.complex64)
        # The template is analytic, so half of the spectrum is all that it shares with the sound.
        product = np.fft.rfft(sound.astype(np.float32), size) * self._spectra[size]
        places = len(sound) - length + 1
        energy = np.concatenate(([0.0], np.cumsum(sound * sound)))
        local = energy[length:] - energy[:-length]
        strength = np.abs(np.fft.ifft(product, size)[:places])
        floor = length * _QUIET_RMS**2
        result: Floats = strength * np.sqrt(2.0 / np.maximum(local, floor))
        return result


def _fast_size(length: int) -> int:
    """The next size that the transform is fast at: 2^n, 3·2^n or 5·2^n."""
    size = 1 << (length - 1).bit_length()
    return min(s for s in (size, size * 3 // 4, size * 5 // 8) if s >= length)


class Spotter:
    """Finds chirps that rise (or fall) with six tones behind them."""

    def __init__(self, *, rising: bool, rate: int) -> None:
        self._rate = rate
        self._own = _Correlator(rising=rising, rate=rate)
        self._other = _Correlator(rising=not rising, rate=rate)
        self._other_chirp = chirp_template(rising=not rising, rate=rate)
        self._block = samples_of(_BLOCK_SECONDS, rate)
        self._chirp = samples_of(CHIRP_SECONDS, rate)
        self._length = samples_of(SECONDS, rate)
        self._near = samples_of(_NEAR_SECONDS, rate)
        self._kept = np.zeros(2 * self._length, dtype=np.float64)
        self._kept_from = -2 * self._length
        self._pending: list[Samples] = []
        self._received = 0
        self._next_block = 0
        self._doubtful: list[int] = []
        self._last_start = -self._length

    def feed(self, samples: Samples) -> list[Spotted]:
        """Take samples; give the words found, with where they start."""
        self._pending.append(samples)
        self._received += len(samples)
        if not self._due():
            return []
        found: list[Spotted] = []
        self._kept = np.concatenate([self._kept, *self._pending])
        self._pending = []
        while self._due():
            found += self._work_block()
            self._next_block += self._block
        keep_from = self._next_block - 4 * self._length
        if keep_from > self._kept_from:
            self._kept = self._kept[keep_from - self._kept_from :].copy()
            self._kept_from = keep_from
        return found

    def finish(self) -> list[Spotted]:
        """Give the words that the stream's end still held back."""
        return self.feed(np.zeros(3 * self._length + 2 * self._block, dtype=np.int16))

    def _due(self) -> bool:
        return self._received >= self._next_block + self._block + self._length + self._near

    def _sound(self, start: int, end: int) -> Floats:
        return self._kept[start - self._kept_from : end - self._kept_from]

    def _work_block(self) -> list[Spotted]:
        begin, end = self._next_block, self._next_block + self._block
        found: list[Spotted] = []
        ripe = [start for start in self._doubtful if start + 2 * self._length <= end]
        self._doubtful = [start for start in self._doubtful if start not in ripe]
        for start in ripe:
            found += self._accept(self._read_under_other(start))
        for start in self._peaks(begin, end):
            reading = self._read(self._sound(start, start + self._length), start, self._own)
            if reading is None:
                self._doubtful.append(start)
            found += self._accept(reading)
        return found

    def _accept(self, reading: _Reading | None) -> list[Spotted]:
        if reading is None or abs(reading.start - self._last_start) < self._near:
            return []
        self._last_start = reading.start
        return [(reading.word, reading.start)]

    def _peaks(self, begin: int, end: int) -> list[int]:
        sound = self._sound(begin - self._near, end + self._near + self._chirp - 1)
        if np.dot(sound, sound) < len(sound) * _QUIET_RMS**2:
            return []
        places = _peaks(self._own.correlate(sound), self._near)
        starts = [begin - self._near + place for place in places]
        return [start for start in starts if begin <= start < end]

    def _read(self, sound: Floats, start: int, correlator: _Correlator) -> _Reading | None:
        """Read the tones behind a chirp that begins with ``sound``."""
        purity = self._purity(sound)
        if purity.max(axis=1).sum() < _SCORE:
            return None
        best = code.decode(purity, correlator.coset)
        chirp = float(correlator.correlate(sound[: self._chirp])[0])
        if chirp + best.score / code.SYMBOLS < _SURE or best.lead < _LEAD:
            return None
        return _Reading(best.word, start, code.encode(best.word, correlator.coset))

    def _purity(self, sound: Floats) -> Floats:
        """How much of each symbol's sound is each tone; a symbol that fell silent counts less."""
        count = samples_of(SYMBOL_SECONDS, self._rate)
        symbols = np.stack([sound[begin : begin + count] for begin in self._symbol_starts()])
        tones = np.abs(symbols @ tone_probe(self._rate).T) ** 2 / 2
        energy = (symbols * symbols) @ symbol_window(self._rate)
        usual = float(np.sort(energy)[len(energy) // 2]) or 1.0
        purity: Floats = tones / np.maximum(energy, usual / 2)[:, None]
        return np.minimum(purity, 1.0)

    def _symbol_starts(self) -> list[int]:
        return [
            samples_of(CHIRP_SECONDS + i * SYMBOL_SECONDS, self._rate) for i in range(code.SYMBOLS)
        ]

    def _read_under_other(self, start: int) -> _Reading | None:
        """Look for the other speaker's marker over this one, take it away, and read again."""
        begin, end = start - self._length, start + 2 * self._length
        sound = self._sound(begin, end).copy()
        reach = 2 * self._length + self._chirp - 1
        cleaned = False
        for place in _peaks(self._other.correlate(sound[:reach]), self._near):
            over = self._read(sound[place : place + self._length], place, self._other)
            if over is not None:
                self._take_away(sound, over)
                cleaned = True
        if not cleaned:
            return None
        near = sound[self._length - self._near : self._length + self._near + self._chirp]
        shift = int(np.argmax(self._own.correlate(near))) - self._near
        place = self._length + shift
        return self._read(sound[place : place + self._length], start + shift, self._own)

    def _take_away(self, sound: Floats, over: _Reading) -> None:
        """Subtract a marker that was read, each part with the level and phase that fit best."""
        count = samples_of(SYMBOL_SECONDS, self._rate)
        parts = [(0, self._other_chirp)]
        at = np.arange(count) / self._rate
        for tone, begin in zip(over.tones, self._symbol_starts(), strict=True):
            parts.append((begin, np.exp(2j * np.pi * tone_hz(tone) * at)))
        for begin, wave in parts:
            piece = sound[over.start + begin : over.start + begin + len(wave)]
            basis = np.stack([wave.real, wave.imag], axis=1)
            piece -= basis @ np.linalg.lstsq(basis, piece, rcond=None)[0]


def _peaks(correlation: Floats, near: int) -> list[int]:
    """The places of the highest peaks, each the highest within ``near``, in order."""
    left = correlation.copy()
    places: list[int] = []
    for _ in range(_PEAKS_PER_BLOCK):
        place = int(np.argmax(left))
        if left[place] < _PEAK:
            break
        places.append(place)
        left[max(0, place - near) : place + near + 1] = 0.0
    return sorted(places)
