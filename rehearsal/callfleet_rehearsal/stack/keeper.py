"""Outlive the rehearsal by one moment: end its processes when it was killed too hard to do so.

Runs as a process of its own. Each line on its standard input names a session of processes, with
``+`` when one starts and ``-`` when it has ended. When the input ends, what is left is killed.
"""

import os
import signal
import sys
from collections.abc import Iterable

from callfleet_rehearsal.stack import procfs


def members(session: int) -> list[int]:
    """Find all living processes of a session, those in process groups of their own included."""
    return [each.pid for each in procfs.processes() if each.session == session and each.alive]


def kill(session: int) -> None:
    """Kill what is left of a session."""
    for pid in members(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def keep(lines: Iterable[str]) -> None:
    """Follow the sessions until the lines end, then kill those that were not said to have ended."""
    sessions: set[int] = set()
    for line in lines:
        session = int(line[1:])
        if line.startswith("+"):
            sessions.add(session)
        else:
            sessions.discard(session)
    for session in sessions:
        kill(session)


if __name__ == "__main__":
    keep(sys.stdin)
