"""How long a worker may need to go, as arithmetic: what terminationGracePeriodSeconds must cover.

Pure. ``docs/drain.md`` explains it; a test holds the figures against the framework's own.
"""

import math
from dataclasses import dataclass

# The framework cancels a call's entrypoint so long after it was told to stop; not settable.
ENTRYPOINT_SECONDS = 15.0
# It waits so long for a process to say that it was told, and again for it to exit; a call that
# shares its process is cut off after as long.
SHUTDOWN_ACK_SECONDS = 10.0
# Between the signals with which it kills what is still there.
KILL_SECONDS = 0.5
# Ours: a call whose time is up is told goodbye or handed on. All of a farewell ends within it.
GOODBYE_SECONDS = 60.0
# Ours: last metrics and spans, sockets, files.
FLUSH_SECONDS = 5.0
# The kubelet's own rounding, and a loop that is slow because the node is busy.
MARGIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Grace:
    """One step after the other, from SIGTERM to the exit of the last process."""

    drain_seconds: float
    acknowledge_seconds: float
    entrypoint_seconds: float
    session_close_seconds: float
    session_end_seconds: float
    cut_seconds: float
    exit_seconds: float
    flush_seconds: float
    margin_seconds: float

    @property
    def total_seconds(self) -> int:
        """The least terminationGracePeriodSeconds that never cuts a step short."""
        return math.ceil(
            self.drain_seconds
            + self.acknowledge_seconds
            + self.entrypoint_seconds
            + self.session_close_seconds
            + self.session_end_seconds
            + self.cut_seconds
            + self.exit_seconds
            + self.flush_seconds
            + self.margin_seconds
        )


def grace(drain_seconds: float, close_seconds: float) -> Grace:
    """Add up what can follow a SIGTERM when every step takes as long as it may."""
    return Grace(
        drain_seconds=drain_seconds,
        acknowledge_seconds=SHUTDOWN_ACK_SECONDS,
        entrypoint_seconds=ENTRYPOINT_SECONDS,
        session_close_seconds=close_seconds,
        session_end_seconds=close_seconds,
        cut_seconds=SHUTDOWN_ACK_SECONDS,
        exit_seconds=SHUTDOWN_ACK_SECONDS + KILL_SECONDS,
        flush_seconds=FLUSH_SECONDS,
        margin_seconds=MARGIN_SECONDS,
    )
