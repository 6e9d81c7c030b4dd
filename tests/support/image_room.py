"""Run containers of our images with runc, strict as pods are: read-only root, no rights.

The host's network is theirs too, so that what a test runs on loopback is reached. What is writable
is what the image's documentation says, as memory that goes with the container.
"""

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callfleet_tools import debian
from callfleet_tools.images.buildah import Buildah

RUNNER = debian.Package("runc", ("runc",))
PATIENCE_SECONDS = 120.0
_LOOK_AGAIN_SECONDS = 0.1
_NAMESPACES = ("pid", "ipc", "uts", "mount")
_MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware")


@dataclass(frozen=True, slots=True)
class Image:
    """An image, its root file system as long as the test session lasts, and its configuration."""

    role: str
    image_id: str
    root: Path
    config: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What it is called, like ``callfleet-worker``."""
        found: str = self.config["Labels"]["org.opencontainers.image.title"]
        return found

    def written(self, path: str) -> str:
        """What a file of the image says."""
        return (self.root / path.lstrip("/")).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a container differs from what its image says."""

    arguments: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    environment: Mapping[str, str] | None = None
    writable: Sequence[str] = ()
    bound: Mapping[Path, str] | None = None
    """Folders and files of the host, to be read only."""


def read(role: str, image_id: str, buildah: Buildah, root: Path) -> Image:
    """Read what an image says of itself."""
    told = json.loads(buildah.ask("inspect", "--type", "image", image_id))
    return Image(role, image_id, root, told["OCIv1"]["config"])


def specification(image: Image, wanted: Wanted) -> dict[str, Any]:
    """Write what runc is told. Pure."""
    config = image.config
    start = config["Entrypoint"] if wanted.entrypoint is None else wanted.entrypoint
    rest = config.get("Cmd", []) if wanted.arguments is None else wanted.arguments
    uid, gid = (int(part) for part in config["User"].split(":"))
    environment = dict(one.split("=", 1) for one in config["Env"]) | dict(wanted.environment or {})
    return {
        "ociVersion": "1.0.2",
        "hostname": image.role,
        "root": {"path": str(image.root), "readonly": True},
        "process": {
            "terminal": False,
            "user": {"uid": uid, "gid": gid},
            "args": [*start, *rest],
            "env": [f"{name}={value}" for name, value in environment.items()],
            "cwd": config.get("WorkingDir") or "/",
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "mounts": _mounts(wanted),
        "linux": {
            "namespaces": [{"type": one} for one in _NAMESPACES],
            "maskedPaths": list(_MASKED),
            "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"],
        },
    }


def _mounts(wanted: Wanted) -> list[dict[str, Any]]:
    hidden = ["nosuid", "noexec", "nodev"]
    bound = {Path("/etc/resolv.conf"): "/etc/resolv.conf", Path("/etc/hosts"): "/etc/hosts"}
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {
            "destination": "/dev",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        },
        {
            "destination": "/dev/shm",  # noqa: S108 - the container's own
            "type": "tmpfs",
            "source": "shm",
            "options": [*hidden, "mode=1777", "size=65536k"],
        },
        *(
            {
                "destination": one,
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["nosuid", "nodev", "mode=1777"],
            }
            for one in wanted.writable
        ),
        *(
            {
                "destination": inside,
                "type": "bind",
                "source": str(outside),
                "options": ["rbind", "ro"],
            }
            for outside, inside in {**bound, **(wanted.bound or {})}.items()
        ),
    ]


class Room:
    """Where containers of a test session run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = str(debian.path_of("runc") or "runc")

    def run(self, image: Image, wanted: Wanted) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        with self.started(image, wanted) as container:
            code = container.ends()
            return subprocess.CompletedProcess((), code, container.out, container.err)

    def python(self, image: Image, program: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program in a container of an image."""
        return self.run(image, Wanted(["-c", program], ["python"], writable=["/tmp"]))  # noqa: S108 - as above

    @contextmanager
    def started(self, image: Image, wanted: Wanted) -> Iterator["Container"]:
        """Run a container while the block does."""
        name = f"callfleet-test-{uuid.uuid4().hex[:10]}"
        bundle = self._folder / name
        bundle.mkdir()
        told = json.dumps(specification(image, wanted), indent=2)
        (bundle / "config.json").write_text(told, encoding="utf-8")
        command = [self._program, "--root", str(self._folder / "runc")]
        # Files, which take what nobody reads: a pipe that is full would stop who writes to it.
        with (bundle / "out").open("wb") as out, (bundle / "err").open("wb") as err:
            process = subprocess.Popen(
                [*command, "run", "--bundle", str(bundle), name],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        try:
            yield Container(name, command, process, bundle)
        finally:
            # It first, so that it starts nothing that is looked for in vain.
            process.kill()
            process.wait()
            subprocess.run([*command, "delete", "--force", name], capture_output=True, check=False)


@dataclass(frozen=True, slots=True)
class Container:
    """One container that runs; ``process`` is runc, which ends as the container does."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def out(self) -> str:
        """What it wrote to its stdout so far."""
        return (self.folder / "out").read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        """What it wrote to its stderr so far."""
        return (self.folder / "err").read_text(encoding="utf-8")

    def ends(self) -> int:
        """Wait for its end, and give its exit code."""
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it does not end; it said:\n{self.out}{self.err}")

    def wait_until(self, met: Callable[[], bool], what: str) -> None:
        """Wait for something that it is to do."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not met():
            if self.process.poll() is not None:
                pytest.fail(f"it ended before it was {what}; it said:\n{self.out}{self.err}")
            if time.monotonic() > deadline:
                pytest.fail(f"it is not {what}; it said:\n{self.out}{self.err}")
            time.sleep(_LOOK_AGAIN_SECONDS)

    def signal(self, signal: str) -> None:
        """Send the container's first process a signal."""
        subprocess.run([*self.command, "kill", self.name, signal], check=True)

    def is_up(self) -> bool:
        """Say whether the container's first process is its own program by now."""
        done = subprocess.run(
            [*self.command, "state", self.name], capture_output=True, text=True, check=False
        )
        return done.returncode == 0 and json.loads(done.stdout)["status"] == "running"
