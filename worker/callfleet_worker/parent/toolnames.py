"""Keep the names of tools to so many as a label may have. Pure."""

from dataclasses import dataclass, field

from callfleet_contract.metrics import TOOL_NAMES

OTHER = "other"


@dataclass(slots=True)
class ToolNames:
    """The first names that came; every later one is another."""

    _first: list[str] = field(default_factory=list)

    def label_of(self, tool: str) -> str:
        """Give the name that a tool is counted under."""
        if tool not in self._first and len(self._first) < TOOL_NAMES:
            self._first.append(tool)
        return tool if tool in self._first else OTHER
