"""Notice when a call's event loop stands still, at the cost of ten timers a second."""

import asyncio
from collections.abc import Callable

from callfleet_contract.events import CallEvent, LoopBlocked

BEAT_SECONDS = 0.1
BLOCKED_SECONDS = 0.05


class LoopWatch:
    """Compares when a timer was due with when it came."""

    def __init__(self, call_id: str, emit: Callable[[CallEvent], None]) -> None:
        self._call_id, self._emit = call_id, emit
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to watch."""
        due = self._loop.time() + BEAT_SECONDS
        self._timer = self._loop.call_at(due, self._beat, due)

    def stop(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self, due: float) -> None:
        late = self._loop.time() - due
        if late >= BLOCKED_SECONDS:
            self._emit(LoopBlocked(self._call_id, late))
        self.start()
