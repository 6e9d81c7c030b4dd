"""Count what a collector was not given, and say so once and not for each batch."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from callfleet_contract.telemetry import LossReason, Signal

LOGGER = "callfleet.telemetry"
"""Its lines stay on standard output: what tells of a collector's failure is not sent to it."""

Count = Callable[[str, str, int], None]
"""Counts losses of a signal, by reason."""

_log = structlog.get_logger(LOGGER)


@dataclass(slots=True)
class Losses:
    """What is waiting to be sent of one signal, and what was lost of it. Asked from any thread."""

    signal: Signal
    count: Count
    most_waiting: int
    _waiting: int = 0
    _under_way: int = 0
    _lost: int = 0
    _trouble: LossReason | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def waiting(self) -> int:
        """So many wait to be sent."""
        return self._waiting

    @property
    def unsent(self) -> int:
        """So many wait, or are under way and not taken yet."""
        return self._waiting + self._under_way

    def may_wait(self) -> bool:
        """Take a place in the queue for one item, or count it as lost where there is none."""
        with self._lock:
            if self._waiting < self.most_waiting:
                self._waiting += 1
                return True
        self.lost(LossReason.QUEUE_FULL, 1, "more comes than it takes")
        return False

    def left(self, items: int) -> None:
        """Free the places of a batch that is being sent."""
        with self._lock:
            self._waiting = max(0, self._waiting - items)
            self._under_way += items

    def settled(self, items: int) -> None:
        """It is known what became of a batch."""
        with self._lock:
            self._under_way -= items

    def taken(self) -> None:
        """The collector took a batch."""
        with self._lock:
            lost, was = self._lost, self._trouble
            self._lost, self._trouble = 0, None
        if was is not None:
            _log.info("the collector takes telemetry again", signal=self.signal.value, lost=lost)

    def lost(self, reason: LossReason, items: int, error: str) -> None:
        """Something will not reach the collector."""
        self.count(self.signal.value, reason.value, items)
        with self._lock:
            self._lost += items
            is_news = self._trouble is None
            self._trouble = self._trouble or reason
        if is_news:
            _log.warning(
                "telemetry is lost",
                signal=self.signal.value,
                reason=reason.value,
                error=error,
            )
