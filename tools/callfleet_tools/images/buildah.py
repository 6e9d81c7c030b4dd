"""Run buildah on a store of our own, and say in a sentence what failed."""

import fcntl
import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from callfleet_tools import cache, debian
from callfleet_tools.errors import ToolError
from callfleet_tools.images import plan

_LAST_LINES = 15


class Buildah:
    """One store of images."""

    def __init__(self, store: plan.Store | None = None) -> None:
        self._store = store or plan.Store(
            cache.root() / "images", os.environ.get("STORAGE_DRIVER", "overlay")
        )

    @property
    def folder(self) -> Path:
        """Where all is that images are made with."""
        return self._store.folder

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Use the store while the block runs, as others may too: nothing in it is cleared away."""
        with self._lock().open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Say whether nobody uses the store, and have it so while the block runs."""
        with self._lock().open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def ask(self, *arguments: str) -> str:
        """Run one command and give what it prints.

        Raises:
            ToolError: it failed.

        """
        done = self._run(arguments)
        if done.returncode != 0:
            raise ToolError(_failed(arguments, (done.stderr or done.stdout).splitlines()))
        return done.stdout.strip()

    def follow(self, arguments: list[str], tell: Callable[[str], None]) -> None:
        """Run one command and hand on each line that it prints.

        Raises:
            ToolError: it failed.

        """
        last: deque[str] = deque(maxlen=_LAST_LINES)
        with subprocess.Popen(
            self._written(arguments),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                last.append(line.rstrip())
                tell(line.rstrip())
        if process.returncode != 0:
            raise ToolError(_failed(arguments, last))

    def find(self, image: str) -> str | None:
        """Give the id of an image, or None where the store does not have it."""
        inspect = ("inspect", "--type", "image", "--format", "{{.FromImageID}}", image)
        done = self._run(inspect)
        return f"sha256:{done.stdout.strip()}" if done.returncode == 0 else None

    @contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """Give the root file system of an image while the block runs. It is to be read only."""
        with self.in_use():
            container = self.ask("from", "--pull-never", image)
            try:
                yield Path(self.ask("mount", container))
            finally:
                self.ask("umount", container)
                self.ask("rm", container)

    def _run(self, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._written(arguments),
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def _lock(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / "store.lock"

    def _environment(self) -> dict[str, str]:
        # What is downloaded for builds is kept below TMPDIR.
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return {**debian.environment(), "TMPDIR": str(temporary)}

    def _written(self, arguments: "list[str] | tuple[str, ...]") -> list[str]:
        return self._store.command(str(debian.path_of("buildah") or "buildah"), *arguments)


def _failed(arguments: "list[str] | tuple[str, ...]", lines: "deque[str] | list[str]") -> str:
    said = "\n  ".join(line[:400] for line in list(lines)[-_LAST_LINES:])
    return (
        f"buildah {arguments[0]} failed:\n  {said}\n"
        "Where a package index is not reached, set PIP_INDEX_URL and SSL_CERT_FILE as for pip; "
        "where the store's driver does not work here, STORAGE_DRIVER=vfs."
    )
