"""Render all clips from the script, or check that they still are what the script says.

Run as ``python -m callfleet_rehearsal.sound.generate [--check]`` in a checkout.
"""

import argparse
import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callfleet_rehearsal.sound import flac
from callfleet_rehearsal.sound.clips import INDEX_NAME
from callfleet_rehearsal.sound.rendering import (
    STEP,
    EngineMissingError,
    engine_version,
    render_line,
)
from callfleet_rehearsal.sound.script import ENGINE, ENGINE_VERSION, LINES, RATE, WORKER_LINES, Line

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parents[2]
_OURS = _HERE / "recordings"
_WORKERS = _CHECKOUT / "worker" / "callfleet_worker" / "sounds"
_SHELVES = ((_OURS, LINES), (_WORKERS, WORKER_LINES))


def _sources(lines: tuple[Line, ...]) -> str:
    recipe = [ENGINE, ENGINE_VERSION, RATE, [asdict(line) for line in lines]]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def _sum(samples: NDArray[np.int16]) -> str:
    return hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()


def _entry(line: Line, samples: NDArray[np.int16]) -> dict[str, Any]:
    return {
        "name": line.name,
        "role": line.role,
        "text": line.text,
        "voice": line.voice,
        "seconds": len(samples) / RATE,
        "sha256": _sum(samples),
    }


def generate() -> None:
    """Render every clip and write the indexes."""
    found = engine_version()
    if found != ENGINE_VERSION:
        message = f"the clips are made with {ENGINE} {ENGINE_VERSION}, here is {found}"
        raise EngineMissingError(message)
    for folder, lines in _SHELVES:
        folder.mkdir(parents=True, exist_ok=True)
        entries = []
        for line in lines:
            samples = render_line(line)
            (folder / f"{line.name}.flac").write_bytes(flac.write(samples, RATE))
            entries.append(_entry(line, samples))
        index = {
            "engine": f"{ENGINE} {ENGINE_VERSION}",
            "sources": _sources(lines),
            "clips": entries,
        }
        (folder / INDEX_NAME).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def _faults_of(folder: Path, lines: tuple[Line, ...], *, render: bool) -> list[str]:
    """Compare one folder with the script, and with a new rendering where that is possible."""
    index = json.loads((folder / INDEX_NAME).read_text(encoding="utf-8"))
    faults = []
    if index["sources"] != _sources(lines):
        faults.append(f"{folder.name}: the script was edited after the clips were rendered")
    known = {entry["name"]: entry for entry in index["clips"]}
    names = {line.name for line in lines}
    strays = {path.stem for path in folder.glob("*.flac")} ^ names
    faults += [f"{folder.name}: {name}.flac and the script do not match" for name in sorted(strays)]
    for line in lines:
        path = folder / f"{line.name}.flac"
        if line.name in strays or line.name not in known:
            continue
        samples = flac.read(path.read_bytes())
        if _entry(line, samples) != known[line.name]:
            faults.append(f"{path.name} is not what {INDEX_NAME} says; it was edited")
        elif render and not _same(samples, render_line(line)):
            faults.append(f"{path.name} is not what {ENGINE} {ENGINE_VERSION} renders")
    return faults


def _same(one: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    """Compare, but for a step: machines round sums differently."""
    if len(one) != len(other):
        return False
    return int(np.abs(one.astype(int) - other).max(initial=0)) <= STEP


def check() -> tuple[list[str], str]:
    """Say what differs, and what could not be checked (empty where everything was)."""
    try:
        found = engine_version()
    except EngineMissingError as error:
        left_out = f"not rendered again: {error}"
    else:
        differs = f"not rendered again: {ENGINE} is {found} here, not {ENGINE_VERSION}"
        left_out = "" if found == ENGINE_VERSION else differs
    faults = [
        fault
        for folder, lines in _SHELVES
        for fault in _faults_of(folder, lines, render=not left_out)
    ]
    return faults, left_out


def main(arguments: list[str] | None = None) -> int:
    """Run the generator; 1 where a check found a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    if not parser.parse_args(arguments).check:
        generate()
        return 0
    faults, left_out = check()
    for line in (*faults, *([left_out] if left_out else [])):
        print(line)
    if faults:
        print("run python -m callfleet_rehearsal.sound.generate and commit what it writes")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
