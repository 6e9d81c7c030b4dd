"""Keep callers in time where the fleet fills the machine: a real caller has a device of its own.

Where the system lets it, the callers' thread goes before all ordinary ones while calls are up. It
needs a small part of one core, and without it the callers' own lateness would be measured.
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
