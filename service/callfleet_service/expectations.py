"""Say in words what a setting takes: for error messages and for pages of settings alike."""

import types
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
    SecretStr: "a secret",
    str: "text",
}


@dataclass(frozen=True, slots=True)
class InWords:
    """Says beside a pattern what fits it; in a list, what all of them are."""

    words: str


def _parts(annotation: Any) -> tuple[Any, list[Any]]:
    """Take Annotated and Optional off a type; return what is left, and the constraints."""
    constraints: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            constraints += more
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation, constraints


def kind_of(info: FieldInfo) -> Any:
    """Return the bare type of a setting."""
    return _parts(info.annotation)[0]


def is_secret(info: FieldInfo) -> bool:
    """Tell whether a value must never be shown."""
    kind = kind_of(info)
    return kind is SecretStr or SecretStr in get_args(kind)


def expected(info: FieldInfo) -> str:
    """Say what to write, in words."""
    kind, inner = _parts(info.annotation)
    constraints = [*info.metadata, *inner]
    if words := _in_words(info.metadata):
        return words
    if get_origin(kind) is tuple:
        item, inner = _parts(get_args(kind)[0])
        items = "secrets" if item is SecretStr else _in_words(inner) or "names"
        return f"{items}, separated by commas" if "," in items else f"{items} separated by commas"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(member.value for member in kind)
    return _in_words(constraints) or _WORDS[kind] + _bounds(constraints)


def _in_words(constraints: list[Any]) -> str:
    return next((c.words for c in constraints if isinstance(c, InWords)), "")


def as_written(value: Any) -> str:
    """Write a value as one would in a variable."""
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value is None else str(value)


def _bounds(constraints: list[Any]) -> str:
    low = next((c.ge for c in constraints if isinstance(c, Ge)), None)
    high = next((c.le for c in constraints if isinstance(c, Le)), None)
    if any(isinstance(c, (Gt, Lt)) for c in constraints):
        message = "state bounds with ge and le, which can be said in words"
        raise TypeError(message)
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f" of at least {low}" if low is not None else ""
