"""Hear the two signals that ask a worker to go, as often as they come."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_HEARD = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def heard_signals(tell: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Tell of each while the block runs."""
    loop = asyncio.get_running_loop()
    for number in _HEARD:
        loop.add_signal_handler(number, tell, number)
    try:
        yield
    finally:
        for number in _HEARD:
            loop.remove_signal_handler(number)
