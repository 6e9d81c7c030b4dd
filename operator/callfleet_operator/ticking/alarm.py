"""When a fleet is to be thought over next: the soonest of what was asked for, never too often."""

import asyncio
import contextlib
import math
from collections.abc import Callable

GAP_SECONDS = 0.1
"""Between two ticks of a fleet; what happens meanwhile is thought over together."""


class Alarm:
    """Of one fleet."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due_at = clock()
        self._not_before = -math.inf
        self._moved = asyncio.Event()

    @property
    def overdue_seconds(self) -> float:
        """How long ago the fleet should have been thought over."""
        return max(0.0, self._clock() - max(self._due_at, self._not_before))

    def ring_in(self, seconds: float) -> None:
        """Ask for a tick so soon, or sooner."""
        at = self._clock() + seconds
        if at < self._due_at:
            self._due_at = at
            self._moved.set()

    def rest(self, seconds: float) -> None:
        """Allow no tick before."""
        self._not_before = self._clock() + seconds

    async def wait(self) -> None:
        """Wait until it is time; then nothing is asked for until somebody asks."""
        while (left := max(self._due_at, self._not_before) - self._clock()) > 0:
            self._moved.clear()
            # Not by wait_for: in Python 3.11 it forgets that it is cancelled as the event comes.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(left) else left):
                    await self._moved.wait()
        self._due_at = math.inf
        self._not_before = self._clock() + GAP_SECONDS
