"""Read a chart's values.yaml with the words that stand above each value. Pure.

A comment that begins with ``# --`` is the text of the value below it, up to ``# @schema``, which
says in YAML what the value takes where its default does not. A map without ``@schema`` is a section
and its keys are values of their own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

_KEY = re.compile(r"^( *)([A-Za-z][\w-]*):")
_COMMENT = re.compile(r"^ *# ?(.*)$")
_TEXT: Final = "-- "
_SCHEMA: Final = "@schema "

Schema = dict[str, Any]


class ValuesError(ValueError):
    """A values.yaml that cannot be documented; says where and what is missing."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value or section: ``path`` is its place, ``schema`` what was said that it takes."""

    path: tuple[str, ...]
    text: str
    default: Any
    schema: Schema | None

    @property
    def name(self) -> str:
        """Its place, as it is written after ``--set``."""
        return ".".join(self.path)

    @property
    def is_section(self) -> bool:
        """Whether its keys are values of their own."""
        return self.schema is None and isinstance(self.default, Mapping)


def read(text: str) -> tuple[Value, ...]:
    """Read a file's values in their order.

    Raises:
        ValuesError: a value has no text, or says not what it takes.

    """
    defaults = yaml.safe_load(text)
    found = [_value(path, said, defaults) for path, said in _keys(text.splitlines())]
    leaves = {one.path for one in found if not one.is_section}
    return tuple(
        one for one in found if not any(one.path[:end] in leaves for end in range(1, len(one.path)))
    )


def _keys(lines: list[str]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Walk over the keys with the comments right above each."""
    above: list[tuple[int, str]] = []
    said: list[str] = []
    for line in lines:
        comment, key = _COMMENT.match(line), _KEY.match(line)
        if comment:
            said.append(comment[1])
        elif key:
            indent = len(key[1])
            above = [one for one in above if one[0] < indent]
            above.append((indent, key[2]))
            yield tuple(name for _, name in above), said
            said = []
        else:
            said = []


def _value(path: tuple[str, ...], said: list[str], defaults: Mapping[str, Any]) -> Value:
    default: Any = defaults
    for name in path:
        default = default[name] if isinstance(default, Mapping) and name in default else None
    begins = [number for number, line in enumerate(said) if line.startswith(_TEXT)]
    words = said[begins[-1] :] if begins else []
    schemas = [line.removeprefix(_SCHEMA) for line in words if line.startswith(_SCHEMA)]
    text = " ".join(line.strip() for line in words if not line.startswith(_SCHEMA))
    schema = yaml.safe_load(schemas[0]) if schemas else None
    return Value(path, text.removeprefix(_TEXT), default, schema)
