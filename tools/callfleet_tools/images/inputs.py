"""Tell by its inputs whether an image has been built: the files that its stages copy."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

RECIPE = "Containerfile"
_LEFT_OUT = "__pycache__"


def digest(tree: Path, target: str, *others: str) -> str:
    """Sum up the recipe, what a target's stages copy of the tree, and what else builds are given.

    Raises:
        KeyError: the recipe has no such target.

    """
    recipe = (tree / RECIPE).read_text(encoding="utf-8")
    told = hashlib.sha256("\0".join(others).encode())
    for file in (tree / RECIPE, *_files(tree, sorted(sources(recipe, target)))):
        mode = os.access(file, os.X_OK)
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        told.update(f"\0{file.relative_to(tree).as_posix()}\0{mode}\0{content}".encode())
    return told.hexdigest()


@dataclass(slots=True)
class _Stage:
    copied: set[str] = field(default_factory=set)
    stands_on: set[str] = field(default_factory=set)


def sources(recipe: str, target: str) -> frozenset[str]:
    """Say which paths of the tree a target's stages copy, and those that these stand on."""
    stages = _stages(recipe)
    left, copied = [stages.pop(target)], set[str]()
    while left:
        stage = left.pop()
        copied |= stage.copied
        # What is none of the stages is an image.
        left += [stages.pop(name) for name in stage.stands_on if name in stages]
    return frozenset(copied)


def _stages(recipe: str) -> dict[str, _Stage]:
    """Read the stages: ``FROM image AS name``, and what each copies, from where."""
    stages: dict[str, _Stage] = {}
    stage = _Stage()
    for line in recipe.replace("\\\n", " ").splitlines():
        match line.split():
            case ["FROM", image, "AS", name]:
                stage = stages[name] = _Stage(stands_on={image})
            case ["COPY", other, *_] if other.startswith("--from="):
                stage.stands_on.add(other.removeprefix("--from="))
            case ["COPY", *paths, _]:
                stage.copied |= set(paths)
            case _:
                pass
    return stages


def _files(tree: Path, paths: list[str]) -> Iterator[Path]:
    for path in (tree / path for path in paths):
        found = [path] if path.is_file() else path.rglob("*")
        yield from sorted(one for one in found if one.is_file() and _LEFT_OUT not in one.parts)
