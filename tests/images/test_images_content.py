"""An image has what its role needs and nothing else."""

import hashlib
import importlib.metadata
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from image_room import Image, Room

from callfleet_tools.images import plan
from callfleet_tools.images.buildah import Buildah
from callfleet_tools.images.make import Wish, make
from callfleet_tools.images.plan import Role

pytestmark = pytest.mark.timeout(600)
"""The first test of all waits for what others have to be made."""

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
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
CACHES = ("cache", "root/.cache", "tmp", "var/cache/apt", "var/lib/apt/lists")
OF_BUILDS = ("INDEX_URL", "PIP_", "PYTHONHASHSEED", "UV_")
"""What variables of the build's own begin with."""
PORTS = {
    Role.WORKER: {"8081/tcp", "8082/tcp"},
    Role.OPERATOR: {"8083/tcp"},
    Role.REHEARSAL: {"8443/tcp"},
}
FOLDERS = {Role.WORKER: {"/tmp", "/var/lib/callfleet"}}  # noqa: S108 - the container's own
RIGHTS = stat.S_ISUID | stat.S_ISGID
SEE_WHAT_IS_COMPILED = """
import importlib.util, pathlib, sys
for module in tuple(sys.modules.values()):
    source = getattr(module, "__file__", None) or ""
    if source.endswith(".py"):
        compiled = pathlib.Path(importlib.util.cache_from_source(source))
        kind = compiled.read_bytes()[4:8] if compiled.exists() else None
        if kind != bytes((1, 0, 0, 0)):
            print(source, kind)
"""
"""Prints each module that was imported without being compiled for good (PEP 552)."""
OPEN_ENCODERS = """
import av, fractions
for name in ("libx265", "libsvtav1"):
    encoder = av.CodecContext.create(name, "w")
    encoder.width = encoder.height = 64
    encoder.pix_fmt, encoder.time_base = "yuv420p", fractions.Fraction(1, 25)
    try:
        encoder.open()
    except av.FFmpegError:
        continue
    raise SystemExit(name + " can be opened")
"""


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


def inside(file: Path, about: os.stat_result) -> str:
    """What a file holds, where a link leads, or which device a device is."""
    if stat.S_ISLNK(about.st_mode):
        return str(file.readlink())
    if stat.S_ISREG(about.st_mode):
        return hashlib.sha256(file.read_bytes()).hexdigest()
    return f"device {about.st_rdev}"


def contents(root: Path) -> dict[str, str]:
    """Each file of a root with what is in it and who may do what with it, times aside."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            file = Path(folder) / name
            about = file.lstat()
            told = f"{about.st_mode:o} {about.st_uid}:{about.st_gid} {inside(file, about)}"
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
    names = [one.partition("=")[0] for one in image.config["Env"]]
    assert [one for one in names if one.startswith(OF_BUILDS)] == []


def test_an_image_says_what_it_is_and_how_it_ends(image: Image) -> None:
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"callfleet-{image.role}"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.base.name"]
    assert labels["org.opencontainers.image.version"] == importlib.metadata.version("callfleet")
    assert image.config["StopSignal"] == "SIGTERM"
    assert set(image.config["ExposedPorts"]) == PORTS[Role(image.role)]
    assert set(image.config["Volumes"]) == FOLDERS.get(Role(image.role), {"/tmp"})  # noqa: S108 - as above


def test_the_user_of_an_image_is_a_number_and_has_a_name(image: Image) -> None:
    uid, gid = image.config["User"].split(":")
    assert int(uid) > 0
    assert f"callfleet:x:{uid}:{gid}:" in image.written("/etc/passwd")


def test_no_program_in_an_image_runs_as_somebody_else(image: Image) -> None:
    files = (Path(folder) / name for folder, _, names in os.walk(image.root) for name in names)
    assert [str(one) for one in files if one.lstat().st_mode & RIGHTS] == []


def test_an_image_says_which_packages_it_has_and_they_are_those_of_the_lock(image: Image) -> None:
    (packages,) = image.root.glob("opt/callfleet/lib/python3*/site-packages")
    there = {
        f"{one.metadata['Name'].lower().replace('_', '-').replace('.', '-')}=={one.version}"
        for one in importlib.metadata.distributions(path=[str(packages)])
        if one.metadata["Name"] != "callfleet"
    }
    locked = re.findall(r"^\S+==[^\s;]+", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert there
    assert there <= set(locked)
    assert set(image.written("/opt/callfleet/requirements.txt").split()) == there


def test_all_that_an_image_imports_is_compiled_and_never_checked_against_its_source(
    images: Mapping[Role, Image], room: Room
) -> None:
    for role, names in NEEDED.items():
        done = room.python(images[role], f"import {', '.join(names)}\n{SEE_WHAT_IS_COMPILED}")
        assert (role, done.stdout, done.stderr) == (role, "", "")


def test_encoders_that_were_hollowed_out_fail_with_an_error(
    images: Mapping[Role, Image], room: Room
) -> None:
    for role in (Role.WORKER, Role.REHEARSAL):
        done = room.python(images[role], OPEN_ENCODERS)
        assert (role, done.returncode) == (role, 0), done.stderr


@pytest.mark.timeout(900)
def test_an_image_that_is_built_again_has_the_same_content(buildah: Buildah, wish: Wish) -> None:
    (first,) = make(replace(wish, roles=(Role.OPERATOR,)), buildah)
    (again,) = make(replace(wish, roles=(Role.OPERATOR,), cached=False), buildah)
    with buildah.mounted(first.image_id) as before, buildah.mounted(again.image_id) as after:
        assert contents(before) == contents(after)


def test_images_are_named_by_what_is_in_them(
    images: Mapping[Role, Image], buildah: Buildah, wish: Wish
) -> None:
    (again,) = make(replace(wish, roles=(Role.OPERATOR,)), buildah)
    assert again.image_id == images[Role.OPERATOR].image_id
    assert again.reference == plan.reference(Role.OPERATOR, again.image_id)
