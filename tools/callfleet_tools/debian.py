"""What of Debian something needs on this machine: said with its cure, and installed for root."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from callfleet_tools.errors import ToolError

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LOCK_SECONDS = 120
_LAST_LINES = 8


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package, and the programs by which one knows that it is there."""

    name: str
    programs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """What something needs of a machine: root, and packages.

    ``who`` is that something, ``root_for`` what it needs root for, and ``otherwise`` how to do
    without, where there is a way.
    """

    who: str
    root_for: str
    packages: tuple[Package, ...]
    otherwise: str = ""

    def more(self, *packages: Package) -> "Needs":
        """Need these packages too."""
        return replace(self, packages=(*self.packages, *packages))

    def lacking(self) -> list[str]:
        """Name the packages that are not there."""
        return [
            each.name for each in self.packages if not all(path_of(one) for one in each.programs)
        ]

    def obstacle(self) -> str | None:
        """Say what keeps it from running here, with its cure; None where nothing does.

        Packages that are missing are an obstacle too: see :meth:`provide`.
        """
        if os.geteuid() != 0:
            said = f"{self.who} needs root, for {self.root_for}; start this as root (sudo)"
            return said + self.otherwise
        lacking = self.lacking()
        if lacking:
            names = " ".join(lacking)
            said = f"{self.who} needs Debian packages that are not here: apt-get install {names}"
            return said + self.otherwise
        return None

    def provide(self, tell: Callable[[str], None] = lambda _: None) -> list[str]:
        """Install the packages that are missing, tell of it, and name them.

        Raises:
            ToolError: we are not root, or they cannot be installed.

        """
        lacking = self.lacking()
        if lacking and os.geteuid() == 0:
            tell(f"installing {' '.join(lacking)}")
            install(lacking)
        said = self.obstacle()
        if said:
            raise ToolError(said)
        return lacking


def path_of(program: str) -> Path | None:
    """Find a program of the machine, also where PATH leaves out what only root needs."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")
    return Path(found) if found else None


def environment() -> dict[str, str]:
    """Give our environment with what only root needs on PATH."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"}


def install(names: list[str]) -> None:
    """Install Debian packages, as root.

    Raises:
        ToolError: there is no apt-get, or it does not install them.

    """
    told = " ".join(names)
    apt = path_of("apt-get")
    if apt is None:
        message = (
            f"these packages are missing, and this is no Debian: {told}; install what "
            "your system calls them"
        )
        raise ToolError(message)
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
        message = f"`apt-get install {told}` failed; install them by hand:\n  {said}"
        raise ToolError(message)


def _run(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
