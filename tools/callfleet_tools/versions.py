"""Compare version numbers, and ask a program for its own."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

ANSWER_SECONDS = 30


def parts(version: str) -> tuple[int, ...]:
    """Split ``1.26.8`` into numbers. What follows the numbers (rc1, -dev) does not count."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def at_least(version: str, minimum: str) -> bool:
    """Say whether a version is the minimum or newer; ``1.26`` and ``1.26.0`` are the same."""
    have, need = parts(version), parts(minimum)
    longest = max(len(have), len(need))
    return _padded(have, longest) >= _padded(need, longest)


def serves_for(version: str, pinned: str) -> bool:
    """Say whether one version serves where another is pinned: same major, not older."""
    return parts(version)[:1] == parts(pinned)[:1] and at_least(version, pinned)


def ask(program: Path, arguments: Sequence[str], pattern: str) -> str | None:
    """Run a program and find its version in what it prints; None where it does not say."""
    try:
        done = subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found and done.returncode == 0 else None


def _padded(numbers: tuple[int, ...], length: int) -> tuple[int, ...]:
    return numbers + (0,) * (length - len(numbers))
