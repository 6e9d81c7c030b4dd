"""What is sent to a collector in a test, and what was lost of it."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from callfleet_contract.telemetry import Signal
from callfleet_service.otlp.sending import Limits, Sending
from callfleet_service.otlp.settings import OtlpSettings

QUICK = Limits(send_seconds=1.0, waiting=20, batch=5, every_seconds=0.05, stop_seconds=10)
AT_ONCE = Limits(send_seconds=5.0, waiting=20, batch=20, every_seconds=600, stop_seconds=20)
"""Sends all that there is in one batch, when it is stopped."""
HASTY = Limits(send_seconds=30.0, waiting=20, batch=5, every_seconds=0.05, stop_seconds=0.2)
PATIENCE_SECONDS = 30.0


class Lost(Counter[tuple[str, str]]):
    def count(self, signal: str, reason: str, items: int) -> None:
        self[signal, reason] += items


def started(url: str, lost: Lost, limits: Limits = QUICK, **more: Any) -> Sending:
    settings = OtlpSettings(otlp_endpoint=url, **{"signals": (Signal.TRACES,), **more})
    sending = Sending.start(settings, lost.count, limits)
    assert sending is not None
    return sending


def tell(sending: Sending, spans: int) -> None:
    for number in range(spans):
        sending.tracer.start_span(f"span {number}").end()


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, "never came"
        time.sleep(0.01)
