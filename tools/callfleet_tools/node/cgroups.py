"""The control groups that pods are in: the one thing of a node that does not end with it."""

import contextlib
import os
import time
from pathlib import Path

from callfleet_tools.node.errors import NodeError

_ROOT = Path("/sys/fs/cgroup")
_LOOK_AGAIN_SECONDS = 0.05
_WEIGHTS = {"cpu.shares": 16 * 1024, "cpu.weight": 16 * 100}
"""As sixteen processes have. As made, all pods of a node together weigh no more than one, and on a
busy machine they stand still for half a minute at a time."""


def make(group: str) -> None:
    """Make a group, in every hierarchy that this machine has."""
    for hierarchy in _hierarchies():
        folder = hierarchy / group.strip("/")
        folder.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # Version 1 gives a new group no processor at all.
            if (folder / name).exists() and not (folder / name).read_text().strip():
                (folder / name).write_text((hierarchy / name).read_text())
    _delegate(group)
    for hierarchy in _hierarchies():
        for name, weight in _WEIGHTS.items():
            file = hierarchy / group.strip("/") / name
            if file.exists():
                file.write_text(str(weight))


def remove(group: str, seconds: float) -> None:
    """Remove a group and those in it, once the processes in them have ended.

    Raises:
        NodeError: one is still in use after that time.

    """
    deadline = time.monotonic() + seconds
    folders = [each / group.strip("/") for each in _hierarchies()]
    while left := [each for each in folders if each.exists()]:
        for folder in left:
            for inner, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    Path(inner).rmdir()
        if time.monotonic() > deadline:
            message = (
                f"control group {left[0]} is still in use {seconds:.0f} s after its node ended; "
                "`cat` the cgroup.procs below it to see by what, end that, and try again"
            )
            raise NodeError(message)
        if any(each.exists() for each in left):
            time.sleep(_LOOK_AGAIN_SECONDS)


def _hierarchies() -> list[Path]:
    """List the hierarchies: one in version 2, one for each controller in version 1."""
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return [
        each
        for each in _ROOT.iterdir()
        if each.is_dir() and not each.is_symlink() and (each / "cgroup.procs").exists()
    ]


def _delegate(group: str) -> None:
    """In version 2 a group has the controllers that the one above hands down."""
    if not (_ROOT / "cgroup.controllers").exists():
        return
    names = (_ROOT / "cgroup.controllers").read_text().split()
    for folder in (_ROOT, _ROOT / group.strip("/")):
        for name in names:
            with contextlib.suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{name}")
