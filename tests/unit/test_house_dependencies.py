"""What is imported is declared where it is imported, and what is declared is imported."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from parsing import parse

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BASIS: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
DEV: list[str] = PROJECT["dependency-groups"]["dev"]
BENCH_WORKERS = "rehearsal/callfleet_rehearsal/bench/workers"
"""Programs of their own, for which a bench needs what a worker needs."""
PARTS = {
    "contract": BASIS,
    "service": BASIS + [each for each in EXTRAS["worker"] if each in EXTRAS["operator"]],
    "cli": BASIS,
    "tools": BASIS,
    "worker": BASIS + EXTRAS["worker"],
    "operator": BASIS + EXTRAS["operator"],
    "rehearsal": BASIS + EXTRAS["rehearsal"],
    BENCH_WORKERS: BASIS + EXTRAS["rehearsal"] + EXTRAS["worker"],
    "charts": BASIS + EXTRAS["operator"],
    "dashboards": BASIS + EXTRAS["operator"] + EXTRAS["rehearsal"] + DEV,
    "tests": BASIS + EXTRAS["worker"] + EXTRAS["operator"] + EXTRAS["rehearsal"] + DEV,
}
LOADED_BY_NAME = {"aiosqlite", "asyncpg"}
"""By SQLAlchemy, for the database that a URL names."""


def name_of(requirement: str) -> str:
    """The name of a distribution, as all of its spellings have it in common."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


@cache
def owners() -> dict[str, str]:
    """Which distribution brought a file: namespaces like ``livekit`` are shared by several."""
    return {
        file.as_posix(): name_of(one.name)
        for one in distributions()
        for file in one.files or ()
        if file.suffix == ".py"
    }


def imports(part: str) -> Iterator[tuple[str, str]]:
    """The names a part of the tree imports from outside the standard library, and where."""
    for file in (ROOT / part).rglob("*.py"):
        if part == "rehearsal" and BENCH_WORKERS in file.as_posix():
            continue
        for node in ast.walk(parse(file.read_bytes())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{each.name}" for each in node.names]
            for name in names:
                if name.split(".", 1)[0] not in sys.stdlib_module_names:
                    yield name, str(file.relative_to(ROOT))


def owner_of(name: str) -> str | None:
    """The distribution that an imported name comes from; None where it is our own."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end])
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if file in owners():
                return owners()[file]
    return None


@pytest.mark.parametrize("part", PARTS)
def test_what_a_part_imports_is_declared_for_it(part: str) -> None:
    declared = {name_of(each) for each in PARTS[part]} | {"callfleet"}
    missing = {
        f"{name} ({owner}) in {file}"
        for name, file in imports(part)
        if (owner := owner_of(name)) is not None and owner not in declared
    }
    assert missing == set()


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_an_extra_asks_for_is_imported(extra: str) -> None:
    parts = ("service", extra) if extra in ("worker", "operator") else (extra,)
    used = {owner_of(name) for part in parts for name, _ in imports(part)} | LOADED_BY_NAME
    assert {each for each in EXTRAS[extra] if name_of(each) not in used} == set()


def test_what_every_installation_gets_is_imported() -> None:
    used = {owner_of(name) for part in PARTS if part != "tests" for name, _ in imports(part)}
    assert {each for each in BASIS if name_of(each) not in used} == set()
