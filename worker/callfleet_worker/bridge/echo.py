"""Take the agent's own voice out of what the caller's device sends back.

livekit's WebRTC echo canceller, against what the mouth plays. It is given the agent's sound at
the instant at which that leaves for the caller, so that what is left to find is the way there
and back: the canceller searches half a second. While the agent is silent, and its echo has died
away, nothing is computed; where the line is known to be clear, the canceller rests too, since it
costs more than all the rest of the bridge. Where nothing at all comes back, its work waits until
something does: most lines are found to be clear before that.

Where there is an echo, how loud it can be decides whether the caller speaks: the canceller leaves
echo where the way has changed, and mutes callers before it knows the way well.
"""

from collections import deque

import numpy as np
from livekit import rtc

from callfleet_worker.bridge.echolevel import EchoLevel, Voices
from callfleet_worker.bridge.echopath import (
    AUDIBLE_DBFS,
    FAINT_DBFS,
    LONGEST_PATH_BLOCKS,
    EchoJudge,
    Path,
)
from callfleet_worker.bridge.echotime import FAR_BLOCK, FarLine, NearClock
from callfleet_worker.bridge.sink import EARS_RATE, MOUTH_RATE, NS_PER_MS
from callfleet_worker.bridge.vad import BLOCK_MS, Samples, block_levels

ECHO_TAIL_MS = 1_000
_NEAR_BLOCK = EARS_RATE * BLOCK_MS // 1000
SMOOTHING = 0.25
RESIDUAL_RATIO = 0.2
MOST_ADDED = 4.0
"""A canceller that took a rest begins with what it held before: more than there was to cancel."""

_RAMPS = {
    (before, after): np.linspace(before, after, _NEAR_BLOCK, dtype=np.float32)
    for before in (0, 1)
    for after in (0, 1)
}


class EchoCanceller:
    """One call's canceller. The mouth gives it what it plays, the ears what they hear."""

    def __init__(self, delay_ms: int = 150) -> None:
        self._apm: rtc.AudioProcessingModule | None = None
        self._delay_ms = delay_ms
        self._far = FarLine()
        self._clock = NearClock()
        self._active_until_ns = 0
        self.judge = EchoJudge()
        self._level = EchoLevel()
        self._outlet = Outlet()
        self._rested = False
        self._put_off: deque[tuple[Samples, Samples]] = deque(maxlen=LONGEST_PATH_BLOCKS)

    def playing(self, samples: Samples, starts_ns: int) -> None:
        """Take whole 10 ms blocks of 24 kHz whose first sample leaves at ``starts_ns``."""
        self._far.say(samples, starts_ns)

    def stopped(self, at_ns: int) -> None:
        """Forget what was to be played after ``at_ns``: the caller never hears it."""
        self._far.cut(at_ns)

    def clean(self, samples: Samples, at_ns: int) -> Samples:
        """Take whole 10 ms blocks of 16 kHz heard until ``at_ns``; give them without the echo."""
        blocks = len(samples) // _NEAR_BLOCK
        block_ns = self._clock.heard(at_ns, blocks) - blocks * BLOCK_MS * NS_PER_MS
        if not self._far and block_ns >= self._active_until_ns:
            return samples
        out = samples
        for number, level in enumerate(block_levels(samples, _NEAR_BLOCK)):
            block_ns += BLOCK_MS * NS_PER_MS
            part = slice(number * _NEAR_BLOCK, (number + 1) * _NEAR_BLOCK)
            far = self._said_until(block_ns)
            audible = block_levels(far, FAR_BLOCK)[0] >= AUDIBLE_DBFS
            self.judge.take(samples[part], level, far, audible=audible)
            if self.judge.path is Path.CLEAR:
                self._rested = True
            elif self._can_wait(level, audible=audible):
                self._put_off.append((samples[part], far))
            else:
                out = samples.copy() if out is samples else out
                out[part] = self._cancel(samples[part], far)
        return out

    def _can_wait(self, level: float, *, audible: bool) -> bool:
        """Whether nothing is heard that an echo could be in, while a caller is greeted."""
        unknown = self.judge.path is Path.UNKNOWN
        return unknown and level < FAINT_DBFS and (audible or bool(self._put_off))

    def _said_until(self, block_ns: int) -> Samples:
        if self._far:
            self._active_until_ns = block_ns + ECHO_TAIL_MS * NS_PER_MS
        return self._far.take(block_ns)

    def _cancel(self, near: Samples, far: Samples) -> Samples:
        while self._put_off:
            self._take_out(*self._put_off.popleft())
        if self._rested:
            # What was heard and said before belongs to no echo of now.
            self._rested = False
            self._level = EchoLevel()
        cleaned = self._take_out(near, far)
        if self.judge.only_echo:
            self._level.learn(self.judge.delay.blocks[0])
        return cleaned

    def _take_out(self, near: Samples, far: Samples) -> Samples:
        if self._apm is None:
            # Made when it is first needed: that takes 10 ms, and most calls never need one.
            self._apm = rtc.AudioProcessingModule(echo_cancellation=True)
        self._apm.process_reverse_stream(_frame(far, MOUTH_RATE))
        frame = _frame(near, EARS_RATE)
        self._apm.set_stream_delay_ms(self._delay_ms)
        self._apm.process_stream(frame)
        voices = self._level.take(near, far, self.judge.delay.blocks)
        return self._outlet.take(near, np.frombuffer(frame.data, np.int16), voices)


class Outlet:
    """Chooses block by block what is to be heard: nothing, or what the canceller left, or all.

    What the canceller left is heard unless most of the sound was taken away: then the rest of it
    is echo too. Both are compared over some 60 ms. Once it is known how loud an echo can be, what
    is no louder is muted, and where the caller surely speaks but is taken for echo, as he is in a
    canceller's first seconds, what was heard is passed on as it was.
    """

    def __init__(self) -> None:
        self._before = self._after = 0.0
        self._all = self._left = 0

    def take(self, raw: Samples, cleaned: Samples, voices: Voices) -> Samples:
        """Take a block as it was heard and as the canceller left it; give what is to be heard."""
        before, after = _energy(raw), _energy(cleaned)
        if after > MOST_ADDED * before:
            cleaned, after = raw, before
        self._before += SMOOTHING * (before - self._before)
        self._after += SMOOTHING * (after - self._after)
        is_left = self._after > self._before * RESIDUAL_RATIO
        left = int(is_left and voices is not Voices.ECHO)
        whole = int(not is_left and voices is Voices.CALLER)
        mixed = raw * _RAMPS[self._all, whole] + cleaned * _RAMPS[self._left, left]
        self._all, self._left = whole, left
        heard: Samples = mixed.astype(np.int16)
        return heard


def _energy(samples: Samples) -> float:
    whole = samples.astype(np.float32)
    return float(np.dot(whole, whole))


def _frame(samples: Samples, rate: int) -> rtc.AudioFrame:
    # The module works in place: it must own the memory that it is given.
    return rtc.AudioFrame(bytearray(samples.tobytes()), rate, 1, len(samples))
