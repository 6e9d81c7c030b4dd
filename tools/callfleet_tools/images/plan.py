"""Decide what is built from what and under which name. No process, no file, no clock."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

PREFIX = "localhost/callfleet-"
_TAG_LENGTH = 12
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


def older_bases(names: Iterable[str], today: date) -> list[str]:
    """Say which bases are of earlier months, by the names that they were given."""
    months = {name: re.search(r"-(\d{4}-\d{2})-", name) for name in names}
    return [name for name, month in months.items() if month and month[1] < f"{today:%Y-%m}"]


def ours(listed: str) -> list[str]:
    """Say which images we made, steps of builds included: lines have an id and a name."""
    lines = (line.split() for line in listed.splitlines())
    return [image for image, name in lines if name == "<none>" or name.startswith(PREFIX)]


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
    plain = re.sub(r" --mount=\S+", "", line)
    found = re.search(r"STEP \d+/\d+: (RUN .{1,40}|COPY --from=\S+)", plain)
    return found[1].strip() if found else None


def known(role: Role, inputs: str) -> str:
    """Name an image by what it was built from, to be found again."""
    return f"{PREFIX}{role}:of-{inputs[:_TAG_LENGTH]}"


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
