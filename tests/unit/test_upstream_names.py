"""Private names of others are used in one room, are written down there, and are as they were read.

Where one of these fails after an upgrade, private_names.py says what leans on the name and why.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from parsing import parse
from upstream_shapes import (
    TABLE,
    is_own,
    is_private,
    private_names_of,
    private_names_used_by,
    shape_of,
    shape_trouble,
    version_trouble,
)

import callfleet_worker
from callfleet_worker.upstream.private_names import AGENTS, PATCHES, PINNED, Shapes

WORKER = Path(callfleet_worker.__file__).parent
OUTSIDE = [file for file in WORKER.rglob("*.py") if WORKER / "upstream" not in file.parents]
ROOM = WORKER / "upstream"
INSIDE = [file for file in ROOM.glob("*.py") if file.name != "private_names.py"]
OTHERS = ("livekit.", "google.")
PUBLISHED = {
    "_Gauge": "opentelemetry.metrics names it in its __all__",
    "_record": "structlog documents it as the key of the record that an event was made from",
    "_from_structlog": "as above",
    "_current_frames": "Python documents it, of sys, for just this: what another thread does now",
    "_exit": "Python documents it, of os, for a child after a fork",
}
"""What looks private and is not."""
POOL = "livekit.agents.worker.AgentServer._proc_pool"


def listed(shapes: Shapes) -> Iterator[tuple[str, str]]:
    for owner, names in shapes.items():
        for name, shape in names.items():
            yield f"{owner}.{name}", shape


NAMES = sorted(
    {one for patch in PATCHES for shapes in (patch.names, patch.beside) for one in listed(shapes)}
)


@pytest.mark.parametrize("distribution", PINNED)
def test_the_version_is_the_one_that_was_read(distribution: str) -> None:
    assert not version_trouble(distribution, version(distribution))


@pytest.mark.parametrize("distribution", PINNED)
def test_whoever_installs_a_worker_gets_the_version_that_was_read(distribution: str) -> None:
    project = tomllib.loads((WORKER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["optional-dependencies"]["worker"]
    assert f"{distribution}=={PINNED[distribution]}" in asked


@pytest.mark.parametrize(("name", "shape"), NAMES, ids=[name for name, _ in NAMES])
def test_a_name_that_is_leaned_on_is_as_it_was_read(name: str, shape: str) -> None:
    assert not shape_trouble(name, shape)


def test_no_name_has_two_shapes() -> None:
    assert len({name for name, _ in NAMES}) == len(NAMES)


def test_another_version_is_told_with_what_to_read() -> None:
    said = version_trouble(AGENTS, "1.9.0")
    assert said.startswith("livekit-agents is 1.9.0 here, and its private names were read in 1.8.9")
    assert "callfleet_worker.parent.sharing.seat" in said
    assert POOL not in said
    assert "private_names.py" in said


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        (POOL, "None", f"{POOL} was None and is ipc.proc_pool.ProcPool(…)"),
        (f"{POOL}s", "None", "AgentServer neither defines nor assigns _proc_pools"),
        ("livekit.agents.worker.Server._x", "None", "livekit.agents.worker has no class Server"),
        (
            "livekit.agents.elsewhere",
            "module",
            "livekit.agents neither defines nor assigns elsewhere",
        ),
        ("elsewhere._x", "module", "there is no module of that name"),
    ],
)
def test_a_name_that_moved_is_told_with_what_leans_on_it(name: str, shape: str, said: str) -> None:
    trouble = shape_trouble(name, shape)
    assert said in trouble
    assert TABLE in trouble
    if name == POOL:
        assert "callfleet_worker.upstream.server (Slots are counted" in trouble


def test_what_is_listed_is_used_where_it_is_said_to_be() -> None:
    unused = [
        f"{name}, in {patch.where}"
        for patch in PATCHES
        for name, _ in listed(patch.names)
        if not re.search(
            rf"\b{name.rpartition('.')[2]}\b",
            inspect.getsource(importlib.import_module(patch.where)),
        )
    ]
    assert unused == []


def classes() -> Iterator[tuple[type, type]]:
    """Each class of the worker, with each class of others that it inherits from."""
    for found in pkgutil.walk_packages(callfleet_worker.__path__, "callfleet_worker."):
        for kind in vars(importlib.import_module(found.name)).values():
            if inspect.isclass(kind) and kind.__module__ == found.name:
                for base in kind.__mro__:
                    if base.__module__.startswith(OTHERS):
                        yield kind, base


INHERITED = [
    (kind, base, name)
    for kind, base in classes()
    for name in sorted(private_names_used_by(kind) & private_names_of(base))
]


def test_a_private_name_that_is_inherited_is_listed() -> None:
    """Whether it is meant, or only by chance the name of one's own."""
    known = {(patch.where, name) for patch in PATCHES for name, _ in listed(patch.names)}
    unlisted = [
        f"{kind.__name__}.{name} is {base.__qualname__}'s"
        for kind, base, name in INHERITED
        if (kind.__module__, f"{base.__module__}.{base.__qualname__}.{name}") not in known
    ]
    assert INHERITED
    assert unlisted == []


def test_what_is_overridden_takes_what_upstream_gives() -> None:
    def parameters(method: Callable[..., Any]) -> list[str]:
        return list(inspect.signature(method).parameters)

    overridden = {
        (kind, name): (vars(kind)[name], vars(base)[name])
        for kind, base, name in INHERITED
        if inspect.isfunction(vars(kind).get(name)) and name in vars(base)
    }
    assert len(overridden) > len(PATCHES)
    other = {
        f"{kind.__name__}.{name}": (parameters(ours), parameters(theirs))
        for (kind, name), (ours, theirs) in overridden.items()
        if parameters(ours) != parameters(theirs)
    }
    assert other == {}


def private_uses(tree: ast.Module) -> Iterator[str]:
    """Private names that a module takes from others: by import, by a dot, or by a word."""
    pieces = {
        id(one) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for one in node.values
    }
    for node in ast.walk(tree):
        words: list[str] = []
        if isinstance(node, ast.ImportFrom):
            words = [*(node.module or "").split("."), *(each.name for each in node.names)]
        elif isinstance(node, ast.Import):
            words = [part for each in node.names for part in each.name.split(".")]
        elif isinstance(node, ast.Attribute) and not is_own(node.value):
            words = [node.attr]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_name = id(node) not in pieces and re.fullmatch(r"[\w.]+", node.value)
            words = node.value.split(".") if is_name else []
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "vars":
            yield "vars"
        yield from (word for word in words if is_private(word) and word not in PUBLISHED)


@pytest.mark.parametrize("file", OUTSIDE, ids=lambda file: str(file.relative_to(WORKER)))
def test_outside_of_the_room_nothing_private_is_taken_from_others(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert list(private_uses(parse(source))) == []
    assert "SLF001" not in source


@pytest.mark.parametrize("file", INSIDE, ids=lambda file: file.stem)
def test_inside_of_the_room_what_is_taken_is_listed(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    known = {
        part
        for patch in PATCHES
        if patch.where == f"callfleet_worker.upstream.{file.stem}"
        for name, _ in listed(patch.names)
        for part in name.split(".")
    }
    own = set(re.findall(r"^(?:class )?(_\w+)", source, re.MULTILINE))
    assert set(private_uses(parse(source))) - known - own - {"vars"} == set()


@pytest.mark.parametrize(
    "source",
    [
        "from livekit.agents._exceptions import AssignmentTimeoutError",
        "from livekit.agents.ipc.proc_client import _ProcClient",
        "import livekit.rtc._ffi_client",
        "client._queue = None",
        "vars(server)",
        "getattr(server, '_proc_pool')",
        "MODULE = 'livekit.agents.ipc._preload'",
    ],
)
def test_each_way_around_the_room_is_seen(source: str) -> None:
    assert list(private_uses(parse(source)))


def test_one_may_use_ones_own() -> None:
    source = "self._queue = cls._made\nsuper()._start()\nfrom __future__ import annotations"
    assert list(private_uses(parse(source))) == []


def test_a_shape_tells_functions_values_and_modules_apart() -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", shape_of("livekit.agents.worker.AgentServer.aclose"))
    assert shape_of("livekit.agents.ipc.job_proc_lazy_main._SESSION_ACLOSE_TIMEOUT") == "60.0"
    assert shape_of("livekit.agents.ipc.proto") == "module"
