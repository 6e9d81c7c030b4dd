"""Hear where speech begins and ends in a stream of samples. Streaming, pure, never fails.

Energy in 10 ms frames against the quietest stretch of the last two seconds, with hysteresis:
enough for clean or noisy lines, cheap, and the same however the stream is cut.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

_FULL_SCALE = 32768.0
_LOWEST_FLOOR_DB = -65.0
_HIGHEST_FLOOR_DB = -30.0
_START_OVER_FLOOR_DB = 16.0
_STAY_OVER_FLOOR_DB = 10.0
_STAY_UNDER_PEAK_DB = 31.0
"""Below the loudest recent frame by this much is a codec's ringing, not speech."""
_PEAK_FALL_DB_PER_SECOND = 10.0
_FLOOR_BUCKETS = 10
_FLOOR_BUCKET_SECONDS = 0.2
_START_FRAMES = 2
_PARTS = 4
_SILENCE_DB = -120.0


class Edge(StrEnum):
    """Which end of a stretch of speech."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class SpeechEdge:
    """Speech started or ended; ``sample`` is the first of it, or the first after it."""

    edge: Edge
    sample: int


class SpeechDetector:
    """Finds stretches of speech. Quiet of ``hang_seconds`` ends one; a shorter one is part of it.

    ``last_speech_sample`` is known at once, without the hang: whoever waits for silence counts
    from there.
    """

    def __init__(self, rate: int, frame_ms: int = 10, hang_seconds: float = 0.15) -> None:
        if rate <= 0 or frame_ms <= 0 or rate * frame_ms % (1000 * _PARTS):
            message = (
                f"{rate} Hz has no whole number of samples in a quarter of {frame_ms} ms; "
                "resample to 8, 16, 24 or 48 kHz, or take frames of 10 or 20 ms"
            )
            raise ValueError(message)
        self._frame = rate * frame_ms // 1000
        self._seconds = frame_ms / 1000
        self._hang_frames = max(1, round(hang_seconds / self._seconds))
        self._rest = np.zeros(0, dtype=np.int16)
        self._position = 0
        self._bucket_frames = max(1, round(_FLOOR_BUCKET_SECONDS / self._seconds))
        self._in_bucket = 0
        self._bucket_db = 0.0
        self._buckets: deque[float] = deque([_LOWEST_FLOOR_DB], maxlen=_FLOOR_BUCKETS)
        self._peak_db = _SILENCE_DB
        self._loud_frames = 0
        self._quiet_frames = 0
        self._onset = 0
        self._last: int | None = None
        self.speaking = False

    @property
    def last_speech_sample(self) -> int | None:
        """The first sample after the last speech so far; None before any."""
        return self._last

    def feed(self, samples: NDArray[np.int16]) -> list[SpeechEdge]:
        """Take the next samples and say where speech began or ended."""
        sound = np.concatenate([self._rest, np.asarray(samples, dtype=np.int16)])
        frames = len(sound) // self._frame
        self._rest = sound[frames * self._frame :]
        if not frames:
            return []
        shaped = sound[: frames * self._frame].astype(np.float64) / _FULL_SCALE
        energies = (shaped.reshape(frames, _PARTS, -1) ** 2).mean(axis=2)
        edges: list[SpeechEdge] = []
        for parts in energies.tolist():
            edges += self._hear(parts)
            self._position += self._frame
        return edges

    def _hear(self, parts: list[float]) -> list[SpeechEdge]:
        level = _decibel(sum(parts) / _PARTS)
        floor = min(max(min(self._buckets), _LOWEST_FLOOR_DB), _HIGHEST_FLOOR_DB)
        self._remember(level)
        stay = max(floor + _STAY_OVER_FLOOR_DB, self._peak_db - _STAY_UNDER_PEAK_DB)
        if self.speaking:
            return self._hear_on(level, stay, parts)
        return self._wait(level, max(floor + _START_OVER_FLOOR_DB, stay), parts)

    def _remember(self, level: float) -> None:
        self._peak_db = max(level, self._peak_db - _PEAK_FALL_DB_PER_SECOND * self._seconds)
        self._bucket_db = level if not self._in_bucket else min(self._bucket_db, level)
        self._in_bucket += 1
        if self._in_bucket == self._bucket_frames:
            self._buckets.append(self._bucket_db)
            self._in_bucket = 0

    def _wait(self, level: float, threshold: float, parts: list[float]) -> list[SpeechEdge]:
        if level < threshold:
            self._loud_frames = 0
            return []
        if not self._loud_frames:
            first = next(i for i, part in enumerate(parts) if _decibel(part) >= threshold)
            self._onset = self._position + first * self._frame // _PARTS
        self._loud_frames += 1
        if self._loud_frames < _START_FRAMES:
            return []
        self.speaking = True
        self._loud_frames = self._quiet_frames = 0
        self._note_end(parts, threshold)
        return [SpeechEdge(Edge.START, self._onset)]

    def _hear_on(self, level: float, threshold: float, parts: list[float]) -> list[SpeechEdge]:
        if level >= threshold:
            self._quiet_frames = 0
            self._note_end(parts, threshold)
            return []
        self._quiet_frames += 1
        if self._quiet_frames < self._hang_frames:
            return []
        self.speaking = False
        return [SpeechEdge(Edge.END, self._last or 0)]

    def _note_end(self, parts: list[float], threshold: float) -> None:
        loud = max(i for i, part in enumerate(parts) if _decibel(part) >= threshold)
        self._last = self._position + (loud + 1) * self._frame // _PARTS


def _decibel(energy: float) -> float:
    return 10 * math.log10(energy) if energy > 0 else _SILENCE_DB
