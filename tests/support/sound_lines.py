"""What lines do to sound: codecs, narrow bands, odd cuts. For the tests of the sound package."""

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

OPUS_DELAY_SECONDS = 312 / 48000
"""The encoder's look-ahead, which a decoder of bare packets does not take away."""
_RATE = 16000
_OPUS_RATE = 48000
_PACKET = _OPUS_RATE // 50


def cut(stream: Samples, sizes: list[int]) -> list[Samples]:
    """Cut a stream into pieces of the given sizes, over and over."""
    pieces, start, turn = [], 0, 0
    while start < len(stream):
        pieces.append(stream[start : start + sizes[turn % len(sizes)]])
        start += sizes[turn % len(sizes)]
        turn += 1
    return pieces


def resample(sound: Samples, before: int, after: int) -> Samples:
    """Change the rate by cutting or widening the spectrum."""
    length = round(len(sound) * after / before)
    spectrum = np.fft.rfft(sound.astype(float))
    kept = np.zeros(length // 2 + 1, dtype=complex)
    share = min(len(kept), len(spectrum))
    kept[:share] = spectrum[:share]
    fade = max(1, share // 16)
    kept[share - fade : share] *= np.linspace(1, 0, fade)
    return np.clip(np.fft.irfft(kept, length) * after / before, -32768, 32767).astype(np.int16)


def through_narrow_band(sound: Samples) -> Samples:
    """Send 16 kHz sound over a line of 8 kHz."""
    return resample(resample(sound, _RATE, 8000), 8000, _RATE)


def through_opus(sound: Samples) -> Samples:
    """Send 16 kHz sound through Opus as WebRTC does: 48 kHz, voip, mono, 24 kbit/s, 20 ms."""
    wide = resample(sound, _RATE, _OPUS_RATE)
    wide = wide[: len(wide) // _PACKET * _PACKET]
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = _OPUS_RATE, "mono", "s16"
    encoder.bit_rate = 24000
    encoder.options = {"application": "voip", "frame_duration": "20"}
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = _OPUS_RATE, "mono"
    heard = []
    for start in range(0, len(wide), _PACKET):
        frame = av.AudioFrame.from_ndarray(
            wide[None, start : start + _PACKET], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = _OPUS_RATE, start, Fraction(1, _OPUS_RATE)
        for packet in encoder.encode(frame):
            heard += [out.to_ndarray()[0] for out in decoder.decode(av.Packet(bytes(packet)))]
    joined = np.concatenate(heard)
    if joined.dtype != np.int16:
        joined = np.clip(joined * 32767, -32768, 32767).astype(np.int16)
    return resample(joined, _OPUS_RATE, _RATE)
