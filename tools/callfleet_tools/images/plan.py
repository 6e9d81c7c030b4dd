"""Decide what is built from what and under which name. No process, no file, no clock."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

PREFIX = "localhost/callfleet-"
_TAG_LENGTH = 12
_PACKAGES = {"buildah": "buildah", "debootstrap": "debootstrap", "runc": "runc", "tar": "tar"}
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Role(StrEnum):
    """Whom an image is for: each is a target of the Containerfile."""

    WORKER = "worker"
    OPERATOR = "operator"
    REHEARSAL = "rehearsal"


@dataclass(frozen=True, slots=True)
class Store:
    """Where buildah keeps images: a store of our own, beside nobody's."""

    folder: Path
    driver: str = "overlay"

    def command(self, program: str, *arguments: str) -> list[str]:
        """Write a command of buildah on this store."""
        return [
            *(program, "--root", str(self.folder / "store"), "--runroot", str(self.folder / "run")),
            *("--storage-driver", self.driver, *arguments),
        ]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one build is given besides the tree."""

    base: str
    version: str
    ca_bundle: Path | None = None
    index_url: str | None = None
    cached: bool = True


@dataclass(frozen=True, slots=True)
class Debian:
    """What a base is made of. ``removed`` are paths of which nothing that runs needs anything."""

    suite: str = "bookworm"
    mirror: str = "http://deb.debian.org/debian"
    packages: tuple[str, ...] = ("python3", "ca-certificates")
    removed: tuple[str, ...] = (
        "usr/share/doc",
        "usr/share/info",
        "usr/share/lintian",
        "usr/share/locale",
        "usr/share/man",
        "var/cache/apt",
        "var/lib/apt/lists",
        "var/log",
    )

    def name(self, today: date) -> str:
        """Name what these make; a new one every month, for what Debian has mended meanwhile."""
        told = "\0".join((self.mirror, *self.packages, *self.removed))
        return f"{self.suite}-{today:%Y-%m}-{sha256(told.encode()).hexdigest()[:_TAG_LENGTH]}"


def arguments(role: Role, recipe: Recipe, tree: Path, id_file: Path) -> list[str]:
    """Say how buildah builds one role's image. No time is in it: the same tree, the same image."""
    told = ["build", "--isolation", "chroot", "--timestamp", "0", "--pull-never"]
    told += ["--layers", *([] if recipe.cached else ["--no-cache"])]
    told += ["--build-arg", f"BASE={recipe.base}", "--build-arg", f"VERSION={recipe.version}"]
    if recipe.index_url:
        told += ["--build-arg", f"INDEX_URL={recipe.index_url}"]
    if recipe.ca_bundle:
        told += ["--secret", f"id=ca,src={recipe.ca_bundle}"]
    told += ["--target", role, "--iidfile", str(id_file), "--file", str(tree / "Containerfile")]
    return [*told, str(tree)]


def step(line: str) -> str | None:
    """Say what a line of buildah tells of the build's progress: the steps that take time."""
    found = re.search(r"STEP \d+/\d+: (RUN (?:--mount=\S+ )?.{1,40}|COPY --from=\S+)", line)
    return found[1].strip() if found else None


def reference(role: Role, image_id: str, tag: str | None = None, prefix: str = PREFIX) -> str:
    """Name an image. By what it is, unless a tag is given: a node never has an older one for it."""
    return f"{prefix}{role}:{tag or image_id.removeprefix('sha256:')[:_TAG_LENGTH]}"


def ca_bundle(environment: Mapping[str, str]) -> Path | None:
    """Give the certificates that this machine is told to trust, if it is told any."""
    return next((Path(environment[one]) for one in _CA_VARIABLES if environment.get(one)), None)


def index_url(environment: Mapping[str, str], of_pip: str | None) -> str | None:
    """Give the package index to use, unless it is the public one; ``of_pip`` is pip's setting."""
    variables = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    return next((environment[one] for one in variables if environment.get(one)), of_pip)


def hindrance(wanted: Sequence[str], which: Callable[[str], str | None], uid: int) -> str | None:
    """Say what is in the way of making images here, and what to do; None where nothing is."""
    by_hand = "or build the Containerfile with docker or podman, see docs/images.md"
    if uid != 0:
        return f"images are made as root here (chroot, overlay), not as uid {uid}: sudo, {by_hand}"
    missing = [_PACKAGES[one] for one in wanted if which(one) is None]
    if missing:
        names = " ".join(sorted(missing))
        return (
            f"{names} not found on PATH; on Debian and Ubuntu: apt-get install "
            f"--no-install-recommends {names}; {by_hand}"
        )
    return None
