"""Build images, write them as archives, and say how large they are and how long it took."""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from callfleet_tools.build import Step
from callfleet_tools.errors import ToolError
from callfleet_tools.images import base, keeping, makeup, needs, plan
from callfleet_tools.images.archive import holds
from callfleet_tools.images.buildah import Buildah
from callfleet_tools.images.inputs import RECIPE, digest
from callfleet_tools.narrate import narrated

LIST = "images.json"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made. Unset, ``base`` is made here, and ``tag`` follows from the content."""

    roles: Sequence[plan.Role] = tuple(plan.Role)
    out: Path | None = None
    base: str | None = None
    tag: str | None = None
    prefix: str = plan.PREFIX
    cached: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """One image, and the archive that `ctr images import` takes where there is one."""

    role: str
    reference: str
    image_id: str
    size: int
    archive: str | None
    seconds: float


def make(wish: Wish, buildah: Buildah) -> list[Made]:
    """Make images one after another, telling on stderr what is going on.

    Raises:
        ToolError: something is missing or failed; the message says what to do.

    """
    tree = _tree()
    with narrated("base") as narrator:
        chosen = _base(wish.base, buildah, _in_words(narrator))
    recipe = plan.Recipe(
        base=chosen,
        version=_version(tree),
        ca_bundle=plan.ca_bundle(os.environ),
        index_url=plan.index_url(os.environ, _index_of_pip()),
        cached=wish.cached,
    )
    with buildah.in_use():
        made = [_one(role, wish, recipe, buildah) for role in wish.roles]
    if wish.out is not None:
        listed = json.dumps([asdict(one) for one in made], indent=2)
        (wish.out / LIST).write_text(listed + "\n", encoding="utf-8")
    return made


def parts(made: Made, buildah: Buildah, most: int) -> tuple[makeup.Part, ...]:
    """Say what an image is made of."""
    with buildah.mounted(made.image_id) as root:
        return makeup.makeup(_files(root), most)


def _one(role: plan.Role, wish: Wish, recipe: plan.Recipe, buildah: Buildah) -> Made:
    started = time.monotonic()
    with narrated(f"image {role}") as narrator:
        tell = _in_words(narrator)
        image_id = _built(role, recipe, buildah, tell)
        name = plan.reference(role, image_id, wish.tag, wish.prefix)
        buildah.ask("tag", image_id, name)
        archive = None
        if wish.out is not None:
            archive = wish.out.absolute() / f"{role}.tar"
            if not holds(archive, image_id, name):
                tell(f"writing {archive.name}")
                _write(buildah, image_id, name, archive)
    size = makeup.read_size(buildah.ask("images", "--format", "{{.Size}}", name))
    seconds = round(time.monotonic() - started, 1)
    return Made(role, name, image_id, size, str(archive) if archive else None, seconds)


def _built(role: plan.Role, recipe: plan.Recipe, buildah: Buildah, tell: Tell) -> str:
    tree = _tree()
    # Buildah would know too, after it has copied hundreds of megabytes to compare them.
    others = (buildah.find(recipe.base) or "", recipe.base, recipe.version)
    inputs = digest(tree, role, *others)
    known = plan.known(role, inputs)
    there = buildah.find(known) if recipe.cached else None
    if there:
        return there

    def told(line: str) -> None:
        step = plan.step(line)
        if step:
            tell(step)

    with tempfile.TemporaryDirectory() as folder:
        id_file = Path(folder) / "id"
        buildah.follow(plan.arguments(role, recipe, tree, id_file), told)
        image_id = id_file.read_text(encoding="utf-8").strip()
    if digest(tree, role, *others) == inputs:  # nobody changed a file while it was read
        buildah.ask("tag", image_id, known)
    return image_id


def _in_words(narrator: Callable[[Step], None]) -> Tell:
    return lambda said: narrator(Step(said))


def _base(given: str | None, buildah: Buildah, tell: Tell) -> str:
    needs.STORE.more(*([] if given else needs.BASE)).provide(tell)
    today = datetime.now(UTC).date()
    keeping.tidy(buildah, today)
    with buildah.in_use():
        return given or base.provide(buildah, plan.Debian(), today, tell)


def _write(buildah: Buildah, image_id: str, name: str, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    making = archive.with_name(f".making-{archive.name}")
    making.unlink(missing_ok=True)
    buildah.ask("push", "--quiet", image_id, f"docker-archive:{making}:{name}")
    making.replace(archive)


def _tree() -> Path:
    """Give the root of the tree.

    Raises:
        ToolError: this package was installed without it.

    """
    tree = Path(__file__).resolve().parents[3]
    if not (tree / RECIPE).exists():
        message = f"there is no {RECIPE} in {tree}: make images from a clone of callfleet"
        raise ToolError(message)
    return tree


def _version(tree: Path) -> str:
    told = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    return str(told["project"]["version"])


def _index_of_pip() -> str | None:
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _files(root: Path) -> Iterator[tuple[str, int]]:
    for folder, _, names in os.walk(root):
        for name in names:
            file = Path(folder) / name
            if not file.is_symlink():
                yield file.relative_to(root).as_posix(), file.stat().st_size
