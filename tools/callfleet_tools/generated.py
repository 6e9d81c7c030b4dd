"""Write a file that is made from something else, or say that it is no longer what is made of it.

In a checkout only: no program that takes calls or looks after fleets needs this where it runs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

END = "<!-- Here ends what is written by a program. -->"


def settle(path: Path, wanted: str, made_by: str, arguments: Sequence[str]) -> int:
    """Write the file, or with ``--check`` only say whether it is as wanted; give the exit code."""
    parser = argparse.ArgumentParser(prog=made_by, description=f"Write {path}.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if out of date")
    if not parser.parse_args(arguments).check:
        path.write_text(wanted, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{path} is not what {made_by} makes now: run {made_by}", file=sys.stderr)
    return 1


def between_marks(page: Path, begin: str, made: str) -> str:
    """Put what is made between the two marks of a page that is there; give the whole page.

    Raises:
        ValueError: it has no marks.

    """
    return put_between_marks(str(page), page.read_text(encoding="utf-8"), begin, made)


def put_between_marks(name: str, text: str, begin: str, made: str) -> str:
    """Do the same with a page's text.

    Raises:
        ValueError: it has no marks.

    """
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(END)
    if not found_begin or not found_end:
        message = f"{name} has not both of the lines {begin!r} and {END!r}: put them back"
        raise ValueError(message)
    return f"{before}{begin}\n\n{made}\n{END}{after}"
