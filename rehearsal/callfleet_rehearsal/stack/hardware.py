"""Describe the machine, so that figures of different ones are not taken for comparable."""

import os
from dataclasses import dataclass
from pathlib import Path

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine: cores that may be used, the processor's model, the kernel, memory in bytes."""

    cores: int
    model: str
    kernel: str
    memory_bytes: int

    def __str__(self) -> str:
        gigabytes = self.memory_bytes / 1e9
        return f"{self.cores} cores of {self.model}, {gigabytes:.0f} GB, {self.kernel}"


def hardware() -> Hardware:
    """Describe this machine."""
    kernel = os.uname()
    return Hardware(
        cores=len(os.sched_getaffinity(0)),
        model=model_in(_text("cpuinfo")) or kernel.machine or _UNKNOWN,
        kernel=f"{kernel.sysname} {kernel.release}",
        memory_bytes=memory_in(_text("meminfo")),
    )


def model_in(cpuinfo: str) -> str:
    """Find the processor's name; empty where the kernel tells none, as on some of ARM."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return ""


def memory_in(meminfo: str) -> int:
    """Find how much memory there is; 0 where the kernel does not tell."""
    for line in meminfo.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(name: str) -> str:
    try:
        return (Path("/proc") / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
