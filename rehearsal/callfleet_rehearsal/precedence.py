"""Keep callers and model in time where the fleet fills the machine: theirs are others.

Where the system lets it, their threads go before all ordinary ones while calls are up. They need
a small part of one core, the fleet waits for it, and without it their own lateness would be
measured.
"""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def precedence() -> Iterator[bool]:
    """Go before ordinary threads in the block; false where the system does not allow it."""
    if sys.platform != "linux":
        yield False
        return
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, before, parameters)
