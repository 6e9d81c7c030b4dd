"""Tell speech from background by energy alone, block by block. Pure, and cheap enough for ears."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

BLOCK_MS = 10
FULL_SCALE_POWER = 32768.0 * 32768.0


@dataclass(frozen=True, slots=True)
class VadOptions:
    """Levels, in dB of full scale, that separate speech from background."""

    quietest_dbfs: float = -50.0
    loudest_floor_dbfs: float = -30.0
    onset_over_floor_db: float = 12.0
    stay_over_floor_db: float = 8.0
    floor_rise_db_per_second: float = 3.0
    onset_blocks: int = 3
    onset_window_blocks: int = 5
    hangover_blocks: int = 20


def block_levels(samples: Samples, block: int) -> list[float]:
    """Give the level of each whole block in dB of full scale; -120 for digital silence."""
    whole = samples.astype(np.float32)
    full_scale = block * FULL_SCALE_POWER
    # One or two blocks at a time: a loop over them costs less than numpy's ways over two axes.
    return [
        10.0 * math.log10(max(float(np.dot(part, part)) / full_scale, 1e-12))
        for part in (whole[at : at + block] for at in range(0, len(whole) - block + 1, block))
    ]


def first_loud_sample(block: Samples, threshold_dbfs: float) -> int:
    """Give the index of the block's first sample that is louder than the threshold's RMS."""
    limit = 32768.0 * 10.0 ** (threshold_dbfs / 20.0)
    loud = np.flatnonzero(np.abs(block.astype(np.int32)) >= limit)
    return int(loud[0]) if loud.size else 0


class EnergyVad:
    """A streaming detector: loud blocks over an adaptive floor, with hysteresis.

    ``loud`` says of one block that it carries sound; ``speaking`` that enough of the last blocks
    did for it to be speech rather than a click.
    """

    def __init__(self, options: VadOptions | None = None) -> None:
        self._options = options or VadOptions()
        self._floor = self._options.quietest_dbfs - self._options.onset_over_floor_db
        self._recent = 0
        self._quiet_blocks = self._options.hangover_blocks
        self.speaking = False

    @property
    def threshold_dbfs(self) -> float:
        """The level that a block must reach now to count as loud."""
        over = (
            self._options.stay_over_floor_db if self.speaking else self._options.onset_over_floor_db
        )
        return max(self._options.quietest_dbfs, self._floor + over)

    def feed(self, level_dbfs: float) -> bool:
        """Take the next block's level; say whether the block is loud."""
        options = self._options
        loud = level_dbfs >= self.threshold_dbfs
        self._follow_floor(level_dbfs)
        mask = (1 << options.onset_window_blocks) - 1
        self._recent = ((self._recent << 1) | loud) & mask
        self._quiet_blocks = 0 if loud else self._quiet_blocks + 1
        if self.speaking:
            self.speaking = self._quiet_blocks < options.hangover_blocks
        else:
            self.speaking = self._recent.bit_count() >= options.onset_blocks
        return loud

    def _follow_floor(self, level_dbfs: float) -> None:
        if level_dbfs < self._floor:
            self._floor += 0.3 * (level_dbfs - self._floor)
        else:
            rise = self._options.floor_rise_db_per_second * BLOCK_MS / 1000.0
            self._floor = min(level_dbfs, self._floor + rise)
        lowest = self._options.quietest_dbfs - self._options.onset_over_floor_db
        self._floor = min(max(self._floor, lowest), self._options.loudest_floor_dbfs)
