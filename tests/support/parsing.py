"""Read Python as a tree, whatever other tests left to be cleared away."""

import ast
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_cleared_away() -> Iterator[None]:
    """Keep garbage for a moment.

    When its end is an error, that is written with a traceback, for which Python 3.11 parses a
    piece of source; a parser that was at work meanwhile then gives up.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_collecting:
            gc.enable()


def parse(source: str | bytes) -> ast.Module:
    """Parse."""
    with nothing_cleared_away():
        return ast.parse(source)
