"""Where a run puts what it writes."""

import shutil
from datetime import datetime
from pathlib import Path

RUNS = Path("rehearsals")


def new_folder(now: datetime) -> Path:
    """Make the folder of a run, named by the time at which it starts."""
    name = now.strftime("%Y-%m-%d-%H%M%S")
    for attempt in range(1, 100):
        folder = RUNS / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    message = f"{RUNS / name} and many more exist already; remove old folders in {RUNS}"
    raise FileExistsError(message)


def remove(folder: Path) -> None:
    """Remove a run's folder, and the folder of runs where it was the only one."""
    shutil.rmtree(folder, ignore_errors=True)
    if RUNS.is_dir() and not any(RUNS.iterdir()):
        RUNS.rmdir()
