"""How calls come and how long they last, over all workers of a fleet. No clock of its own.

Instants are seconds of a clock that never jumps.
"""

import math
from collections import deque
from dataclasses import dataclass

from callfleet_operator.planning.snapshot import Arrivals

WINDOW_SECONDS = 300.0
PEAK_SECONDS = 60.0
_LEAST_SECONDS = 30.0
_ENDED_KEPT = 500.0
_UPPER_95 = 0.82
"""(sqrt(n) + 0.82)² is close to the upper end of a one-sided 95 % interval of a Poisson count."""


@dataclass(slots=True)
class _Second:
    at: float
    calls: int


class Rates:
    """Of one fleet."""

    def __init__(self, began_at: float) -> None:
        self._began_at = began_at
        self._seconds: deque[_Second] = deque()
        self._ended = 0.0
        self._call_seconds = 0.0
        self._refused = 0

    def came(self, at: float, calls: int) -> None:
        """Take in calls that were accepted."""
        if calls <= 0:
            return
        if self._seconds and at - self._seconds[-1].at < 1.0:
            self._seconds[-1].calls += calls
        else:
            self._seconds.append(_Second(at, calls))
        while at - self._seconds[0].at > WINDOW_SECONDS:
            self._seconds.popleft()

    def refused(self, offers: int) -> None:
        """Take in offers that workers passed on because no slot was free."""
        self._refused += offers

    def ended(self, calls: int, call_seconds: float) -> None:
        """Take in calls that ended, and how long they were together. Old ones fade."""
        self._ended += max(0, calls)
        self._call_seconds += max(0.0, call_seconds)
        if self._ended > _ENDED_KEPT:
            share = _ENDED_KEPT / 2 / self._ended
            self._ended *= share
            self._call_seconds *= share

    def arrivals(self, now: float) -> Arrivals:
        """Say how calls come, as of now."""
        seen_for = max(_LEAST_SECONDS, min(WINDOW_SECONDS, now - self._began_at))
        lately = sum(one.calls for one in self._seconds if now - one.at <= WINDOW_SECONDS)
        just_now = sum(one.calls for one in self._seconds if now - one.at <= PEAK_SECONDS)
        peak = (math.sqrt(just_now) + _UPPER_95) ** 2 if just_now else 0.0
        return Arrivals(
            per_second=lately / seen_for,
            per_second_peak=peak / PEAK_SECONDS,
            mean_call_seconds=self._call_seconds / self._ended if self._ended else 0.0,
            refused_total=self._refused,
        )


class LeadTimes:
    """How long new workers took to accept calls: the p90 of the last ones."""

    def __init__(self, keep: int = 50) -> None:
        self._seconds: deque[float] = deque(maxlen=keep)

    def took(self, seconds: float) -> None:
        """Take in one."""
        self._seconds.append(seconds)

    def p90_seconds(self) -> float | None:
        """Give the p90; None where no worker has started yet."""
        if not self._seconds:
            return None
        ranked = sorted(self._seconds)
        return ranked[min(len(ranked) - 1, math.ceil(0.9 * len(ranked)) - 1)]
