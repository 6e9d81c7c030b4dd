"""Decide whether a caller's device sends the agent's voice back at all. No clock, no network.

WebRTC's canceller mutes a caller who speaks in its first seconds, echo or not. So its output is
used only where there is an echo: where the caller's sound correlates with what the agent said up
to 0.6 s ago, or, at a call's beginning, where that is not known yet.
"""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from callfleet_worker.bridge.vad import EnergyVad, Samples

_RATE = 8_000
_BLOCK = _RATE // 100
WINDOW_BLOCKS = 50
LONGEST_PATH_BLOCKS = 60
LOOK_EVERY_BLOCKS = 10
LOUD_BLOCKS = 25
CLEAR_AFTER_QUIET_BLOCKS = 30
FORGET_AFTER_QUIET_BLOCKS = 200
ECHO_PEAK = 15.0
"""Height of the correlation's peak in standard deviations. Measured on speech: an echo alone makes
27 and more, another voice 11 at most. In between, nothing is decided."""
CLEAR_PEAK = 7.0
AUDIBLE_DBFS = -50.0
_LOWEST_HZ, _HIGHEST_HZ = 250, 3_500


class Path(StrEnum):
    """What is known of the way from the agent's mouth to its ears."""

    UNKNOWN = "unknown"
    CLEAR = "clear"
    ECHO = "echo"


def peak_height(near: NDArray[np.float32], far: NDArray[np.float32]) -> float:
    """Correlate what was heard with what was said before and during it, whitened.

    ``far`` ends with ``near`` and begins ``LONGEST_PATH_BLOCKS`` before it. Whitening makes an
    echo a sharp peak whatever the voice is like; the height is in standard deviations.
    """
    size = 1 << (len(near) + len(far)).bit_length()
    cross = np.fft.rfft(near, size) * np.conj(np.fft.rfft(far, size))
    magnitude = np.abs(cross)
    cross /= magnitude + 1e-3 * magnitude.mean() + 1e-9
    step = _RATE / size
    cross[: int(_LOWEST_HZ / step)] = 0
    cross[int(_HIGHEST_HZ / step) :] = 0
    lags = len(far) - len(near)
    correlation = np.fft.irfft(cross, size)[np.arange(-lags, 1)]
    spread = float(correlation.std())
    return float(correlation.max()) / spread if spread > 0 else 0.0


class EchoJudge:
    """Takes both sounds block by block, in step, while the agent speaks and for a while after."""

    def __init__(self) -> None:
        self.path = Path.UNKNOWN
        self._vad = EnergyVad()
        self._far: deque[Samples] = deque(maxlen=WINDOW_BLOCKS + LONGEST_PATH_BLOCKS)
        self._near: deque[Samples] = deque(maxlen=WINDOW_BLOCKS)
        self._far_audible: deque[bool] = deque(maxlen=LONGEST_PATH_BLOCKS)
        self._near_loud: deque[bool] = deque(maxlen=WINDOW_BLOCKS)
        self._audible_blocks = 0
        self._quiet = 0
        self._until_look = LOOK_EVERY_BLOCKS

    def take(self, near: Samples, near_dbfs: float, far: Samples, *, audible: bool) -> None:
        """Take 10 ms heard (16 kHz) and the 10 ms said at the same time (24 kHz)."""
        loud = self._vad.feed(near_dbfs)
        self._near.append(near)
        self._far.append(far)
        self._near_loud.append(loud)
        if len(self._far_audible) == LONGEST_PATH_BLOCKS:
            self._audible_blocks -= self._far_audible[0]
        self._audible_blocks += audible
        self._far_audible.append(audible)
        self._wait_for_quiet(loud=loud)
        self._until_look -= 1
        if self._until_look <= 0:
            self._until_look = LOOK_EVERY_BLOCKS
            if self._may_look():
                self._look()

    def _wait_for_quiet(self, *, loud: bool) -> None:
        """Count how long the agent was audible and nothing came back."""
        if loud:
            self._quiet = 0
        elif self._audible_blocks >= LONGEST_PATH_BLOCKS // 2:
            self._quiet += 1
        enough = (
            CLEAR_AFTER_QUIET_BLOCKS if self.path is Path.UNKNOWN else FORGET_AFTER_QUIET_BLOCKS
        )
        if self._quiet >= enough:
            self.path = Path.CLEAR

    def _may_look(self) -> bool:
        loud = sum(self._near_loud) >= LOUD_BLOCKS
        return self.path is not Path.ECHO and loud and self._audible_blocks > 0

    def _look(self) -> None:
        near = _thinned(self._near)
        far = _thinned(self._far)
        wanted = len(near) + LONGEST_PATH_BLOCKS * _BLOCK
        far = np.pad(far, (max(0, wanted - len(far)), 0))
        height = peak_height(near, far[-wanted:])
        if height >= ECHO_PEAK:
            self.path = Path.ECHO
        elif height < CLEAR_PEAK:
            self.path = Path.CLEAR


def _thinned(blocks: Iterable[Samples]) -> NDArray[np.float32]:
    """Bring 10 ms blocks of any rate to 8 kHz: a mean is filter enough to compare two sounds."""
    whole = np.concatenate([block.reshape(_BLOCK, -1) for block in blocks])
    thinned: NDArray[np.float32] = whole.mean(axis=1, dtype=np.float32)
    return thinned
