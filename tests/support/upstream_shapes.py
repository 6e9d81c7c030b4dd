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

from parsing import nothing_cleared_away, parse

from callfleet_worker.upstream.private_names import PATCHES, PINNED

CODE_DIGITS = 12
_Code = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Owner = ast.Module | ast.ClassDef
_NOTHING = ast.Module(body=[], type_ignores=[])
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
    """The shape of what a dotted name stands for, by the source: ours may stand there by now.

    A function's or a class's is the start of its source's SHA-256, a module's the word "module",
    any other's the expression that it is given first.

    Raises:
        LookupError: there is no such name any more; it says what is missing where.

    """
    module, rest = _module_of(name)
    if not rest:
        return "module"
    *path, last = rest
    owner: _Owner = _tree_of(module)
    for part in path:
        owner = next(
            (one for one in owner.body if isinstance(one, ast.ClassDef) and one.name == part),
            _NOTHING,
        )
        if owner is _NOTHING:
            message = f"{name}: {module.__name__} has no class {part}"
            raise LookupError(message)
    for node in owner.body:
        if isinstance(node, _Code) and node.name == last:
            return _digest(module, node)
    for target, value in _assignments(owner):
        if target == last:
            return value
    message = f"{name}: {rest[-2] if path else module.__name__} neither defines nor assigns {last}"
    raise LookupError(message)


def _module_of(name: str) -> tuple[ModuleType, list[str]]:
    """The longest part of a dotted name that is a module, and what follows it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            return importlib.import_module(".".join(parts[:end])), parts[end:]
        except ModuleNotFoundError:
            continue
    message = f"{name}: there is no module of that name"
    raise LookupError(message)


def _digest(module: ModuleType, node: _Code) -> str:
    first = min(one.lineno for one in (node, *node.decorator_list))
    lines = _source_of(module).splitlines()[first - 1 : node.end_lineno]
    digest = hashlib.sha256(textwrap.dedent("\n".join(lines)).encode())
    return digest.hexdigest()[:CODE_DIGITS]


@cache
def _source_of(owner: Any) -> str:
    with nothing_cleared_away():
        return textwrap.dedent(inspect.getsource(owner))


@cache
def _tree_of(owner: Any) -> ast.Module:
    return parse(_source_of(owner))


def _assignments(owner: _Owner) -> Iterator[tuple[str, str]]:
    """Each name that a class gives itself (as ``self.NAME``), or a module, and the expression."""
    is_class = isinstance(owner, ast.ClassDef)
    for node in ast.walk(owner):
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


def _class_of(kind: type) -> ast.ClassDef:
    (found,) = _tree_of(kind).body
    assert isinstance(found, ast.ClassDef)
    return found


def private_names_of(kind: type) -> set[str]:
    """The private names that a class defines, or gives to itself."""
    given = {target for target, _ in _assignments(_class_of(kind))}
    return {name for name in given | set(vars(kind)) if is_private(name)}


def private_names_used_by(kind: type) -> set[str]:
    """The private names that a class defines, or takes from ``self``, ``cls`` or ``super()``."""
    return {name for name in _own_names(_class_of(kind)) if is_private(name)}


def _own_names(tree: ast.AST) -> Iterator[str]:
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
