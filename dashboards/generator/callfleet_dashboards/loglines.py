"""Find every line that a program writes in its source, for a page that lists them. Runs nothing."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ANY_SENTENCE = "…"
"""Stands for a sentence that is put together where it is written."""
MORE = "…"
"""Stands for facts that are not named where the line is written."""
_LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
_ORDER = {level: at for at, level in enumerate(_LEVELS)}


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One kind of line: its sentence, who writes it, how bad it is, and which facts it has."""

    event: str
    logger: str
    levels: tuple[str, ...]
    facts: tuple[str, ...]


def lines_in(folder: Path) -> list[Line]:
    """Give the lines of all modules below a folder, each once, sorted."""
    trees = {file: ast.parse(file.read_bytes()) for file in sorted(folder.rglob("*.py"))}
    words = dict(word for tree in trees.values() for word in _words(tree))
    found = set[Line]()
    for file, tree in trees.items():
        module = ".".join(file.relative_to(folder.parent).with_suffix("").parts)
        found |= set(_lines_of(tree, dict(_loggers(tree, module, words))))
    return sorted(found)


def _words(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Give a module's own words by their names: ``LOGGER = "callfleet.telemetry"``."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(word))):
                yield name, word


def _lines_of(tree: ast.Module, loggers: dict[str, str]) -> Iterator[Line]:
    ways = dict(_chosen(tree, loggers))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
        how = _how(call.func, loggers, ways)
        if how is not None:
            logger, levels = how
            for event in _sentences(call.args[0]):
                yield Line(event, logger, levels, tuple(_facts(call.keywords)))


def _loggers(tree: ast.Module, module: str, words: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Give each logger of a module by its variable, with its name, be that a word of any module."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            made = isinstance(call.func, ast.Attribute) and call.func.attr in {
                "get_logger",
                "getLogger",
            }
            if made and call.args and isinstance(node.targets[0], ast.Name):
                match call.args[0]:
                    case ast.Constant(value=name):
                        yield node.targets[0].id, str(name)
                    case ast.Name(id=word):
                        yield node.targets[0].id, words.get(word, module)


def _chosen(
    tree: ast.Module, loggers: dict[str, str]
) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """Find ``say = log.info if … else log.warning``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.IfExp):
            both = [_how(one, loggers, {}) for one in (node.value.body, node.value.orelse)]
            target = node.targets[0]
            if isinstance(target, ast.Name) and both[0] is not None and both[1] is not None:
                levels = sorted({*both[0][1], *both[1][1]}, key=_ORDER.__getitem__)
                yield target.id, (both[0][0], tuple(levels))


def _how(
    function: ast.expr,
    loggers: dict[str, str],
    ways: dict[str, tuple[str, tuple[str, ...]]],
) -> tuple[str, tuple[str, ...]] | None:
    match function:
        case ast.Attribute(value=ast.Name(id=name), attr=level) if (
            name in loggers and level in _LEVELS
        ):
            return loggers[name], ("error" if level == "exception" else level,)
        case ast.Name(id=name):
            return ways.get(name)
        case _:
            return None


def _sentences(event: ast.expr) -> Iterator[str]:
    match event:
        case ast.Constant(value=str(sentence)):
            yield sentence
        case ast.IfExp(body=yes, orelse=no):
            yield from _sentences(yes)
            yield from _sentences(no)
        case _:
            yield ANY_SENTENCE


def _facts(keywords: Iterable[ast.keyword]) -> Iterator[str]:
    for one in keywords:
        if one.arg is None:
            yield MORE
        elif one.arg not in {"exc_info", "extra"}:
            yield one.arg


def table(folder: Path) -> str:
    """Write the lines of a program as a table."""
    head = "| event | level | logger | facts |\n|---|---|---|---|"
    return "\n".join([head, *(_row(line) for line in lines_in(folder))])


def _row(line: Line) -> str:
    facts = ", ".join(one if one == MORE else f"`{one}`" for one in line.facts)
    return f"| {line.event} | {' or '.join(line.levels)} | `{line.logger}` | {facts} |"
