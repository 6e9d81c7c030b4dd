"""An image has what its role needs and nothing else."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from image_room import Image, Room

from callfleet_tools.images import plan
from callfleet_tools.images.buildah import Buildah
from callfleet_tools.images.make import Wish, make
from callfleet_tools.images.plan import Role

pytestmark = pytest.mark.timeout(600)
"""The first test of all waits for what others have to be made."""

NEEDED = {
    Role.WORKER: (
        "callfleet_worker.call",
        "callfleet_worker.parent.life",
        "callfleet_worker.agents.orders",
        "livekit.agents",
        "livekit.plugins.google",
        "aiosqlite",
        "asyncpg",
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    ),
    Role.OPERATOR: ("callfleet_operator.life", "callfleet_operator.fleetctl.command", "kopf"),
    Role.REHEARSAL: (
        "callfleet_rehearsal.callers.run",
        "callfleet_rehearsal.emulator.server",
        "callfleet_rehearsal.command.rehearse",
        "av",
    ),
}
ABSENT = {
    Role.WORKER: ("callfleet_operator", "callfleet_rehearsal", "callfleet_tools", "kopf", "pytest"),
    Role.OPERATOR: ("callfleet_worker", "callfleet_rehearsal", "livekit.agents", "av", "numpy"),
    Role.REHEARSAL: ("callfleet_worker", "callfleet_operator", "livekit.agents", "kopf"),
}
BUILDERS = ("as", "cc", "gcc", "ld", "make", "pip", "pip3", "strip", "uv")
CACHES = ("root/.cache", "tmp", "var/cache/apt", "var/lib/apt/lists")


def absent(names: tuple[str, ...]) -> str:
    """A program that ends with 1 where one of these can be imported."""
    return f"""
import importlib, sys
for name in {names!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    sys.exit(name + " is there")
"""


def contents(root: Path) -> dict[str, str]:
    """Each file of a root with what is in it and who may do what with it, times aside."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            file = Path(folder) / name
            about = file.lstat()
            link = stat.S_ISLNK(about.st_mode)
            inside = str(file.readlink()).encode() if link else file.read_bytes()
            digest = hashlib.sha256(inside).hexdigest()
            told = f"{about.st_mode:o} {about.st_uid}:{about.st_gid} {digest}"
            found[file.relative_to(root).as_posix()] = told
    return found


def test_a_role_has_all_that_it_imports(images: Mapping[Role, Image], room: Room) -> None:
    for role, names in NEEDED.items():
        done = room.python(images[role], f"import {', '.join(names)}")
        assert (role, done.returncode, done.stderr) == (role, 0, "")


def test_a_role_has_nothing_of_another(images: Mapping[Role, Image], room: Room) -> None:
    for role, names in ABSENT.items():
        done = room.python(images[role], absent(names))
        assert (role, done.returncode, done.stderr) == (role, 0, "")


def test_nothing_in_an_image_builds_or_installs(image: Image) -> None:
    folders = (image.root / one for one in ("bin", "sbin", "usr/bin", "usr/local/bin"))
    programs = {
        file.name for one in [*folders, image.root / "opt/callfleet/bin"] for file in one.iterdir()
    }
    assert programs.isdisjoint(BUILDERS)
    assert {"callfleet", "python", "tini"} <= programs


def test_no_cache_and_no_secret_is_left_in_an_image(image: Image) -> None:
    left = [str(file) for one in CACHES for file in (image.root / one).rglob("*")]
    assert left == []
    assert not (image.root / "run/secrets/ca").exists()
    names = {one.partition("=")[0] for one in image.config["Env"]}
    assert names == {
        "HOME",
        "LANG",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "TMPDIR",
    }


def test_an_image_says_what_it_is_and_how_it_ends(image: Image) -> None:
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"callfleet-{image.role}"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert image.config["StopSignal"] == "SIGTERM"


def test_the_user_of_an_image_is_a_number_and_has_a_name(image: Image) -> None:
    uid, gid = image.config["User"].split(":")
    assert int(uid) > 0
    assert f"callfleet:x:{uid}:{gid}:" in image.written("/etc/passwd")


def test_what_an_image_runs_is_compiled_and_never_checked_against_its_source(image: Image) -> None:
    (packages,) = image.root.glob("opt/callfleet/lib/python3*/site-packages")
    for source in packages.glob(f"callfleet_{image.role}/**/*.py"):
        (compiled,) = (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc")
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 1, compiled


@pytest.mark.skipif(
    not os.environ.get("CALLFLEET_TEST_REBUILD"),
    reason="builds everything anew, which takes minutes: set CALLFLEET_TEST_REBUILD=1",
)
def test_an_image_that_is_built_again_has_the_same_content(buildah: Buildah) -> None:
    (first,) = make(Wish(roles=(Role.OPERATOR,)), buildah)
    (again,) = make(Wish(roles=(Role.OPERATOR,), cached=False), buildah)
    with buildah.mounted(first.image_id) as before, buildah.mounted(again.image_id) as after:
        assert contents(before) == contents(after)


def test_images_are_named_by_what_is_in_them(
    images: Mapping[Role, Image], buildah: Buildah
) -> None:
    assert set(images) == set(Role)
    (first,) = make(Wish(roles=(Role.OPERATOR,)), buildah)
    (second,) = make(Wish(roles=(Role.OPERATOR,)), buildah)
    assert first.reference == second.reference
    assert first.reference == plan.reference(Role.OPERATOR, first.image_id)
