"""`callfleet rehearse` or `up` as typed: processes are marked, to find those that it leaves."""

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from callfleet_rehearsal.stack import procfs

MARK = "CALLFLEET_REHEARSAL_TEST"


@dataclass(frozen=True)
class Typed:
    """A command as it was typed, in a folder of its own, its processes marked to be found."""

    process: "subprocess.Popen[str]"
    mark: str

    def wait_for(self, words: str) -> None:
        """Read what it prints until these words come."""
        assert self.process.stdout is not None
        said: list[str] = []
        for line in self.process.stdout:
            said.append(line)
            if words in line:
                return
        pytest.fail(f"it ended without saying {words!r}, but said: {''.join(said)}")

    def rest(self) -> str:
        """Read what else it prints, up to its end."""
        return self.process.communicate(timeout=240)[0]

    def processes(self, words: str = "") -> list[int]:
        """Find what it has started that is still there, by a word of the command."""
        return [pid for pid in marked(self.mark) if words in command_of(pid)]


Type = Callable[..., Typed]


def marked(mark: str) -> list[int]:
    found = []
    for stat in procfs.processes():
        try:
            environment = Path(f"/proc/{stat.pid}/environ").read_bytes()
        except (OSError, PermissionError):
            continue
        if stat.alive and f"{MARK}={mark}".encode() in environment:
            found.append(stat.pid)
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@contextlib.contextmanager
def typing_in(folder: Path, livekit_program: Path, verb: str = "rehearse") -> Iterator[Type]:
    """Type ``callfleet VERB …`` in a folder; all of it ends with the block."""
    typed: list[Typed] = []

    def start(*arguments: str, **environment: str) -> Typed:
        mark = uuid.uuid4().hex
        told = {"CALLFLEET_TOOLS_LIVEKIT_SERVER": str(livekit_program), MARK: mark, **environment}
        inherited = {name: value for name, value in os.environ.items() if name != "GOOGLE_API_KEY"}
        process = subprocess.Popen(
            [sys.executable, "-m", "callfleet", verb, *arguments],
            cwd=folder,
            env={**inherited, "PYTHONPATH": absolute_path(), **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        typed.append(Typed(process, mark))
        return typed[-1]

    try:
        yield start
    finally:
        for one in typed:
            one.process.kill()
            one.process.communicate()


def absolute_path() -> str:
    return os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)


def interruptions(folder: Path) -> int:
    """Count how often the emulated model was interrupted in the rehearsal of this folder."""
    (run,) = (folder / "rehearsals").iterdir()
    events = (run / "emulator-events.jsonl").read_text(encoding="utf-8")
    return events.count('"event":"interrupted"')
