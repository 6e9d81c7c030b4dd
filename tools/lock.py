"""Pin every dependency with its hashes into requirements.lock, or check that it is up to date.

Hashes and no addresses: the lock is good for whatever package index a machine is set to use.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_LOCK = _ROOT / "requirements.lock"


def resolve(pinned: Path, more: list[str]) -> None:
    """Resolve pyproject.toml with all extras for every Python and platform, keeping what is pinned.

    Raises:
        CalledProcessError: there is no solution, or no index to ask.

    """
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras"]
    options = ["--group", "dev", "--universal", "--generate-hashes", "--no-header", "--quiet"]
    subprocess.run([*command, *options, *more, "-o", pinned], cwd=_ROOT, check=True)


def main(arguments: list[str]) -> int:
    """Write the lock, or with ``--check`` say whether it is what would be written."""
    if "--check" not in arguments:
        resolve(_LOCK, arguments)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / _LOCK.name
        fresh.write_text(_LOCK.read_text(encoding="utf-8"), encoding="utf-8")
        resolve(fresh, [])
        if fresh.read_text(encoding="utf-8") == _LOCK.read_text(encoding="utf-8"):
            return 0
    print(
        "requirements.lock does not fit pyproject.toml any more: run `make lock`", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
