"""What each role of the stack costs while calls are up, and how busy the machine was otherwise."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from callfleet_rehearsal.evidence import MachineState, ProcessCost
from callfleet_rehearsal.stack import procfs
from callfleet_rehearsal.stack.procfs import MachineStat, ProcessStat

REHEARSAL_ROLE = "rehearsal"
PARENT_ROLE = "worker parent"
CALLS_ROLE = "worker calls"


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds by role, and the machine's, at one instant."""

    at_seconds: float
    cpu_seconds: Mapping[str, float]
    machine: MachineStat


def cpu_by_role(
    stats: Iterable[ProcessStat], sessions: Mapping[int, str], worker: int
) -> dict[str, float]:
    """Add up CPU time by role. A worker's first process is one role, its call processes another.

    Call processes that have ended are in the time of whoever waited for them.
    """
    cpu = {role: 0.0 for session, role in sessions.items() if session != worker}
    for stat in stats:
        if stat.session == worker:
            own = PARENT_ROLE if stat.pid == worker else CALLS_ROLE
            cpu[own] = cpu.get(own, 0.0) + stat.own_seconds
            cpu[CALLS_ROLE] = cpu.get(CALLS_ROLE, 0.0) + stat.ended_children_seconds
        elif stat.session in sessions:
            cpu[sessions[stat.session]] += stat.own_seconds + stat.ended_children_seconds
    return cpu


def role_of(stat: ProcessStat, sessions: Mapping[int, str], worker: int) -> str | None:
    """Say whose process it is; None where it is none of ours."""
    if stat.pid == os.getpid():
        return REHEARSAL_ROLE
    if stat.session == worker:
        return PARENT_ROLE if stat.pid == worker else CALLS_ROLE
    return sessions.get(stat.session)


class Meter:
    """Measures from ``start`` to ``stop``; ``weigh`` takes the memory once in between."""

    def __init__(self, sessions: Mapping[int, str], worker: int) -> None:
        self._sessions = dict(sessions)
        self._worker = worker
        self._started: Reading | None = None
        self._stopped: Reading | None = None
        self._memory: dict[str, list[int]] = {}

    def start(self) -> None:
        """Begin, if not begun."""
        if self._started is None:
            self._started = self._read()

    def stop(self) -> None:
        """End here; the latest call counts."""
        self._stopped = self._read()

    def weigh(self) -> None:
        """Take the memory of all roles now. It holds each process up for some milliseconds."""
        self._memory = {}
        for stat in procfs.processes():
            role = role_of(stat, self._sessions, self._worker)
            if role is not None:
                self._memory.setdefault(role, []).append(procfs.memory_bytes(stat.pid))

    @property
    def weighed(self) -> bool:
        """Whether the memory was taken."""
        return bool(self._memory)

    def costs(self) -> tuple[ProcessCost, ...]:
        """Give each role's cost between start and stop."""
        if self._started is None or self._stopped is None:
            return ()
        before, after = self._started.cpu_seconds, self._stopped.cpu_seconds
        return tuple(
            ProcessCost(
                role=role,
                processes=len(self._memory.get(role, [])),
                cpu_seconds=max(0.0, after[role] - before.get(role, 0.0)),
                pss_bytes=sum(self._memory.get(role, [])),
            )
            for role in after
        )

    def machine_state(self, send_late_p95_seconds: float) -> MachineState | None:
        """Say how busy the machine was; None where no call was ever up."""
        if self._started is None or self._stopped is None:
            return None
        return machine_state(self._started, self._stopped, send_late_p95_seconds)

    def _read(self) -> Reading:
        cpu = cpu_by_role(procfs.processes(), self._sessions, self._worker)
        cpu[REHEARSAL_ROLE] = time.process_time()
        return Reading(time.monotonic(), cpu, procfs.machine())


def machine_state(before: Reading, after: Reading, send_late_p95_seconds: float) -> MachineState:
    """Compare two readings: what was busy, and how much of it was not ours."""
    cores = os.cpu_count() or 1
    seconds = after.at_seconds - before.at_seconds
    available = max(seconds * cores, 1e-9)
    busy = after.machine.busy_seconds - before.machine.busy_seconds
    ours = sum(
        after.cpu_seconds[role] - before.cpu_seconds.get(role, 0.0) for role in after.cpu_seconds
    )
    steal = after.machine.steal_seconds - before.machine.steal_seconds
    pressure = after.machine.pressure_seconds - before.machine.pressure_seconds
    return MachineState(
        cores=cores,
        seconds=seconds,
        busy_ratio=busy / available,
        other_cpu_ratio=max(0.0, busy - ours) / available,
        steal_ratio=steal / available,
        load_1m=os.getloadavg()[0],
        cpu_pressure_ratio=pressure / max(seconds, 1e-9),
        send_late_p95_seconds=send_late_p95_seconds,
    )
