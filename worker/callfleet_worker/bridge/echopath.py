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
TRACK_EVERY_BLOCKS = 25
LOUD_BLOCKS = 25
CLEAR_AFTER_QUIET_BLOCKS = 30
FORGET_AFTER_QUIET_BLOCKS = 200
ECHO_PEAK = 15.0
"""Height of the correlation's peak in standard deviations. Measured on speech: an echo alone makes
27 and more, another voice 11 at most. In between, nothing is decided."""
CLEAR_PEAK = 7.0
AUDIBLE_DBFS = -50.0
FAINT_DBFS = -75.0
"""An echo below the level of speech betrays itself before its first loud word, at a call's begin.
"""
_LOWEST_HZ, _HIGHEST_HZ = 250, 3_500


class Path(StrEnum):
    """What is known of the way from the agent's mouth to its ears."""

    UNKNOWN = "unknown"
    CLEAR = "clear"
    ECHO = "echo"


def correlate(near: NDArray[np.float32], far: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlate what was heard with what was said before and during it, whitened.

    ``far`` ends with ``near`` and begins ``LONGEST_PATH_BLOCKS`` before it. Whitening makes an
    echo a sharp peak whatever the voice is like (the phase transform: Knapp and Carter, 1976).
    In standard deviations, by delay in samples of 8 kHz.
    """
    # No delay that is asked for wraps round in a transform as long as far.
    size = _quick_length(len(far))
    cross = np.fft.rfft(near, size) * np.conj(np.fft.rfft(far, size))
    magnitude = np.abs(cross)
    cross /= magnitude + 1e-3 * magnitude.mean() + 1e-9
    step = _RATE / size
    cross[: int(_LOWEST_HZ / step)] = 0
    cross[int(_HIGHEST_HZ / step) :] = 0
    lags = len(far) - len(near)
    # A delay of n is a shift of far by lags - n, to the left.
    correlation = np.fft.irfft(cross, size)[np.arange(-lags, 1)]
    spread = float(correlation.std())
    heights: NDArray[np.float32] = (correlation / spread if spread > 0 else correlation).astype(
        np.float32
    )
    return heights


def _quick_length(least: int) -> int:
    """Give a length that an FFT takes quickly: a multiple of 1,000 has only small factors."""
    return -(-least // 1_000) * 1_000


class DelayTracker:
    """Follows the delay of an echo, once there is one, from look to look.

    One look may take the second of two equal tones for the first. So looks are added up, older
    ones fading, and what the latest one says is kept beside.
    """

    FADING = 0.8
    SEEN_PEAK = 10.0
    AGREEING_BLOCKS = 2

    def __init__(self) -> None:
        self._seen: NDArray[np.float32] | None = None
        self.blocks: tuple[int, ...] = ()
        """What the looks say together, and what the latest says: blocks from said to heard."""

    @property
    def agrees(self) -> bool:
        """Whether the latest look says what all say together."""
        return bool(self.blocks) and abs(self.blocks[0] - self.blocks[1]) <= self.AGREEING_BLOCKS

    def see(self, heights: NDArray[np.float32]) -> None:
        """Take the correlation by delay of one look, in standard deviations."""
        if heights.max() < self.SEEN_PEAK:
            return
        # No single look outweighs several.
        capped = np.minimum(heights, ECHO_PEAK)
        self._seen = capped if self._seen is None else self.FADING * self._seen + capped
        together, latest = int(self._seen.argmax()), int(heights.argmax())
        self.blocks = (round(together / _BLOCK), round(latest / _BLOCK))


class EchoJudge:
    """Takes both sounds block by block, in step, while the agent speaks and for a while after."""

    def __init__(self) -> None:
        self.path = Path.UNKNOWN
        self._vad = EnergyVad()
        self._far: deque[Samples] = deque(maxlen=WINDOW_BLOCKS + LONGEST_PATH_BLOCKS)
        self._near: deque[Samples] = deque(maxlen=WINDOW_BLOCKS)
        self._far_audible: deque[bool] = deque(maxlen=LONGEST_PATH_BLOCKS)
        self._near_loud: deque[bool] = deque(maxlen=WINDOW_BLOCKS)
        self._near_faint: deque[bool] = deque(maxlen=WINDOW_BLOCKS)
        self._audible_blocks = 0
        self._quiet = 0
        self._until_look = LOOK_EVERY_BLOCKS
        self.delay = DelayTracker()
        self.only_echo = False

    def take(self, near: Samples, near_dbfs: float, far: Samples, *, audible: bool) -> None:
        """Take 10 ms heard (16 kHz) and the 10 ms said at the same time (24 kHz)."""
        loud = self._vad.feed(near_dbfs)
        self._near.append(near)
        self._far.append(far)
        self._near_loud.append(loud)
        self._near_faint.append(near_dbfs >= FAINT_DBFS)
        if len(self._far_audible) == LONGEST_PATH_BLOCKS:
            self._audible_blocks -= self._far_audible[0]
        self._audible_blocks += audible
        self._far_audible.append(audible)
        self._wait_for_quiet(loud=loud)
        self.only_echo = False
        self._until_look -= 1
        if self._until_look <= 0:
            echo = self.path is Path.ECHO
            self._until_look = TRACK_EVERY_BLOCKS if echo else LOOK_EVERY_BLOCKS
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
            self.delay = DelayTracker()

    def _may_look(self) -> bool:
        heard = self._near_faint if self.path is Path.UNKNOWN else self._near_loud
        return sum(heard) >= LOUD_BLOCKS and self._audible_blocks > 0

    def _would_be_heard(self) -> bool:
        """Whether an echo had the time to come back, and what is heard is louder than a line."""
        loud = sum(self._near_loud) >= LOUD_BLOCKS
        return loud and self._audible_blocks >= LONGEST_PATH_BLOCKS // 2

    def _look(self) -> None:
        near = _thinned(self._near)
        far = _thinned(self._far)
        wanted = len(near) + LONGEST_PATH_BLOCKS * _BLOCK
        far = np.pad(far, (max(0, wanted - len(far)), 0))
        heights = correlate(near, far[-wanted:])
        height = float(heights.max())
        if height >= ECHO_PEAK:
            self.path = Path.ECHO
        elif height < CLEAR_PEAK and self.path is Path.UNKNOWN and self._would_be_heard():
            self.path = Path.CLEAR
        if self.path is Path.ECHO:
            self.delay.see(heights)
            self.only_echo = height >= ECHO_PEAK and self.delay.agrees


def _thinned(blocks: Iterable[Samples]) -> NDArray[np.float32]:
    """Bring 10 ms blocks of any rate to 8 kHz: a mean is filter enough to compare two sounds."""
    whole = np.concatenate([block.reshape(_BLOCK, -1) for block in blocks])
    thinned: NDArray[np.float32] = whole.mean(axis=1, dtype=np.float32)
    return thinned
