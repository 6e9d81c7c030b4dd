"""What was started in a cluster's folder, so that whoever comes later can end it."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from callfleet_tools.node.errors import NodeError

_FILE = "record.json"
_LOOK_AGAIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class First:
    """The first process of a node; two processes of one number differ in when they started."""

    pid: int
    started_ticks: int

    @classmethod
    def of(cls, pid: int) -> "First":
        """Take down a process that runs."""
        return cls(pid, _started_ticks(pid) or 0)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return _started_ticks(self.pid) == self.started_ticks

    def kill(self, seconds: float) -> None:
        """Kill it, and with it everything in its node; wait until all of that has ended.

        Raises:
            NodeError: something of it does not end.

        """
        if self.alive:
            entering = _entering(self.pid)
            for pid in (self.pid, *entering):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                message = (
                    f"the node of process {self.pid} has not ended {seconds:.0f} s after it was "
                    "killed: something in it waits for a disk or a mount; look at `ps axf`"
                )
                raise NodeError(message)
            time.sleep(_LOOK_AGAIN_SECONDS)


@dataclass(frozen=True, slots=True)
class Record:
    """A cluster that was started: its number, and the first process of each of its nodes."""

    number: int
    nodes: Mapping[str, First]

    @property
    def alive(self) -> bool:
        """Whether any of it still runs."""
        return any(first.alive for first in self.nodes.values())

    def write(self, folder: Path) -> None:
        """Keep it, in one step."""
        nodes = {name: asdict(first) for name, first in self.nodes.items()}
        making = folder / f"{_FILE}.new"
        making.write_text(json.dumps({"number": self.number, "nodes": nodes}), encoding="utf-8")
        making.replace(folder / _FILE)


def read(folder: Path) -> Record | None:
    """Read what was started last in a folder; None where nothing was."""
    try:
        content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    nodes = {name: First(**first) for name, first in content["nodes"].items()}
    return Record(content["number"], nodes)


def forget(folder: Path) -> None:
    """Keep nothing of it any more: all of it has ended."""
    (folder / _FILE).unlink(missing_ok=True)


def _entering(first: int) -> list[int]:
    """Find who led programs into a node: their parents, outside of it.

    A node ends when somebody has taken note of each of its dead, and a parent that is stopped does
    not.
    """
    there = _link(first, "pid")
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]
    return [
        pid
        for pid in pids
        if there and _link(pid, "pid_for_children") == there and _link(pid, "pid") != there
    ]


def _link(pid: int, space: str) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/{space}").readlink())
    except OSError:
        return ""


def _started_ticks(pid: int) -> int | None:
    """Read when a process started; None where there is none, or it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    # The name in brackets may hold anything, so fields count from the last bracket.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])
