"""Silence the background between a caller's words without clipping a first syllable. Pure.

The gate looks ahead: sound is passed on late by the look-ahead, so that it is open before the
first loud block, and it stays open for a while after the last.
"""

from dataclasses import dataclass

import numpy as np

from callfleet_worker.bridge.sink import EARS_RATE
from callfleet_worker.bridge.vad import BLOCK_MS, Samples, block_levels

_BLOCK = EARS_RATE * BLOCK_MS // 1000


@dataclass(frozen=True, slots=True)
class GateOptions:
    """When the gate opens and closes."""

    threshold_dbfs: float
    """Sound that never reaches this level is silence to the model."""
    look_ahead_ms: int = 20
    """How much before the first loud block is passed. Delays all sound by as much."""
    hold_ms: int = 300
    """How long the gate stays open after the last loud block: word ends are soft."""
    hysteresis_db: float = 6.0
    """An open gate takes sound as loud down to so much below the threshold."""


class NoiseGate:
    """A streaming gate over 16 kHz mono. Gives as many samples as it takes."""

    def __init__(self, options: GateOptions) -> None:
        self._options = options
        self.look_ahead_ms = options.look_ahead_ms
        self._delay = options.look_ahead_ms // BLOCK_MS
        self._hold = options.hold_ms // BLOCK_MS + self._delay
        self._waiting: Samples = np.zeros(self._delay * _BLOCK, np.int16)
        self._open_blocks = 0
        self._was_open = False
        ramp = np.linspace(0.0, 1.0, _BLOCK, dtype=np.float32)
        self._fade_in, self._fade_out = ramp, ramp[::-1]

    def push(self, samples: Samples) -> Samples:
        """Take whole 10 ms blocks; give as many, gated and late by the look-ahead."""
        stream = np.concatenate((self._waiting, samples))
        out = stream[: len(samples)].copy()
        self._waiting = stream[len(samples) :]
        for number, level in enumerate(block_levels(samples, _BLOCK)):
            self._judge(level)
            self._shape(out[number * _BLOCK : (number + 1) * _BLOCK])
        return out

    def _judge(self, level: float) -> None:
        limit = self._options.threshold_dbfs
        if self._open_blocks:
            limit -= self._options.hysteresis_db
        if level >= limit:
            self._open_blocks = self._hold + 1
        elif self._open_blocks:
            self._open_blocks -= 1

    def _shape(self, block: Samples) -> None:
        is_open = self._open_blocks > 0
        if is_open and not self._was_open:
            block[:] = (block * self._fade_in).astype(np.int16)
        elif not is_open and self._was_open:
            block[:] = (block * self._fade_out).astype(np.int16)
        elif not is_open:
            block[:] = 0
        self._was_open = is_open
