"""The console that verbs write to."""

from rich.console import Console

_WIDTH_OF_FILES = 120


def console() -> Console:
    """Give standard output; where it is no terminal, wide enough for tables not to break."""
    found = Console()
    return found if found.is_terminal else Console(width=_WIDTH_OF_FILES)
