"""What a node needs of the machine: root, and a few Debian packages."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from callfleet_tools.node.errors import NodeError

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LOCK_SECONDS = 120
_LAST_LINES = 8


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package, and the programs by which one knows that it is there."""

    name: str
    programs: tuple[str, ...]


PLUGINS = Path("/usr/lib/cni")
PACKAGES = (
    Package("containernetworking-plugins", (f"{PLUGINS}/host-local", f"{PLUGINS}/ptp")),
    Package("iproute2", ("ip",)),
    Package("iptables", ("iptables", "iptables-save", "iptables-restore")),
    Package("mount", ("mount",)),
    Package("runc", ("runc",)),
    Package("util-linux", ("nsenter", "unshare")),
)


SPEAKER = Package("slirp4netns", ("slirp4netns",))
"""Speaks for a node that is to reach the internet: nothing else of the machine is needed then."""


def path_of(program: str) -> Path | None:
    """Find a program of the machine, also where PATH leaves out what only root needs."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")
    return Path(found) if found else None


def environment() -> dict[str, str]:
    """Say in which environment a node's programs run: ours, with what only root needs on PATH."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"}


def missing(*more: Package) -> list[str]:
    """Name the packages that are not there."""
    wanted = (*PACKAGES, *more)
    return [each.name for each in wanted if not all(path_of(one) for one in each.programs)]


def obstacle(*more: Package) -> str | None:
    """Say what keeps a node from running here, with its cure; None where nothing does.

    Packages that are missing are an obstacle too: see :func:`provide`.
    """
    if os.geteuid() != 0:
        return "a node needs root, for namespaces and control groups; start this as root (sudo)"
    lacking = missing(*more)
    if lacking:
        return f"a node needs Debian packages that are not here: apt-get install {_names(lacking)}"
    return None


def provide(*more: Package) -> list[str]:
    """Install the packages that are missing, and name them.

    Raises:
        NodeError: we are not root, or they cannot be installed.

    """
    lacking = missing(*more)
    if lacking and os.geteuid() == 0:
        install(lacking)
    said = obstacle(*more)
    if said:
        raise NodeError(said)
    return lacking


def install(names: list[str]) -> None:
    """Install Debian packages, as root.

    Raises:
        NodeError: there is no apt-get, or it does not install them.

    """
    apt = path_of("apt-get")
    if apt is None:
        message = (
            f"these packages are missing, and this is no Debian: {_names(names)}; install what "
            "your system calls them"
        )
        raise NodeError(message)
    lock = ["-o", f"DPkg::Lock::Timeout={_LOCK_SECONDS}"]
    quietly = {**environment(), "DEBIAN_FRONTEND": "noninteractive"}
    command = [str(apt), "install", "-y", "-q", "--no-install-recommends", *lock, *names]
    done = _run(command, quietly)
    if done.returncode != 0:
        # A fresh machine knows no packages yet.
        _run([str(apt), "update", "-q", *lock], quietly)
        done = _run(command, quietly)
    if done.returncode != 0:
        said = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:])
        message = f"`apt-get install {_names(names)}` failed; install them by hand:\n  {said}"
        raise NodeError(message)


def _run(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _names(names: list[str]) -> str:
    return " ".join(names)
