"""What a private name of somebody else's looks like now, in a few words that can be compared."""

import ast
import hashlib
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from callfleet_worker.upstream.private_names import PATCHES, PINNED

CODE_DIGITS = 12
TABLE = "worker/callfleet_worker/upstream/private_names.py"


def version_trouble(distribution: str, found: str) -> str:
    """What there is to do about a version; nothing where it is the one that was read."""
    pinned = PINNED[distribution]
    if found == pinned:
        return ""
    leaning = sorted({patch.where for patch in PATCHES if patch.of == distribution})
    return (
        f"{distribution} is {found} here, and its private names were read in {pinned}. Either "
        f"install what requirements.lock pins (make setup), or see which names fail beside this "
        f"and read them anew, change {', '.join(leaning)} where they changed, pass tests/calls, "
        f"and write the new shapes and the version into {TABLE}."
    )


def shape_trouble(name: str, shape: str) -> str:
    """What there is to do about a name; nothing where it is as it was read."""
    try:
        found = shape_of(name)
    except LookupError as error:
        return f"{error}. {_advice(name)}"
    if shape in {found, ""}:
        return ""
    return f"{name} was {shape} and is {found}. {_advice(name)}"


def _advice(name: str) -> str:
    owner, _, last = name.rpartition(".")
    leaning = [
        f"{patch.where} ({patch.why})"
        for patch in PATCHES
        if last in {**patch.names.get(owner, {}), **patch.beside.get(owner, {})}
    ]
    return f"Read it anew, see what it means to {'; '.join(leaning)}, and correct {TABLE}."


def shape_of(name: str) -> str:
    """The shape of what a dotted name stands for.

    A function's or a class's is the start of its source's SHA-256, a module's the word "module",
    any other's the expression that it is given first.

    Raises:
        LookupError: there is no such name any more; it says what is missing where.

    """
    owner, rest = _module_of(name)
    if not rest:
        return "module"
    *path, last = rest
    for part in path:
        if not hasattr(owner, part):
            message = f"{name}: {owner.__name__} has no {part}"
            raise LookupError(message)
        owner = getattr(owner, part)
    return _shape(name, owner, last)


def _module_of(name: str) -> tuple[Any, list[str]]:
    """The longest part of a dotted name that is a module, and what follows it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            return importlib.import_module(".".join(parts[:end])), parts[end:]
        except ModuleNotFoundError:
            continue
    message = f"{name}: there is no module of that name"
    raise LookupError(message)


def _shape(name: str, owner: Any, last: str) -> str:
    found = inspect.getattr_static(owner, last, None)
    code = getattr(found, "fget", found)
    if inspect.isfunction(code) or inspect.isclass(code):
        return _digest(inspect.getsource(code))
    for node in ast.walk(_tree_of(owner)):
        if isinstance(node, ast.FunctionDef) and node.name == last:
            return _digest(ast.unparse(node))
    for target, value in _assignments(owner):
        if target == last:
            return value
    message = f"{name}: {owner.__name__} neither defines {last} nor assigns it"
    raise LookupError(message)


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:CODE_DIGITS]


@cache
def _tree_of(owner: Any) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(owner)))


def _assignments(owner: Any) -> Iterator[tuple[str, str]]:
    """Each name that a class gives itself (as ``self.NAME``), or a module, and the expression."""
    is_class = not isinstance(owner, ModuleType)
    for node in ast.walk(_tree_of(owner)):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for one, value in pairs:
                yield _named(one, is_class=is_class), _written(value)


def _named(target: Any, *, is_class: bool) -> str:
    if is_class and isinstance(target, ast.Attribute):
        return target.attr
    return target.id if not is_class and isinstance(target, ast.Name) else ""


def _written(value: ast.expr) -> str:
    """An expression in one line; of a call's arguments only that there are some."""
    if isinstance(value, ast.Call) and (value.args or value.keywords):
        return f"{ast.unparse(value.func)}(…)"
    return ast.unparse(value)


def private_names_of(kind: type) -> set[str]:
    """The private names that a class defines, or gives to itself."""
    given = {target for target, _ in _assignments(kind)}
    return {name for name in given | set(vars(kind)) if is_private(name)}


def private_names_used_by(kind: type) -> set[str]:
    """The private names that a class defines, or takes from ``self``, ``cls`` or ``super()``."""
    return {name for name in _own_names(_tree_of(kind)) if is_private(name)}


def _own_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and is_own(node.value):
            yield node.attr


def is_own(value: ast.expr) -> bool:
    """Whether an expression is ``self``, ``cls`` or ``super()``."""
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) == "super"
    return ast.unparse(value) in {"self", "cls"}


def is_private(name: str) -> bool:
    """Whether a name begins as those do that are nobody else's; ``__init__`` is everybody's."""
    return name.startswith("_") and not name.startswith("__")
