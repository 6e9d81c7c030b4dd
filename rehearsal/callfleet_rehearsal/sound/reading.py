"""Read what stands behind a chirp: each copy's tones, and the word that both copies share. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from callfleet_rehearsal.sound import code
from callfleet_rehearsal.sound.waveform import (
    CHIRP_SECONDS,
    COPY_SECONDS,
    SYMBOL_SECONDS,
    Floats,
    chirp_template,
    samples_of,
    symbol_window,
    tone_hz,
    tone_probe,
)

QUIET_RMS = 8.0
"""Sound below this (-72 dBFS) holds no marker worth finding."""
_WORTH_READING = 2.4
"""Sum of the six tones' purities, of 6, below which nobody looks further."""
_CHIRP = 0.4
"""Correlation that one chirp at least must have: the other speaker's has 0.3 at most."""
_SURE = 1.15
"""Correlation of the better chirp and mean purity of the tones, together, of 2: packets may be
lost anywhere, yet speech never gets there.
"""
_CLEAR_CHIRP, _CLEAR_SCORE = 0.7, 4.8
"""Correlation of the chirp, and purities of six tones that are a word, for one copy to do alone."""
_LEAD = 0.55
"""How far the best word must lead, or the marker is better missed than mistaken."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A word, and where its first copy begins in the sound that was read."""

    word: int
    start: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two copies taken together; decoding can only make less of them than ``most``."""

    purity: Floats
    chirps: list[float]

    @property
    def most(self) -> float:
        return float(self.purity.max(axis=1).sum()) + sum(self.chirps)

    @property
    def surest(self) -> float:
        return max(self.chirps) + float(self.purity.max(axis=1).mean())


class Correlator:
    """Correlates sound with one chirp; 1.0 is the chirp itself, whatever its level and phase."""

    def __init__(self, *, rising: bool, rate: int) -> None:
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
        floor = length * QUIET_RMS**2
        result: Floats = strength * np.sqrt(2.0 / np.maximum(local, floor))
        return result


def _fast_size(length: int) -> int:
    """The next size that the transform is fast at: 2^n, 3·2^n or 5·2^n."""
    size = 1 << (length - 1).bit_length()
    return min(s for s in (size, size * 3 // 4, size * 5 // 8) if s >= length)


class Reader:
    """Reads one speaker's markers."""

    def __init__(self, *, rising: bool, rate: int) -> None:
        self.correlator = Correlator(rising=rising, rate=rate)
        self._rate = rate
        self._chirp = chirp_template(rising=rising, rate=rate)
        self._length = samples_of(COPY_SECONDS, rate)
        self._symbol = samples_of(SYMBOL_SECONDS, rate)
        self._symbol_starts = [
            samples_of(CHIRP_SECONDS + i * SYMBOL_SECONDS, rate) for i in range(code.SYMBOLS)
        ]
        self._cosets = [code.coset(rising=rising, copy=copy) for copy in range(code.COPIES)]

    def read(self, sound: Floats) -> Reading | None:
        """Read a marker one of whose copies begins at the second third of ``sound``."""
        length = self._length
        middle = self._purity(sound[length : 2 * length])
        if middle.max(axis=1).sum() < _WORTH_READING:
            return None
        return self._read_both(sound, middle) or self._read_clear_copy(sound[length:], middle)

    def _read_clear_copy(self, sound: Floats, purity: Floats) -> Reading | None:
        """Read one clear copy alone: a stall within the other moves its tones out of place."""
        if self._chirp_in(sound) < _CLEAR_CHIRP:
            return None
        for copy, coset in enumerate(self._cosets):
            word = code.decode_plainly(purity, coset)
            if word is not None and word.score >= _CLEAR_SCORE:
                return Reading(word.word, (1 - copy) * self._length)
        return None

    def _read_both(self, sound: Floats, middle: Floats) -> Reading | None:
        length = self._length
        chirps = [self._chirp_in(sound[place * length :]) for place in range(3)]
        purities = [self._purity(sound[:length]), middle, self._purity(sound[2 * length :])]
        # The copy in the middle is the second of two, or the first.
        pairs = [_Pair(self._both(purities[at : at + 2]), chirps[at : at + 2]) for at in (0, 1)]
        likely = max(pairs, key=lambda pair: pair.most)
        if max(likely.chirps) < _CHIRP or likely.surest < _SURE:
            return None
        totals = [pair.most for pair in pairs]
        best = self._decode_better(pairs, totals)
        at = int(totals[1] >= totals[0])
        lead = min(best.lead, abs(totals[0] - totals[1]))
        if max(pairs[at].chirps) + best.score / code.SYMBOLS < _SURE or lead < _LEAD:
            return None
        return Reading(best.word, at * length)

    def _decode_better(self, pairs: list[_Pair], totals: list[float]) -> code.Decoded:
        """Decode the pair that comes out better, and correct ``totals`` of what was decoded."""
        first = int(totals[1] >= totals[0])
        words = {first: code.decode(pairs[first].purity, code.NO_SHIFT)}
        totals[first] = words[first].score + sum(pairs[first].chirps)
        if totals[first] - totals[1 - first] < _LEAD:
            words[1 - first] = code.decode(pairs[1 - first].purity, code.NO_SHIFT)
            totals[1 - first] = words[1 - first].score + sum(pairs[1 - first].chirps)
        return words[max(words, key=lambda at: totals[at])]

    def read_copy(self, sound: Floats) -> tuple[int, ...] | None:
        """Read the tones of one undamaged copy that begins with ``sound``, whichever it is."""
        purity = self._purity(sound)
        for coset in self._cosets:
            word = code.decode_plainly(purity, coset)
            if word is not None and self._chirp_in(sound) + word.score / code.SYMBOLS >= _SURE:
                return code.encode(word.word, coset)
        return None

    def take_away(self, sound: Floats, start: int, tones: tuple[int, ...]) -> None:
        """Subtract a copy that was read, each part with the level and phase that fit best."""
        parts = [(0, self._chirp)]
        at = np.arange(self._symbol) / self._rate
        for tone, begin in zip(tones, self._symbol_starts, strict=True):
            parts.append((begin, np.exp(2j * np.pi * tone_hz(tone) * at)))
        for begin, wave in parts:
            piece = sound[start + begin : start + begin + len(wave)]
            basis = np.stack([wave.real, wave.imag], axis=1)
            piece -= basis @ np.linalg.lstsq(basis, piece, rcond=None)[0]

    def _both(self, purities: list[Floats]) -> Floats:
        """Add up two copies, as if both were the word itself."""
        pairs = zip(purities, self._cosets, strict=True)
        summed: Floats = np.mean([code.unshift(purity, coset) for purity, coset in pairs], axis=0)
        return summed

    def _chirp_in(self, sound: Floats) -> float:
        return float(self.correlator.correlate(sound[: len(self._chirp)])[0])

    def _purity(self, sound: Floats) -> Floats:
        """How much of each symbol's sound is each tone; a symbol that fell silent counts less."""
        symbols = np.stack([sound[begin : begin + self._symbol] for begin in self._symbol_starts])
        tones = np.abs(symbols @ tone_probe(self._rate).T) ** 2 / 2
        energy = (symbols * symbols) @ symbol_window(self._rate)
        usual = max(float(np.sort(energy)[len(energy) // 2]), QUIET_RMS**2)
        purity: Floats = tones / np.maximum(energy, usual / 2)[:, None]
        return np.minimum(purity, 1.0)
