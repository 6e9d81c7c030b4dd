"""Spot one speaker's markers in a stream. Streaming and pure; cheap enough for ten calls at once.

Work goes in blocks at fixed places of the stream, so that results never depend on how it was cut.
A block is correlated with the chirp; each peak is tried as the start of a marker's copy. Where the
tones make no sense, the other speaker's marker may lie over them: it is read, taken away, and the
tones are read again.
"""

import numpy as np

from callfleet_rehearsal.sound.reading import QUIET_RMS, Reader, Reading
from callfleet_rehearsal.sound.waveform import (
    CHIRP_SECONDS,
    COPY_SECONDS,
    Floats,
    Samples,
    samples_of,
)

_BLOCK_SECONDS = 0.1
_PEAK = 0.2
"""Correlation, of 1, from which a peak is tried: a marker under another that is 12 dB louder."""
_NEAR_SECONDS = 0.015
_PEAKS_PER_BLOCK = 6

Spotted = tuple[int, int]
"""A word and its marker's first sample."""


class Spotter:
    """Finds the markers whose chirps rise (or fall)."""

    def __init__(self, *, rising: bool, rate: int) -> None:
        self._own = Reader(rising=rising, rate=rate)
        self._other = Reader(rising=not rising, rate=rate)
        self._block = samples_of(_BLOCK_SECONDS, rate)
        self._chirp = samples_of(CHIRP_SECONDS, rate)
        self._length = samples_of(COPY_SECONDS, rate)
        self._near = samples_of(_NEAR_SECONDS, rate)
        self._kept = np.zeros(4 * self._length, dtype=np.float64)
        self._kept_from = -4 * self._length
        self._pending: list[Samples] = []
        self._received = 0
        self._next_block = 0
        self._doubtful: list[int] = []
        self._last_start = -4 * self._length
        self._last_word = -1

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
        keep_from = self._next_block - 6 * self._length
        if keep_from > self._kept_from:
            self._kept = self._kept[keep_from - self._kept_from :].copy()
            self._kept_from = keep_from
        return found

    def finish(self) -> list[Spotted]:
        """Give the words that the stream's end still held back."""
        return self.feed(np.zeros(6 * self._length + 2 * self._block, dtype=np.int16))

    def _due(self) -> bool:
        return self._received >= self._next_block + self._block + 2 * self._length + self._near

    def _sound(self, start: int, end: int) -> Floats:
        return self._kept[start - self._kept_from : end - self._kept_from]

    def _work_block(self) -> list[Spotted]:
        begin, end = self._next_block, self._next_block + self._block
        found: list[Spotted] = []
        ripe = [start for start in self._doubtful if start + self._length <= end]
        self._doubtful = [start for start in self._doubtful if start + self._length > end]
        for start in ripe:
            found += self._accept(self._read_under_other(start))
        for start in self._peaks(begin, end):
            if abs(start - self._last_start - self._length) < self._near:
                continue  # the second copy of a marker that was found
            reading = self._read(self._sound(start - self._length, start + 2 * self._length), start)
            if reading is None:
                self._doubtful.append(start)
            found += self._accept(reading)
        return found

    def _accept(self, reading: Reading | None) -> list[Spotted]:
        """Report a marker once, whichever of its copies led to it."""
        if reading is None:
            return []
        after = abs(reading.start - self._last_start)
        if after < self._near or (reading.word == self._last_word and after < 2 * self._length):
            return []
        self._last_start, self._last_word = reading.start, reading.word
        return [(reading.word, reading.start)]

    def _peaks(self, begin: int, end: int) -> list[int]:
        sound = self._sound(begin - self._near, end + self._near + self._chirp - 1)
        if np.dot(sound, sound) < len(sound) * QUIET_RMS**2:
            return []
        places = _peaks(self._own.correlator.correlate(sound), self._near)
        starts = [begin - self._near + place for place in places]
        return [start for start in starts if begin <= start < end]

    def _read(self, sound: Floats, start: int) -> Reading | None:
        """Read a marker with a copy at ``start``, which is the second third of ``sound``."""
        reading = self._own.read(sound)
        if reading is None:
            return None
        return Reading(reading.word, reading.start + start - self._length)

    def _read_under_other(self, start: int) -> Reading | None:
        """Look for the other speaker's copies over this one, take them away, and read again."""
        begin = start - 2 * self._length
        sound = self._sound(begin, start + 3 * self._length).copy()
        correlation = self._other.correlator.correlate(sound)
        cleaned = False
        for place in _peaks(correlation[: 4 * self._length], self._near):
            tones = self._other.read_copy(sound[place : place + self._length])
            if tones is not None:
                self._other.take_away(sound, place, tones)
                cleaned = True
        if not cleaned:
            return None
        around = sound[2 * self._length - self._near : 2 * self._length + self._near + self._chirp]
        shift = int(np.argmax(self._own.correlator.correlate(around))) - self._near
        middle = 2 * self._length + shift
        return self._read(sound[middle - self._length : middle + 2 * self._length], start + shift)


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
