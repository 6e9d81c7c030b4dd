"""Turn whatever sound arrives into one steady 16 kHz mono stream. No clock, no network.

A rate or a number of channels may change from one frame to the next: the old resampler's tail is
played out, a new one takes over, and no time is lost or added.
"""

import numpy as np
from livekit import rtc

from callfleet_worker.bridge.sink import EARS_RATE
from callfleet_worker.bridge.vad import Samples

_LOWEST_RATE, _HIGHEST_RATE = 1_000, 384_000


class Normaliser:
    """Takes frames of any rate and any number of channels, gives frames of one size."""

    def __init__(self, frame_ms: int) -> None:
        self._frame = EARS_RATE * frame_ms // 1000
        self._rate = EARS_RATE
        self._resampler: rtc.AudioResampler | None = None
        self._rest: Samples = np.empty(0, np.int16)

    def push(self, interleaved: Samples, rate: int, channels: int) -> list[Samples]:
        """Take a frame; give the frames that are complete now. What is no sound is refused."""
        if not _LOWEST_RATE <= rate <= _HIGHEST_RATE or channels < 1:
            return []
        mono = mix_down(interleaved, channels)
        if rate == EARS_RATE and self._rate == EARS_RATE:
            if not self._rest.size and len(mono) == self._frame:
                return [mono]
            return self._cut(mono)
        tail = self._change(rate)
        return self._cut(np.concatenate((tail, self._resample(mono))))

    def _change(self, rate: int) -> Samples:
        if rate == self._rate:
            return np.empty(0, np.int16)
        tail = _joined(self._resampler.flush()) if self._resampler else np.empty(0, np.int16)
        self._rate = rate
        self._resampler = None
        if rate != EARS_RATE:
            self._resampler = rtc.AudioResampler(rate, EARS_RATE)
        return tail

    def _resample(self, mono: Samples) -> Samples:
        if self._resampler is None or not mono.size:
            return mono
        return _joined(self._resampler.push(bytearray(mono.tobytes())))

    def _cut(self, mono: Samples) -> list[Samples]:
        if self._rest.size:
            mono = np.concatenate((self._rest, mono))
        whole = len(mono) // self._frame
        self._rest = mono[whole * self._frame :]
        return [mono[n * self._frame : (n + 1) * self._frame] for n in range(whole)]


def mix_down(interleaved: Samples, channels: int) -> Samples:
    """Average the channels; an incomplete last sample is dropped."""
    if channels == 1:
        return interleaved
    whole = interleaved[: len(interleaved) // channels * channels].reshape(-1, channels)
    mixed: Samples = (whole.sum(axis=1, dtype=np.int32) // channels).astype(np.int16)
    return mixed


def _joined(frames: list[rtc.AudioFrame]) -> Samples:
    if not frames:
        return np.empty(0, np.int16)
    return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames])
