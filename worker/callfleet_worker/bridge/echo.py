"""Take the agent's own voice out of what the caller's device sends back.

livekit's WebRTC echo canceller, against what the mouth plays. It is given the agent's sound at
the instant at which that leaves for the caller, so that what is left to find is the way there
and back: the canceller searches half a second. While the agent is silent, and its echo has died
away, nothing is computed; where the line is known to be clear, the canceller rests too, since it
costs more than all the rest of the bridge.
"""

from collections import deque
from typing import NamedTuple

import numpy as np
from livekit import rtc

from callfleet_worker.bridge.echopath import AUDIBLE_DBFS, EchoJudge, Path
from callfleet_worker.bridge.sink import EARS_RATE, MOUTH_RATE, NS_PER_MS
from callfleet_worker.bridge.vad import BLOCK_MS, Samples, block_levels

ECHO_TAIL_MS = 1_000
_NEAR_BLOCK = EARS_RATE * BLOCK_MS // 1000
_FAR_BLOCK = MOUTH_RATE * BLOCK_MS // 1000
SLACK_MS = 30
SMOOTHING = 0.25
RESIDUAL_RATIO = 0.2


class _Said(NamedTuple):
    """10 ms of the agent: when its first sample leaves, and whether anybody could hear it."""

    at_ns: int
    samples: Samples
    audible: bool


class EchoCanceller:
    """One call's canceller. The mouth gives it what it plays, the ears what they hear."""

    def __init__(self, delay_ms: int = 150) -> None:
        self._apm = rtc.AudioProcessingModule(echo_cancellation=True)
        self._delay_ms = delay_ms
        self._far: deque[_Said] = deque()
        self._active_until_ns = 0
        self._in_step = False
        self._silence = _Said(0, np.zeros(_FAR_BLOCK, np.int16), audible=False)
        self.judge = EchoJudge()
        self._residual = ResidualMute()

    def playing(self, samples: Samples, starts_ns: int) -> None:
        """Take whole 10 ms blocks of 24 kHz whose first sample leaves at ``starts_ns``."""
        levels = block_levels(samples, _FAR_BLOCK)
        for number, level in enumerate(levels):
            block = samples[number * _FAR_BLOCK : (number + 1) * _FAR_BLOCK]
            at_ns = starts_ns + number * BLOCK_MS * NS_PER_MS
            self._far.append(_Said(at_ns, block, level >= AUDIBLE_DBFS))

    def stopped(self, at_ns: int) -> None:
        """Forget what was to be played after ``at_ns``: the caller never hears it."""
        while self._far and self._far[-1].at_ns >= at_ns:
            self._far.pop()

    def clean(self, samples: Samples, at_ns: int) -> Samples:
        """Take whole 10 ms blocks of 16 kHz heard until ``at_ns``; give them without the echo."""
        if not self._far and at_ns > self._active_until_ns:
            return samples
        out = samples
        levels = block_levels(samples, _NEAR_BLOCK)
        for number, level in enumerate(levels):
            block_ns = at_ns - (len(levels) - 1 - number) * BLOCK_MS * NS_PER_MS
            part = slice(number * _NEAR_BLOCK, (number + 1) * _NEAR_BLOCK)
            said = self._said_by(block_ns)
            self.judge.take(samples[part], level, said.samples, audible=said.audible)
            if self.judge.path is not Path.CLEAR:
                out = samples.copy() if out is samples else out
                out[part] = self._cancel(samples[part], said.samples)
        return out

    def _cancel(self, near: Samples, far: Samples) -> Samples:
        self._apm.process_reverse_stream(_frame(far, MOUTH_RATE))
        frame = _frame(near, EARS_RATE)
        self._apm.set_stream_delay_ms(self._delay_ms)
        self._apm.process_stream(frame)
        return self._residual.take(near, np.frombuffer(frame.data, np.int16))

    def _said_by(self, block_ns: int) -> _Said:
        """Give one block of the agent's sound for one of the caller's.

        The two must stay in step: a block too many or too few is an echo path that has changed,
        and is learnt anew. So small differences between the two streams' instants are let be.
        """
        slack_ns = SLACK_MS * NS_PER_MS
        if self._far and self._far[0].at_ns <= block_ns + (slack_ns if self._in_step else 0):
            if len(self._far) > 1 and self._far[0].at_ns < block_ns - 2 * slack_ns:
                skipped = self._far.popleft()
                if self.judge.path is not Path.CLEAR:
                    self._apm.process_reverse_stream(_frame(skipped.samples, MOUTH_RATE))
            self._in_step = True
            self._active_until_ns = block_ns + ECHO_TAIL_MS * NS_PER_MS
            return self._far.popleft()
        self._in_step = False
        return self._silence


class ResidualMute:
    """Mutes what a canceller leaves of an echo while it learns its path, or learns it anew.

    Where most of the sound was taken away, the rest of it is echo too; where the caller speaks,
    most of the sound is left. Both are compared over some 60 ms.
    """

    def __init__(self) -> None:
        self._before = self._after = 0.0
        self._gain = 0.0

    def take(self, raw: Samples, cleaned: Samples) -> Samples:
        """Take a block as it was heard and as the canceller left it; give what is to be heard."""
        self._before += SMOOTHING * (_energy(raw) - self._before)
        self._after += SMOOTHING * (_energy(cleaned) - self._after)
        gain = 1.0 if self._after > self._before * RESIDUAL_RATIO else 0.0
        ramp = np.linspace(self._gain, gain, len(cleaned), dtype=np.float32)
        self._gain = gain
        muted: Samples = (cleaned * ramp).astype(np.int16)
        return muted


def _energy(samples: Samples) -> float:
    whole = samples.astype(np.float32)
    return float(np.dot(whole, whole))


def _frame(samples: Samples, rate: int) -> rtc.AudioFrame:
    # The module works in place: it must own the memory that it is given.
    return rtc.AudioFrame(bytearray(samples.tobytes()), rate, 1, len(samples))
