"""Third-party programs that the local stack and the tests run: found, or built from Go modules."""

from callfleet_tools.errors import ToolError
from callfleet_tools.find import find, find_all

__all__ = ["ToolError", "find", "find_all"]
