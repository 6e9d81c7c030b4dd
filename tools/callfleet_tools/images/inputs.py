"""Tell by its inputs whether an image has been built: the tree's files that builds are let see."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

RECIPE = "Containerfile"
_LET_IN = ".dockerignore"
_LEFT_OUT = "__pycache__"


def digest(tree: Path, *others: str) -> str:
    """Sum up the recipe, every file that it may copy, and whatever else builds are given."""
    told = hashlib.sha256("\0".join(others).encode())
    for file in (tree / RECIPE, *_files(tree)):
        mode = os.access(file, os.X_OK)
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        told.update(f"\0{file.relative_to(tree).as_posix()}\0{mode}\0{content}".encode())
    return told.hexdigest()


def _files(tree: Path) -> Iterator[Path]:
    lines = (tree / _LET_IN).read_text(encoding="utf-8").splitlines()
    for let_in in sorted(line[1:] for line in lines if line.startswith("!")):
        path = tree / let_in
        found = [path] if path.is_file() else path.rglob("*")
        yield from sorted(one for one in found if one.is_file() and _LEFT_OUT not in one.parts)
