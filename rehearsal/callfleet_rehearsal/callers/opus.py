"""Opus in and out at 16 kHz mono, 20 ms a packet. No clock, no network."""

from fractions import Fraction

import av
import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

RATE = 16_000
PACKET_SAMPLES = 320
PACKET_SECONDS = PACKET_SAMPLES / RATE
PACKET_TICKS = 960
ENCODER_DELAY_SAMPLES = 104
"""libopus looks 6.5 ms ahead: a sample comes out of the decoder so much later (RFC 7845)."""
WIDE_BAND_HZ = 8000
NARROW_BAND_HZ = 4000

_DECODED_RATE = 48_000
_STEP = _DECODED_RATE // RATE
_TAPS = 48
_PASS_HZ = 7200.0

Samples = NDArray[np.int16]
_NOTHING: Samples = np.zeros(0, dtype=np.int16)


class Encoder:
    """One encoder with its state: what it is given is one continuous sound."""

    def __init__(self, band_hz: int = WIDE_BAND_HZ) -> None:
        self._codec: av.AudioCodecContext = av.CodecContext.create("libopus", "w")
        self._codec.sample_rate = RATE
        self._codec.layout = "mono"
        self._codec.format = "s16"
        self._codec.bit_rate = 32_000
        self._codec.time_base = Fraction(1, RATE)
        self._codec.options = {
            "application": "voip",
            "frame_duration": "20",
            "compression_level": "5",
            "cutoff": str(band_hz),
        }
        self._position = 0

    def encode(self, samples: Samples) -> list[bytes]:
        """Encode any number of whole packets' samples."""
        packets: list[bytes] = []
        for start in range(0, len(samples) - PACKET_SAMPLES + 1, PACKET_SAMPLES):
            piece = np.ascontiguousarray(samples[None, start : start + PACKET_SAMPLES])
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate = RATE
            frame.pts = self._position
            self._position += PACKET_SAMPLES
            packets += [bytes(packet) for packet in self._codec.encode(frame)]
        return packets


class Decoder:
    """One decoder with its state; gives the 48 kHz that libopus makes."""

    def __init__(self) -> None:
        self._codec: av.AudioCodecContext = av.CodecContext.create("libopus", "r")
        self._codec.sample_rate = _DECODED_RATE
        self._codec.layout = "mono"

    def decode(self, payload: bytes) -> Samples:
        """Decode one packet; a damaged one gives nothing."""
        try:
            frames = self._codec.decode(av.Packet(payload))
        except av.FFmpegError:
            return _NOTHING
        pieces: list[Samples] = [
            np.frombuffer(memoryview(frame.planes[0]), np.int16, frame.samples) for frame in frames
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate([_NOTHING, *pieces])


def _low_pass() -> NDArray[np.float32]:
    """Make the filter's taps, three to a row."""
    at = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * _PASS_HZ / _DECODED_RATE * at) * np.blackman(_TAPS)
    normal: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return np.ascontiguousarray(normal.reshape(-1, _STEP).T)


class Thinner:
    """Makes 16 kHz of 48 kHz, across pieces of any multiple of three samples."""

    _filter = _low_pass()

    def __init__(self) -> None:
        self._history = np.zeros(_TAPS - _STEP, dtype=np.float32)

    def thin(self, samples: Samples) -> Samples:
        """Give a third of the samples, half a millisecond late."""
        sound = np.concatenate([self._history, samples])
        self._history = sound[len(sound) - (_TAPS - _STEP) :]
        # One product for all taps of all rows; an output is the sum along a diagonal of it.
        products = sound.reshape(-1, _STEP) @ self._filter
        row, column = products.strides
        shape = (len(samples) // _STEP, _TAPS // _STEP)
        diagonals = as_strided(products, shape, (row, row + column), writeable=False)
        thinned: Samples = np.clip(np.rint(diagonals.sum(axis=1)), -32768, 32767).astype(np.int16)
        return thinned
