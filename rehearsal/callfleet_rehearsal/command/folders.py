"""Where a run puts what it writes."""

from datetime import datetime
from pathlib import Path

RUNS = Path("rehearsals")
KEPT = frozenset({"report.html", "report.json"})


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


def remove_logs(folder: Path) -> None:
    """Remove what only matters where something went wrong; the report and the verdict stay."""
    for file in folder.iterdir():
        if file.name not in KEPT:
            file.unlink()
