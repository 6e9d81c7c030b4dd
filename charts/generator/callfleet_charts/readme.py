"""Write the table of values in a chart's README. Pure."""

import json
from typing import Any, Final

from callfleet_charts.schema import takes
from callfleet_charts.values import Schema, Value

BEGIN: Final = "<!-- Written by `python charts/generator`; change values.yaml. -->"
END: Final = "<!-- Here ends what is written by a program. -->"
_HEAD: Final = "| value | takes | default | what it does |\n|---|---|---|---|"


def table(values: tuple[Value, ...]) -> str:
    """Write the table: sections are rows of bold text."""
    return "\n".join([_HEAD, *(_row(one) for one in values)])


def page(there: str, values: tuple[Value, ...]) -> str:
    """Put the table between the marks of the page that is there.

    Raises:
        ValueError: it has no marks.

    """
    before, begin, rest = there.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"the README has not both of the lines {BEGIN!r} and {END!r}: put them back"
        raise ValueError(message)
    return f"{before}{BEGIN}\n\n{table(values)}\n\n{END}{after}"


def _row(value: Value) -> str:
    name = f"`{value.name}`"
    if value.is_section:
        return _cells(f"**{name}**", "", "", value.text)
    return _cells(name, _words(takes(value)), f"`{json.dumps(value.default)}`", value.text)


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _words(schema: Schema) -> str:
    if "$ref" in schema:
        return "fields of a VoiceFleet's spec"
    if "enum" in schema:
        return ", ".join("nothing" if one == "" else f"`{one}`" for one in schema["enum"])
    kind: Any = schema["type"]
    if isinstance(kind, list):
        return _words({**schema, "type": kind[0]})
    if kind == "array":
        inner = schema.get("items", {})
        return f"a list: {_words(inner)}" if inner else "a list"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"names with {_words(inner)}" if isinstance(inner, dict) else "an object"
    words = {"boolean": "`true` or `false`", "string": "text", "integer": "a whole number"}
    return words.get(kind, "a number") + _bounds(schema)


def _bounds(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']} to {schema['maximum']}"
    return ""
