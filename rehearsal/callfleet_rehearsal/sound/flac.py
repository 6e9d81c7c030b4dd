"""Read and write mono 16-bit FLAC, in memory."""

import io
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray


def write(samples: NDArray[np.int16], rate: int) -> bytes:
    """Compress samples without loss."""
    target = io.BytesIO()
    with av.open(target, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout="mono", format="s16")
        stream.options = {"compression_level": "12"}
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return target.getvalue()


def read(content: bytes) -> NDArray[np.int16]:
    """Give the samples of a FLAC file."""
    with av.open(io.BytesIO(content), "r") as container:
        pieces = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(pieces).astype(np.int16)
