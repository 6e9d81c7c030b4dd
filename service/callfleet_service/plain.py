"""Give the facts of a line as anybody can write them, keep and read them. Pure.

Facts come from libraries, agents and callers: an endless text, half a character, an object that
cannot be named must cost neither the line nor those that wait beside it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

MOST_CHARACTERS = 8_000
"""Of one fact; of a longer one the beginning and the end are kept."""
MOST_OF_A_LINE = 20_000
_DEEPEST = 4
_MOST = 2**63 - 1
_CUT = " … "
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(facts: Mapping[Any, Any]) -> dict[str, Any]:
    """Give facts of which nothing is too long, too deep, or no text, number or list."""
    writer = _Writer(MOST_OF_A_LINE)
    return {writer.text(name): writer.fact(value, _DEEPEST) for name, value in facts.items()}


def harmless(text: str, *, keeps_lines: bool = False) -> str:
    """Show what a terminal would obey instead of showing."""
    control = _CONTROL_BUT_LINES if keeps_lines else _CONTROL
    return control.sub(lambda found: repr(found[0])[1:-1], text)


@dataclass(slots=True)
class _Writer:
    left: int

    def fact(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and abs(value) <= _MOST:
            return int(value)
        if isinstance(value, float) and isfinite(value):
            return float(value)
        if isinstance(value, Mapping) and depth:
            return {self.text(name): self.fact(one, depth - 1) for name, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset) and depth:
            return [self.fact(one, depth - 1) for one in value]
        return self.text(value)

    def text(self, value: Any) -> str:
        try:
            whole = str(value)
        except Exception:  # noqa: BLE001 - whatever it is, it has no words
            whole = f"<{type(value).__name__}>"
        kept = min(MOST_CHARACTERS, max(0, self.left))
        if len(whole) > kept:
            whole = whole[: kept - kept // 2] + _CUT + whole[len(whole) - kept // 2 :]
        self.left -= len(whole)
        return whole.encode(errors="replace").decode()
