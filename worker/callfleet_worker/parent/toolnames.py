"""Keep the names of tools to so many as a label may have. Pure."""

from dataclasses import dataclass, field

from callfleet_contract.metrics import TOOL_NAMES

OTHER = "other"
_MOST_CHARACTERS = 128
"""Of a name that is a label: the models' own bound. It stands in each of the tool's series."""


@dataclass(slots=True)
class ToolNames:
    """The first names that came; every later one is another, and one without end is, too."""

    _first: list[str] = field(default_factory=list)

    def label_of(self, tool: str) -> str:
        """Give the name that a tool is counted under."""
        has_room = len(self._first) < TOOL_NAMES and len(tool) <= _MOST_CHARACTERS
        if tool not in self._first and has_room:
            self._first.append(tool)
        return tool if tool in self._first else OTHER
