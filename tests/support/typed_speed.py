"""`callfleet bench`, `capacity`, `profile` and `faults` as they are typed."""

import subprocess
import sys
from pathlib import Path


def typed(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "callfleet", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
