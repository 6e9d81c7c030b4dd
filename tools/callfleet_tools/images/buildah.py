"""Run buildah on a store of our own, and say in a sentence what failed."""

import os
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from callfleet_tools import cache
from callfleet_tools.errors import ToolError
from callfleet_tools.images import plan

_LAST_LINES = 15


class Buildah:
    """One store of images."""

    def __init__(self, store: plan.Store | None = None) -> None:
        self._store = store or plan.Store(
            cache.root() / "images", os.environ.get("STORAGE_DRIVER", "overlay")
        )

    def ask(self, *arguments: str) -> str:
        """Run one command and give what it prints.

        Raises:
            ToolError: it failed.

        """
        done = subprocess.run(self._written(arguments), capture_output=True, text=True, check=False)
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
            self._written(arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or ():
                last.append(line.rstrip())
                tell(line.rstrip())
        if process.returncode != 0:
            raise ToolError(_failed(arguments, last))

    def has(self, image: str) -> bool:
        """Say whether the store has an image."""
        command = self._written(["inspect", "--type", "image", image])
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    @contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """Give the root file system of an image while the block runs. It is to be read only."""
        container = self.ask("from", "--pull-never", image)
        try:
            yield Path(self.ask("mount", container))
        finally:
            self.ask("umount", container)
            self.ask("rm", container)

    def _written(self, arguments: "list[str] | tuple[str, ...]") -> list[str]:
        return self._store.command(shutil.which("buildah") or "buildah", *arguments)


def _failed(arguments: "list[str] | tuple[str, ...]", lines: "deque[str] | list[str]") -> str:
    said = "\n  ".join(line[:400] for line in list(lines)[-_LAST_LINES:])
    return (
        f"buildah {arguments[0]} failed:\n  {said}\n"
        "Where a package index is not reached, set PIP_INDEX_URL and SSL_CERT_FILE as for pip; "
        "where the store's driver does not work here, STORAGE_DRIVER=vfs."
    )
