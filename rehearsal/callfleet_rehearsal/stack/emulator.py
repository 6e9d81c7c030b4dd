"""Run the Gemini Live emulator as a process of its own."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from callfleet_contract.profiles import ModelProfile
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment

_READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator: where it is, what proves it, and the log of what it did."""

    url: str
    ca_file: Path
    control_url: str
    event_log: Path
    profile: ModelProfile = ModelProfile.IDEAL


def start_emulator(
    children: Children, timing: str, seed: int, more: tuple[str, ...] = ()
) -> tuple[Emulator, Child]:
    """Start the emulator on free ports and wait until it has written where it is.

    Raises:
        StackError: it does not start.

    """
    folder = children.folder
    ready_file, event_log = folder / "emulator-ready.json", folder / "emulator-events.jsonl"
    command = [sys.executable, "-m", "callfleet", "emulate", "--port", "0"]
    files = ["--ready-file", str(ready_file), "--log", str(event_log)]
    options = ["--timing", timing, "--seed", str(seed), "--precedence", *more]
    child = children.start("emulator", [*command, *files, *options], inherited_environment())
    child.wait_until(lambda: _is_whole(ready_file), _READY_SECONDS, "ready")
    said = json.loads(ready_file.read_text(encoding="utf-8"))
    emulator = Emulator(
        url=said["url"],
        ca_file=Path(said["ca_file"]),
        control_url=said["control_url"],
        event_log=event_log,
        profile=ModelProfile(timing),
    )
    return emulator, child


def _is_whole(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return True
