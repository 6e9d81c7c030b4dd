"""How long the model takes for each stage. Seeded, so that a run can be repeated exactly."""

import random
from dataclasses import dataclass
from enum import StrEnum

from callfleet_rehearsal.emulator.profiles import ModelProfile

COMPLETE_SILENCE_SECONDS = 0.2
IDEAL_THINK_SECONDS = 0.1
IDEAL_TOOL_SHARE = 0.5
MEASURED_SPREAD = 0.35
MEASURED_FLOOR_SECONDS = 0.15
MEASURED_SETUP_SECONDS = (0.399, 0.606)
MEASURED_GAP_SECONDS = (0.0, 0.03)
IDEAL_SPEED = 4.0
MEASURED_SPEED = 2.5


class TimingName(StrEnum):
    """``ideal`` is the ten-call SLO's model; ``measured`` is what was published of real ones."""

    IDEAL = "ideal"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class TurnTiming:
    """One reply's times.

    ``think_seconds`` follow the silence that ends a turn. Where a tool is called, the call comes
    after ``before_tool_seconds`` of them and the first audio ``after_tool_seconds`` after the
    tool's answer, so that both together are the think time and the tool's own time stays apart.
    Audio is sent ``speed`` times as fast as it plays.
    """

    think_seconds: float
    before_tool_seconds: float
    after_tool_seconds: float
    speed: float = IDEAL_SPEED
    gap_seconds: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class Clockwork:
    """Draws the times of one session from its own seeded source."""

    name: TimingName
    profile: ModelProfile
    source: random.Random

    def setup_seconds(self) -> float:
        """From a good setup to setupComplete."""
        if self.name is TimingName.IDEAL:
            return 0.0
        return self.source.uniform(*MEASURED_SETUP_SECONDS)

    def turn(self, silence_seconds: float) -> TurnTiming:
        """Times of the next reply, to a turn that ended by so much silence."""
        if self.name is TimingName.IDEAL:
            think = IDEAL_THINK_SECONDS
            return TurnTiming(think, think * IDEAL_TOOL_SHARE, think * (1 - IDEAL_TOOL_SHARE))
        median = self.profile.first_audio_seconds
        whole = median * self.source.lognormvariate(0.0, MEASURED_SPREAD)
        think = max(MEASURED_FLOOR_SECONDS, whole - min(silence_seconds, COMPLETE_SILENCE_SECONDS))
        return TurnTiming(think, think / 2, think / 2, MEASURED_SPEED, MEASURED_GAP_SECONDS)

    def gap_seconds(self, turn: TurnTiming) -> float:
        """Extra wait before the next piece of audio."""
        low, high = turn.gap_seconds
        return self.source.uniform(low, high) if high > 0 else 0.0
