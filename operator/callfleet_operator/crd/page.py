"""Write the tables of docs/fleet.md from the fleet's schema.

``python -m callfleet_operator.crd.page`` writes what stands between the page's two marks. With
``--check`` nothing is written: the exit code says whether it is as it should be.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from callfleet_operator.crd import packaged
from callfleet_tools.generated import between_marks, settle

_MADE_BY: Final = "python -m callfleet_operator.crd.page"
PAGE = Path(__file__).parents[3] / "docs" / "fleet.md"
BEGIN: Final = f"<!-- Written by `{_MADE_BY}`; change the model. -->"

_HEAD = {
    "spec": "| field | takes | default | what it does |\n|---|---|---|---|",
    "status": "| field | is | what it says |\n|---|---|---|",
}

Schema = dict[str, Any]


def tables() -> str:
    """Write the tables: columns, every field of the spec, every field of the status."""
    version = packaged.definition()["spec"]["versions"][0]
    parts = version["schema"]["openAPIV3Schema"]["properties"]
    return "\n".join(
        [
            *_columns(version["additionalPrinterColumns"]),
            *_section(parts["spec"], "spec", "spec"),
            *_section(parts["status"], "status", "status"),
        ]
    )


def _columns(columns: Sequence[Schema]) -> Iterator[str]:
    yield "### Columns of `kubectl get vf`\n"
    yield "| column | what it says | |\n|---|---|---|"
    for column in columns:
        wide = "with `-o wide`" if column["priority"] else ""
        yield f"| {column['name']} | {column['description']} | {wide} |"
    yield ""


def _section(schema: Schema, path: str, which: str) -> Iterator[str]:
    yield f"### {path}\n"
    yield f"{schema['description']}\n"
    yield _HEAD[which]
    required = schema.get("required", [])
    inner: list[tuple[str, Schema]] = []
    for name, field in schema["properties"].items():
        below = _below(field)
        if below is not None:
            inner.append((f"{path}.{name}", below))
        yield _row(name, field, required=name in required, which=which)
    yield ""
    for below_path, below in inner:
        yield from _section(below, below_path, which)


def _below(field: Schema) -> Schema | None:
    """Give the part whose fields get a table of their own."""
    if _fields(field):
        return field
    items = field.get("items", {})
    return {**items, "description": field["description"]} if _fields(items) else None


def _fields(schema: Schema) -> list[Schema]:
    return list(schema.get("properties", {}).values())


def _row(name: str, field: Schema, *, required: bool, which: str) -> str:
    cells = [f"`{name}`", _takes(field)]
    if which == "spec":
        cells.append(_default(field, required=required))
    cells.append(field["description"])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: Schema, *, required: bool) -> str:
    if required:
        return "required"
    default = field.get("default")
    if default is None:
        return "unset"
    if isinstance(default, dict):
        return "see below"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _takes(field: Schema) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "a whole number, or text"
    kind = field["type"]
    if kind == "array":
        most = f", at most {field['maxItems']}" if "maxItems" in field else ""
        return f"a list{most}: {_takes(field['items'])}"
    if kind == "object":
        return "names with values" if "additionalProperties" in field else "an object"
    if kind == "string":
        most = f", at most {field['maxLength']} characters" if "maxLength" in field else ""
        return f"text{most}"
    return {"boolean": "`true` or `false`"}.get(kind) or _number(field)


def _number(field: Schema) -> str:
    what = "a whole number" if field["type"] == "integer" else "a number"
    low, high = field.get("minimum"), field.get("maximum")
    if field.get("exclusiveMinimum"):
        return f"{what} above {low} and below {high}"
    if low is None:
        return what
    return f"{what} from {low} to {high}" if high is not None else f"{what} from {low}"


def main(arguments: Sequence[str]) -> int:
    """Write the page's tables, or check them."""
    return settle(PAGE, between_marks(PAGE, BEGIN, tables()), _MADE_BY, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
