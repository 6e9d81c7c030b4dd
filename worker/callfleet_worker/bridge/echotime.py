"""Bring the agent's sound and the caller's onto one clock, so that an echo keeps its delay.

A canceller learns one delay, and learns anew whenever that changes. Both sounds are steady in
themselves; what jitters is only the instants at which this process sees them. No clock of its own.
"""

import numpy as np

from callfleet_worker.bridge.sink import MOUTH_RATE, NS_PER_MS, NS_PER_SECOND
from callfleet_worker.bridge.vad import BLOCK_MS, Samples

FAR_BLOCK = MOUTH_RATE * BLOCK_MS // 1000
SAME_REPLY_MS = 30
"""Frames of one reply that seem to begin up to so much too early or too late follow each other."""
DRIFT_MS = 2
KNOWN_AFTER_BLOCKS = 100
"""The caller's sound is later than it was once it was so for a second; a hiccup is shorter."""


class NearClock:
    """Tells when a block was heard from when it arrived: the earliest arrival is the truest."""

    def __init__(self) -> None:
        self._at_ns: int | None = None
        self._blocks = 0
        self._least_late_ns = 0

    def heard(self, arrived_ns: int, blocks: int) -> int:
        """Take the arrival of the next so many blocks; give the instant at which they ended."""
        if self._at_ns is None:
            return self._anchor(arrived_ns)
        self._at_ns += blocks * BLOCK_MS * NS_PER_MS
        late_ns = arrived_ns - self._at_ns
        if late_ns <= 0:
            return self._anchor(arrived_ns)
        self._blocks += blocks
        self._least_late_ns = min(self._least_late_ns, late_ns)
        if self._blocks >= KNOWN_AFTER_BLOCKS:
            return self._anchor(self._at_ns + self._least_late_ns)
        return self._at_ns

    def _anchor(self, at_ns: int) -> int:
        self._at_ns = at_ns
        self._blocks = 0
        self._least_late_ns = NS_PER_SECOND
        return at_ns


class FarLine:
    """What the agent plays, as one line of 24 kHz sound that is read from its beginning."""

    def __init__(self) -> None:
        self._sound: Samples = np.zeros(0, np.int16)
        self._starts_ns = 0
        self._silence: Samples = np.zeros(FAR_BLOCK, np.int16)

    def __bool__(self) -> bool:
        """Whether anything is left to be read."""
        return bool(self._sound.size)

    def say(self, samples: Samples, starts_ns: int) -> None:
        """Take what is played from ``starts_ns`` on."""
        if not self._sound.size:
            self._sound, self._starts_ns = samples, starts_ns
            return
        gap = _samples(starts_ns - self._starts_ns) - len(self._sound)
        if abs(gap) <= SAME_REPLY_MS * MOUTH_RATE // 1000:
            gap = 0
        kept = self._sound if gap >= 0 else self._sound[:gap]
        self._sound = np.concatenate((kept, np.zeros(max(0, gap), np.int16), samples))

    def cut(self, at_ns: int) -> None:
        """Forget what was to be played from ``at_ns`` on."""
        self._sound = self._sound[: max(0, _samples(at_ns - self._starts_ns))]

    def take(self, until_ns: int) -> Samples:
        """Give the 10 ms that were played until this instant; silence where there were none."""
        begins_ns = until_ns - BLOCK_MS * NS_PER_MS
        skip = _samples(begins_ns - self._starts_ns)
        steady = abs(skip) <= DRIFT_MS * MOUTH_RATE // 1000
        skip = 0 if steady else skip
        if not self._sound.size or skip <= -FAR_BLOCK:
            return self._silence
        if skip < 0:
            block = np.concatenate((self._silence[:-skip], self._sound[: FAR_BLOCK + skip]))
        else:
            block = self._sound[skip : skip + FAR_BLOCK]
        self._sound = self._sound[FAR_BLOCK + skip :]
        self._starts_ns = self._starts_ns + BLOCK_MS * NS_PER_MS if steady else until_ns
        return block if len(block) == FAR_BLOCK else np.pad(block, (0, FAR_BLOCK - len(block)))


def _samples(ns: int) -> int:
    return ns * MOUTH_RATE // NS_PER_SECOND
