"""Write docs/settings.md from the settings themselves.

``python -m callfleet_worker.settings_docs`` writes the page. With ``--check`` nothing is written:
the exit code says whether the page is as it should be.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from callfleet_service.settings_table import table
from callfleet_tools.generated import settle
from callfleet_worker.settings import Settings
from callfleet_worker.settings.sources import (
    ALIASES,
    FILE_VARIABLE,
    Place,
    section_of,
    variable_of,
)

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
_MADE_BY = "python -m callfleet_worker.settings_docs"
_OPENING = f"""# Settings of the worker

<!-- Written by `{_MADE_BY}`; change the settings, not this page. -->

Every setting is a variable in the environment, or a key of the TOML file that `{FILE_VARIABLE}`
names: `CALLFLEET_MODEL__SILENCE_MS=800` and

```toml
[model]
silence_ms = 800
```

say the same. The environment wins over the file. Lists are separated by commas in the
environment. A wrong value, or a name that is none of these, stops the start with exit code 2 and
a sentence that says what to write instead. Secrets are never logged.
"""


def page() -> str:
    """Write the whole page."""
    sections = [_OPENING, *_section(Settings, (), "The worker")]
    return "\n".join(sections)


def _section(model: type[BaseModel], place: Place, title: str) -> Iterator[str]:
    rows: list[tuple[list[str], FieldInfo]] = []
    inner: list[tuple[Place, type[BaseModel]]] = []
    for name, info in model.model_fields.items():
        below = section_of(info)
        if below is None:
            rows.append((_variables((*place, name)), info))
        else:
            inner.append(((*place, name), below))
    yield f"## {title}\n"
    if place:
        yield f"{(model.__doc__ or '').strip()}\n"
    yield table(rows) + "\n"
    for below_place, below in inner:
        yield from _section(below, below_place, ".".join(below_place))


def _variables(place: Place) -> list[str]:
    return [variable_of(place), *(name for name, target in ALIASES.items() if target == place)]


def main(arguments: Sequence[str]) -> int:
    """Write the page, or check it."""
    return settle(PAGE, page(), _MADE_BY, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
