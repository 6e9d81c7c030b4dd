"""A jitter buffer as a browser has one, computed from arrivals: what plays when. Pure, no clock.

The delay is the 95th percentile of how much packets came later than the fastest of the last two
seconds, in steps of 20 ms, 20 ms at least. It grows at once where a packet comes too late. What is
too much goes at once where the sender paused, fast while nobody speaks, and slowly from speech.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from callfleet_rehearsal.callers.rtp import RTP_CLOCK_RATE

STEP_NS = 20_000_000
_WINDOW_PACKETS = 100
_FIRST_DELAY_NS = 2 * STEP_NS
_KNOWN_PACKETS = 50
"""With fewer packets than this a stream is not known well enough for less delay than the first."""
_SHRINK_EVERY_NS = 100_000_000
_SHRINK_OF_SPEECH_NS = STEP_NS // 2
_TOO_MUCH_FOR_SPEECH_NS = 2 * STEP_NS
_TICKS_FORGIVEN = 10 * RTP_CLOCK_RATE
_OVERTAKERS = 8


class Fate(StrEnum):
    """What a slot of playing is made of."""

    HEARD = "heard"
    LOST = "lost"
    STALLED = "stalled"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of playing: its packet, or that it is missing, late, or was never sent."""

    fate: Fate
    played_ns: int
    arrived_ns: int
    ticks: int
    payload: bytes = b""


class _Waiting(NamedTuple):
    ticks: int
    arrived_ns: int
    payload: bytes


class JitterBuffer:
    """Plays one stream. ``quiet`` is set by whoever hears whether anybody speaks."""

    def __init__(self) -> None:
        self.quiet = True
        self._waiting: dict[int, _Waiting] = {}
        self._next: int | None = None
        self._next_ticks = 0
        self._anchor_ns = 0
        self._delays: deque[int] = deque(maxlen=_WINDOW_PACKETS)
        self._moved_ns = 0
        self._packet_ticks = 960

    def put(self, sequence: int, ticks: int, arrived_ns: int, payload: bytes) -> None:
        """Take a packet; ``sequence`` and ``ticks`` are on endless scales."""
        if self._next is None:
            self._next, self._next_ticks = sequence, ticks
            self._anchor_ns = arrived_ns - _as_ns(ticks) + _FIRST_DELAY_NS
        if sequence < self._next or sequence in self._waiting:
            return
        self._delays.append(arrived_ns - _as_ns(ticks))
        self._waiting[sequence] = _Waiting(ticks, arrived_ns, payload)

    def take(self, now_ns: int) -> list[Slot]:
        """Give what can be said of playing up to now, in order."""
        slots: list[Slot] = []
        while self._waiting and self._next is not None:
            packet = self._waiting.pop(self._next, None)
            if packet is not None:
                slots += self._play(packet)
            elif now_ns < self._anchor_ns + _as_ns(self._next_ticks):
                break
            else:
                slots.append(self._skip())
        return slots

    def _play(self, packet: _Waiting) -> list[Slot]:
        slots = self._gap_before(packet)
        self._adapt(packet.arrived_ns, after_gap=bool(slots))
        scheduled_ns = self._anchor_ns + _as_ns(packet.ticks)
        late_ns = packet.arrived_ns - scheduled_ns
        if late_ns > 0 and self._overtaken(scheduled_ns):
            slots.append(Slot(Fate.LOST, scheduled_ns, packet.arrived_ns, self._packet_ticks))
        else:
            if late_ns > 0:
                shift_ns = math.ceil(late_ns / STEP_NS) * STEP_NS
                ticks = shift_ns * RTP_CLOCK_RATE // 1_000_000_000
                slots.append(Slot(Fate.STALLED, scheduled_ns, packet.arrived_ns, ticks))
                self._anchor_ns += shift_ns
                scheduled_ns += shift_ns
            slots.append(
                Slot(
                    Fate.HEARD, scheduled_ns, packet.arrived_ns, self._packet_ticks, packet.payload
                )
            )
        self._advance_past(packet.ticks)
        return slots

    def _advance_past(self, ticks: int) -> None:
        self._next = (self._next or 0) + 1
        following = self._waiting.get(self._next)
        if following is not None and 0 < following.ticks - ticks <= 6 * 960:
            self._packet_ticks = min(self._packet_ticks, following.ticks - ticks)
        self._next_ticks = ticks + self._packet_ticks

    def _gap_before(self, packet: _Waiting) -> list[Slot]:
        """Deal with ticks that nobody sent: silence of a sender that sends none, or a restart."""
        gap = packet.ticks - self._next_ticks
        if abs(gap) > _TICKS_FORGIVEN:
            delay_ns = packet.arrived_ns - _as_ns(packet.ticks)
            self._anchor_ns = delay_ns + _FIRST_DELAY_NS
            self._delays = deque([delay_ns], maxlen=_WINDOW_PACKETS)
            return []
        if gap <= 0:
            return []
        at_ns = self._anchor_ns + _as_ns(self._next_ticks)
        return [Slot(Fate.SILENT, at_ns, packet.arrived_ns, gap)]

    def _overtaken(self, scheduled_ns: int) -> bool:
        """Whether playing had to go on without a packet, because later ones were there."""
        following = (self._waiting.get((self._next or 0) + n) for n in range(1, _OVERTAKERS))
        return any(one is not None and one.arrived_ns <= scheduled_ns for one in following)

    def _skip(self) -> Slot:
        """Give up on what is missing before the next packet that is there."""
        found = min(self._waiting)
        packet = self._waiting[found]
        at_ns = self._anchor_ns + _as_ns(self._next_ticks)
        missing = max(0, min(packet.ticks - self._next_ticks, _TICKS_FORGIVEN))
        self._next, self._next_ticks = found, packet.ticks
        return Slot(Fate.LOST, at_ns, packet.arrived_ns, missing)

    def _adapt(self, arrived_ns: int, *, after_gap: bool) -> None:
        due = arrived_ns - self._moved_ns >= _SHRINK_EVERY_NS
        if not after_gap and not due:
            return
        self._moved_ns = arrived_ns
        excess_ns = self._anchor_ns - self._wanted_ns()
        if after_gap or (self.quiet and excess_ns < 0):
            self._anchor_ns -= excess_ns
        elif self.quiet:
            self._anchor_ns -= min(STEP_NS, excess_ns)
        elif excess_ns > _TOO_MUCH_FOR_SPEECH_NS:
            self._anchor_ns -= _SHRINK_OF_SPEECH_NS

    def _wanted_ns(self) -> int:
        ordered = sorted(self._delays)
        fastest = ordered[0]
        spread_ns = ordered[int(0.95 * (len(ordered) - 1))] - fastest
        delay_ns = max(1, math.ceil(spread_ns / STEP_NS)) * STEP_NS
        if len(ordered) < _KNOWN_PACKETS:
            delay_ns = max(delay_ns, _FIRST_DELAY_NS)
        return fastest + delay_ns


def _as_ns(ticks: int) -> int:
    return ticks * 1_000_000_000 // RTP_CLOCK_RATE
