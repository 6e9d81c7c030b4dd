"""Run containers of our images with runc, strict as pods are: read-only root, no rights.

The host's network is theirs too, so that what a test runs on loopback is reached. What is writable
is what the image's documentation says, as memory that goes with the container.
"""

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callfleet_tools.images.buildah import Buildah

_ENDS_SECONDS = 120
_NAMESPACES = ("pid", "ipc", "uts", "mount")
_MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware")


@dataclass(frozen=True, slots=True)
class Image:
    """An image, its root file system as long as the test session lasts, and its configuration."""

    role: str
    root: Path
    config: Mapping[str, Any]

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
    return Image(role, root, told["OCIv1"]["config"])


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
        self._program = shutil.which("runc") or "runc"

    def run(self, image: Image, wanted: Wanted) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        with self.started(image, wanted) as container:
            out, err = container.process.communicate(timeout=_ENDS_SECONDS)
            return subprocess.CompletedProcess((), container.process.returncode, out, err)

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
        process = subprocess.Popen(
            [*command, "run", "--bundle", str(bundle), name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield Container(name, command, process)
        finally:
            subprocess.run([*command, "delete", "--force", name], capture_output=True, check=False)
            process.kill()
            process.communicate()


@dataclass(frozen=True, slots=True)
class Container:
    """One container that runs; ``process`` is runc, which ends as the container does."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[str]

    def signal(self, signal: str) -> None:
        """Send the container's first process a signal."""
        subprocess.run([*self.command, "kill", self.name, signal], check=True)

    def is_up(self) -> bool:
        """Say whether the container's first process is its own program by now."""
        done = subprocess.run(
            [*self.command, "state", self.name], capture_output=True, text=True, check=False
        )
        return done.returncode == 0 and json.loads(done.stdout)["status"] == "running"
