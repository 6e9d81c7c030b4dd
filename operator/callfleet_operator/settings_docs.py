"""Write the table of settings in docs/operator.md from the settings themselves.

``python -m callfleet_operator.settings_docs`` writes what stands between the page's two marks. With
``--check`` nothing is written: the exit code says whether it is as it should be.
"""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from callfleet_operator.settings import variables
from callfleet_tools.generated import between_marks, settle

PAGE = Path(__file__).parents[2] / "docs" / "operator.md"
_MADE_BY = "python -m callfleet_operator.settings_docs"
_BEGIN = f"<!-- Written by `{_MADE_BY}`; change the settings. -->"


def table() -> str:
    """Write the table."""
    rows = ["| variable | takes | default | what it does |\n|---|---|---|---|"]
    for name, info in variables():
        example = f" Example: `{info.examples[0]}`." if info.examples else ""
        cells = (f"`{name}`", _takes(info), _default(info), f"{info.description}{example}")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _takes(info: FieldInfo) -> str:
    kind: Any = info.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(kind)
    if kind in (int, float):
        low = next((one.ge for one in info.metadata if isinstance(one, Ge)), None)
        high = next((one.le for one in info.metadata if isinstance(one, Le)), None)
        return f"a {'whole ' if kind is int else ''}number from {low} to {high}"
    if kind is Path:
        return "a path"
    return "names separated by commas" if str(kind).startswith("tuple") else "text"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=False)
    return f"`{value}`" if value not in (None, ()) else "unset"


def main(arguments: Sequence[str]) -> int:
    """Write the page's table, or check it."""
    return settle(PAGE, between_marks(PAGE, _BEGIN, f"{table()}\n"), _MADE_BY, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
