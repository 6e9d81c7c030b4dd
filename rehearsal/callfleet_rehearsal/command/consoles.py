"""The console that verbs write to."""

from rich.console import Console

_WIDTH_OF_FILES = 120


def console(width_of_files: int = _WIDTH_OF_FILES) -> Console:
    """Give standard output; where it is no terminal, wide enough for tables not to break."""
    found = Console()
    return found if found.is_terminal else Console(width=width_of_files)
