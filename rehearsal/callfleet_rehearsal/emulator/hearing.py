"""Turn the client's audio messages into what the listener needs: speech, markers, arrival times."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from callfleet_rehearsal.emulator.listening import LISTEN_RATE, HeardSound
from callfleet_rehearsal.sound.marker import Marker, MarkerFinder, Speaker
from callfleet_rehearsal.sound.voice import Edge, SpeechDetector

SLICE_SAMPLES = LISTEN_RATE // 50
REMEMBERED_SLICES = 16


@dataclass(frozen=True, slots=True)
class HeardSlice:
    """Up to 20 ms of sound: what the detector says, and the markers that became certain."""

    sound: HeardSound
    markers: tuple[Marker, ...]
    began: bool
    ended: bool


class Ear:
    """Hears one session. Keeps the arrival of the latest slices, to date the last speech."""

    def __init__(self) -> None:
        self._detector = SpeechDetector(LISTEN_RATE)
        self._finder = MarkerFinder(Speaker.CALLER, LISTEN_RATE)
        self._position = 0
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_SLICES)
        self._last_speech_ns = 0

    @property
    def heard_seconds(self) -> float:
        """All sound so far."""
        return self._position / LISTEN_RATE

    def hear(self, pcm: bytes, rate: int, arrived_ns: int) -> list[HeardSlice]:
        """Take in one message."""
        samples = np.frombuffer(pcm, dtype="<i2")
        if rate != LISTEN_RATE:
            samples = _resample(samples, rate)
        return [
            self._slice(samples[start : start + SLICE_SAMPLES], arrived_ns)
            for start in range(0, len(samples), SLICE_SAMPLES)
        ]

    def _slice(self, samples: NDArray[np.int16], arrived_ns: int) -> HeardSlice:
        self._position += len(samples)
        self._arrivals.append((self._position, arrived_ns))
        before = self._detector.last_speech_sample
        edges = self._detector.feed(samples)
        last = self._detector.last_speech_sample
        if last is not None and last != before:
            self._last_speech_ns = self._arrival_of(last)
        onsets = [edge.sample for edge in edges if edge.edge is Edge.START]
        return HeardSlice(
            sound=HeardSound(
                position=self._position,
                last_speech=last or 0,
                last_speech_ns=self._last_speech_ns,
                onset=onsets[0] if onsets else None,
            ),
            markers=tuple(found.marker for found in self._finder.feed(samples)),
            began=bool(onsets),
            ended=len(edges) > len(onsets),
        )

    def _arrival_of(self, sample: int) -> int:
        for end, arrived_ns in self._arrivals:
            if end >= sample:
                return arrived_ns
        return self._arrivals[-1][1]


def _resample(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Change the rate by straight lines: good enough to hear speech and markers in."""
    count = len(samples) * LISTEN_RATE // rate
    if not count:
        return np.zeros(0, dtype=np.int16)
    places = np.arange(count) * (rate / LISTEN_RATE)
    changed: NDArray[np.int16] = np.interp(places, np.arange(len(samples)), samples).astype("<i2")
    return changed
