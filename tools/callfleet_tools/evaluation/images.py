"""Have the images of an evaluation in a cluster's nodes: ours, LiveKit's server, and Redis."""

import functools
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import callfleet_tools
from callfleet_tools.build import Step
from callfleet_tools.images import base, make, plan
from callfleet_tools.images.buildah import Buildah
from callfleet_tools.narrate import narrated
from callfleet_tools.node import Cluster, images
from callfleet_tools.node.bringing import Tell, timed

LIVEKIT_SERVER, REDIS = "livekit-server", "redis"
_LETTERS = "callfleet:x:65532:65532::/tmp:/usr/sbin/nologin\n"
_TAG_LENGTH = 12
_REDIS_RECIPE = Path(__file__).with_name("redis.Containerfile")


def provide(cluster: Cluster, tell: Tell) -> Mapping[str, str]:
    """Make the images that are missing, load those that are not there, and name them by role.

    Raises:
        ToolError: one cannot be made, or a node does not take it.

    """
    buildah = Buildah()
    with timed("images made", tell):
        ours = make.make(make.Wish(), buildah)
        redis = _redis(buildah)
    stored = {one.role: one.reference for one in ours} | {REDIS: redis}
    with timed("images loaded", tell), buildah.in_use():
        for reference in stored.values():
            _load(cluster, reference, functools.partial(_save, buildah))
        server = _server()
        _load(cluster, server.reference, lambda _, at: images.write_archive(server, at))
    return {**stored, LIVEKIT_SERVER: server.reference}


def _load(cluster: Cluster, reference: str, write: Callable[[str, Path], object]) -> None:
    if cluster.has(reference):
        return
    with narrated(f"loading {reference}"), tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "image.tar"
        write(reference, archive)
        cluster.load(archive)


def _save(buildah: Buildah, reference: str, archive: Path) -> None:
    buildah.ask("push", "--quiet", reference, f"docker-archive:{archive}:{reference}")


def _server() -> images.Image:
    """Give LiveKit's server as an image: one static program is all of it."""
    program = callfleet_tools.find("livekit-server")
    with program.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return images.Image(
        f"{plan.PREFIX}{LIVEKIT_SERVER}:{digest[:_TAG_LENGTH]}",
        ("/livekit-server",),
        programs={"livekit-server": program},
        files={"etc/passwd": _LETTERS},
        user="65532:65532",
    )


def _redis(buildah: Buildah) -> str:
    """Make Redis of Debian's package, and give its name."""
    today = datetime.now(UTC).date()
    with (
        narrated("image redis") as tell,
        buildah.in_use(),
        tempfile.TemporaryDirectory() as folder,
    ):
        chosen = base.provide(buildah, plan.Debian(), today, lambda said: tell(Step(said)))
        id_file = Path(folder) / "id"
        told = ["build", "--isolation", "chroot", "--timestamp", "0", "--pull-never", "--layers"]
        told += ["--build-arg", f"BASE={chosen}", "--iidfile", str(id_file)]
        buildah.ask(*told, "--file", str(_REDIS_RECIPE), folder)
        image_id = id_file.read_text(encoding="utf-8").strip()
    name = f"{plan.PREFIX}{REDIS}:{image_id.removeprefix('sha256:')[:_TAG_LENGTH]}"
    buildah.ask("tag", image_id, name)
    return name
