"""Take the agent's own voice out of what the caller's device sends back.

livekit's WebRTC echo canceller, against what the mouth plays. It is given the agent's sound at
the instant at which that leaves for the caller, so that what is left to find is the way there
and back: the canceller searches half a second. While the agent is silent, and its echo has died
away, nothing is computed.
"""

from collections import deque

import numpy as np
from livekit import rtc

from callfleet_worker.bridge.echopath import EchoJudge, Path
from callfleet_worker.bridge.sink import EARS_RATE, MOUTH_RATE, NS_PER_MS
from callfleet_worker.bridge.vad import BLOCK_MS, Samples

ECHO_TAIL_MS = 1_000
_NEAR_BLOCK = EARS_RATE * BLOCK_MS // 1000
_FAR_BLOCK = MOUTH_RATE * BLOCK_MS // 1000
SLACK_MS = 30
SMOOTHING = 0.25
RESIDUAL_RATIO = 0.2


class EchoCanceller:
    """One call's canceller. The mouth gives it what it plays, the ears what they hear."""

    def __init__(self, delay_ms: int = 150) -> None:
        self._apm = rtc.AudioProcessingModule(echo_cancellation=True)
        self._delay_ms = delay_ms
        self._far: deque[tuple[int, Samples]] = deque()
        self._active_until_ns = 0
        self._in_step = False
        self._silence = np.zeros(_FAR_BLOCK, np.int16)
        self.judge = EchoJudge()
        self._residual = ResidualMute()

    def playing(self, samples: Samples, starts_ns: int) -> None:
        """Take whole 10 ms blocks of 24 kHz whose first sample leaves at ``starts_ns``."""
        for number in range(len(samples) // _FAR_BLOCK):
            block = samples[number * _FAR_BLOCK : (number + 1) * _FAR_BLOCK]
            self._far.append((starts_ns + number * BLOCK_MS * NS_PER_MS, block))

    def stopped(self, at_ns: int) -> None:
        """Forget what was to be played after ``at_ns``: the caller never hears it."""
        while self._far and self._far[-1][0] >= at_ns:
            self._far.pop()

    def clean(self, samples: Samples, at_ns: int) -> Samples:
        """Take whole 10 ms blocks of 16 kHz heard until ``at_ns``; give them without the echo."""
        blocks = len(samples) // _NEAR_BLOCK
        if not self._far and at_ns > self._active_until_ns:
            return samples
        out = samples.copy()
        for number in range(blocks):
            block_ns = at_ns - (blocks - 1 - number) * BLOCK_MS * NS_PER_MS
            near = out[number * _NEAR_BLOCK : (number + 1) * _NEAR_BLOCK]
            self.judge.take(near, self._feed_far(block_ns))
            frame = _frame(near, EARS_RATE)
            self._apm.set_stream_delay_ms(self._delay_ms)
            self._apm.process_stream(frame)
            if self.judge.path is not Path.CLEAR:
                near[:] = self._residual.take(near, np.frombuffer(frame.data, np.int16))
        return out

    def _feed_far(self, block_ns: int) -> Samples:
        """Give the canceller one block of the agent's sound for one of the caller's.

        The two must stay in step: a block too many or too few is an echo path that has changed,
        and is learnt anew. So small differences between the two streams' instants are let be.
        """
        slack_ns = SLACK_MS * NS_PER_MS
        block = self._silence
        if self._far and self._far[0][0] <= block_ns + (slack_ns if self._in_step else 0):
            if len(self._far) > 1 and self._far[0][0] < block_ns - 2 * slack_ns:
                self._apm.process_reverse_stream(_frame(self._far.popleft()[1], MOUTH_RATE))
            block = self._far.popleft()[1]
            self._in_step = True
            self._active_until_ns = block_ns + ECHO_TAIL_MS * NS_PER_MS
        else:
            self._in_step = False
        self._apm.process_reverse_stream(_frame(block, MOUTH_RATE))
        return block


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
