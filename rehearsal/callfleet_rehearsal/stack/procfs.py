"""Read what the kernel says of processes and of the machine. No decision here."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """One process: its kin, and CPU time of its own and of its children that have ended."""

    pid: int
    session: int
    alive: bool
    own_seconds: float
    ended_children_seconds: float
    parent: int = 0


@dataclass(frozen=True, slots=True)
class MachineStat:
    """Seconds that all cores together have spent since the machine started."""

    busy_seconds: float
    steal_seconds: float
    pressure_seconds: float


def parse_process(text: str) -> ProcessStat:
    """Read one ``/proc/PID/stat``."""
    # The name in brackets may hold anything, so fields count from the last bracket.
    end = text.rindex(")")
    fields = text[end + 2 :].split()
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return ProcessStat(
        pid=int(text[: text.index(" ")]),
        parent=int(fields[1]),
        session=int(fields[3]),
        alive=fields[0] not in "ZX",
        own_seconds=(user + system) / TICKS_PER_SECOND,
        ended_children_seconds=(children_user + children_system) / TICKS_PER_SECOND,
    )


def processes() -> Iterator[ProcessStat]:
    """Read all processes; those that end meanwhile are left out."""
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                yield parse_process((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue


def memory_bytes(pid: int) -> int:
    """Read a process's proportional share of memory; 0 where it has ended or may not be read."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def context_switches(pid: int) -> int:
    """Count how often the threads of a process that live now have been switched."""
    count = 0
    for status in (_PROC / str(pid) / "task").glob("*/status"):
        try:
            lines = status.read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        count += sum(int(line.split()[1]) for line in lines if "ctxt_switches:" in line)
    return count


def threads(pid: int) -> dict[tuple[int, int], tuple[str, float]]:
    """Read the threads of a process: by both their numbers, name and CPU seconds so far."""
    found: dict[tuple[int, int], tuple[str, float]] = {}
    for file in (_PROC / str(pid) / "task").glob("*/stat"):
        try:
            text = file.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        stat = parse_process(text)
        name = text[text.index("(") + 1 : text.rindex(")")]
        found[pid, stat.pid] = (name, stat.own_seconds)
    return found


def machine() -> MachineStat:
    """Read what the whole machine has done so far."""
    line = (_PROC / "stat").read_text().splitlines()[0]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    return MachineStat(
        busy_seconds=(user + nice + system + irq + softirq) / TICKS_PER_SECOND,
        steal_seconds=steal / TICKS_PER_SECOND,
        pressure_seconds=_pressure_seconds(),
    )


def _pressure_seconds() -> float:
    """Read how long some process has waited for a CPU; 0 on kernels that do not tell."""
    try:
        some = (_PROC / "pressure" / "cpu").read_text().splitlines()[0]
    except (OSError, IndexError):
        return 0.0
    return int(some.rpartition("total=")[2]) / 1e6
