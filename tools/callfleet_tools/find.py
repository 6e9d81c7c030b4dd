"""Find a program: the one that is named, a suitable one on PATH, one built before, or build it."""

import os
import shutil
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from callfleet_tools import cache, versions
from callfleet_tools.build import Tell, build
from callfleet_tools.errors import ToolError
from callfleet_tools.golang import Go, choose
from callfleet_tools.narrate import narrated
from callfleet_tools.programs import Program, named


class Origin(StrEnum):
    """Where a program comes from."""

    NAMED = "named by the environment"
    ON_PATH = "on PATH"
    BUILT = "built before"
    TO_BUILD = "to be built"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a program is, or will be once built with ``go``."""

    path: Path
    origin: Origin
    go: Go | None = None


def look(program: Program) -> Place:
    """Look for a program without building anything.

    Raises:
        ToolError: the environment names a path that is no program.

    """
    named_path = os.environ.get(program.variable)
    if named_path:
        return Place(_checked(program, Path(named_path)), Origin.NAMED)
    found = shutil.which(program.name)
    if found:
        version = versions.ask(Path(found), program.version_arguments, program.version_pattern)
        if version and versions.serves_for(version, program.version):
            return Place(Path(found), Origin.ON_PATH)
    go = choose(program.minimum_go)
    path = _cached(program, go)
    return Place(path, Origin.BUILT if path.exists() else Origin.TO_BUILD, go)


def find(name: str, tell: Tell | None = None) -> Path:
    """Give the path of a program, building it where it must be; progress goes to stderr.

    Raises:
        ToolError: it can be neither found nor built; the message says what to do.

    """
    program = named(name)
    place = look(program)
    if place.origin is not Origin.TO_BUILD or place.go is None:
        return place.path
    if tell is not None:
        build(program, place.go, place.path, tell)
        return place.path
    with narrated(f"{program.name} {program.version}") as narrate:
        build(program, place.go, place.path, narrate)
    return place.path


def find_all(names: Iterable[str]) -> dict[str, Path]:
    """Give the paths of several programs; those that are built share what they are compiled from.

    Raises:
        ToolError: one can be neither found nor built.

    """
    wanted = [named(name) for name in names]
    if all(look(program).origin is not Origin.TO_BUILD for program in wanted):
        return {program.name: look(program).path for program in wanted}
    with cache.scratch():
        return {program.name: find(program.name) for program in wanted}


def _cached(program: Program, go: Go) -> Path:
    made_with = f"{program.version}-{program.recipe}-go{go.version}-{sysconfig.get_platform()}"
    return cache.root() / "programs" / program.name / made_with / program.name


def _checked(program: Program, path: Path) -> Path:
    version = versions.ask(path, program.version_arguments, program.version_pattern)
    if version is None:
        message = (
            f"{program.variable} is {str(path)!r}, which does not run as {program.name}; set it to "
            f"the path of one of version {program.version} or newer, or unset it to have one built"
        )
        raise ToolError(message)
    return path
