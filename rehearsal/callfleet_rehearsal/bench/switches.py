"""Count how often each role's threads are switched, while calls talk."""

import time
from collections.abc import Mapping
from typing import Any

from callfleet_rehearsal.stack import procfs
from callfleet_rehearsal.stack.costs import role_of
from callfleet_rehearsal.stack.processes import Child, Children

Counts = Mapping[str, Mapping[int, int]]
"""By role, then by process."""


class Switches:
    """Counts from the first answered turn to half of all turns, or to the first call's end.

    Threads that have ended tell nothing any more: so never past the end of a call.
    """

    def __init__(self, children: Children, worker: Child, calls: int, turns: int) -> None:
        self._children, self._worker, self._calls = children, worker, calls
        self._ends_at = max(2, calls * turns // 2)
        self._turns = 0
        self._began: tuple[float, Counts] | None = None
        self.per_call_second: dict[str, float] = {}

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take one event of a caller."""
        kind = event.get("event")
        self._turns += kind == "turn"
        if self._turns and self._began is None:
            self._began = self._read()
        elif self._turns == self._ends_at or kind == "ended":
            self._end()

    def _end(self) -> None:
        if self._began is None or self.per_call_second:
            return
        at, counts = self._read()
        seconds = max((at - self._began[0]) * self._calls, 1e-9)
        self.per_call_second = {
            role: count / seconds for role, count in switched(self._began[1], counts).items()
        }

    def _read(self) -> tuple[float, Counts]:
        sessions = {child.pid: child.role for child in self._children}
        counts: dict[str, dict[int, int]] = {}
        for stat in procfs.processes():
            role = role_of(stat, sessions, self._worker.pid)
            if role is not None:
                counts.setdefault(role, {})[stat.pid] = procfs.context_switches(stat.pid)
        return time.monotonic(), counts


def switched(before: Counts, after: Counts) -> dict[str, int]:
    """Count by role. Where a process has ended meanwhile nobody knows, so its role is left out."""
    return {
        role: sum(max(0, count - before.get(role, {}).get(pid, 0)) for pid, count in own.items())
        for role, own in after.items()
        if before.get(role, {}).keys() <= own.keys()
    }
