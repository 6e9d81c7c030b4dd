"""What the programs of a cluster take of memory."""

from collections import defaultdict
from pathlib import Path

from callfleet_tools.node import record

_PROC = Path("/proc")


def by_program(folder: Path) -> dict[str, tuple[int, int]]:
    """Give processes and bytes (shared pages by their share) by program, the largest first."""
    started = record.read(folder)
    spaces = {_space(first.pid) for first in started.nodes.values()} if started else set()
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal() or _space(int(entry.name)) not in spaces - {""}:
            continue
        try:
            name = Path((entry / "cmdline").read_text().split("\0")[0]).name
            lines = (entry / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # ended meanwhile
        size_bytes = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        count, sum_bytes = found[name]
        found[name] = (count + 1, sum_bytes + size_bytes)
    return dict(sorted(found.items(), key=lambda each: -each[1][1]))


def _space(pid: int) -> str:
    """Name the space of processes that one is in; pods have their own below a node's."""
    try:
        return str((_PROC / str(pid) / "ns" / "pid").readlink())
    except OSError:
        return ""
