"""Where a run puts what it writes."""

import shutil
from datetime import datetime
from pathlib import Path

from rich.console import Console

from callfleet_rehearsal.command.choosing import USAGE, give_up

RUNS = Path("rehearsals")
KEPT = frozenset({"report.html", "report.json"})


def folder_of_run(console: Console, now: datetime) -> Path:
    """Make the folder of a run, named by the time at which it starts; the command ends if not."""
    name = now.strftime("%Y-%m-%d-%H%M%S")
    folder, number = RUNS / name, 1
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = RUNS / f"{name}-{number}"
        except OSError as error:
            give_up(console, f"cannot write here ({error}); run this from a folder of yours", USAGE)
        else:
            return folder


def remove_logs(folder: Path) -> None:
    """Remove what only matters where something went wrong; the report and the verdict stay."""
    for file in folder.iterdir():
        if file.is_dir():
            shutil.rmtree(file)
        elif file.name not in KEPT:
            file.unlink()


def remove(folder: Path) -> None:
    """Remove a run's folder, and the folder of runs where it was the only one."""
    shutil.rmtree(folder, ignore_errors=True)
    if RUNS.is_dir() and not any(RUNS.iterdir()):
        RUNS.rmdir()
