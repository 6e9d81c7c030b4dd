"""The programs of a node: started inside of it, looked after, ended."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callfleet_tools import debian
from callfleet_tools.node.errors import NodeError

_LAST_LINES = 15
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(slots=True)
class Part:
    """One program: ``entered`` is what led it into its node, and its parent."""

    name: str
    entered: "subprocess.Popen[bytes]"
    log: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        """The program itself, as the machine counts processes.

        Raises:
            NodeError: it has ended.

        """
        self.wait_until(lambda: bool(_children(self.entered.pid)), 10.0, "started")
        return _children(self.entered.pid)[0]

    def check(self) -> None:
        """Raise NodeError where it has ended."""
        code = self.entered.poll()
        if code is not None:
            raise NodeError(self.complaint(f"ended by itself with exit code {code}"))

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until it is ready.

        Raises:
            NodeError: it ended, or was not ready in time.

        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise NodeError(self.complaint(f"was not {what} within {seconds:.0f} s"))
            time.sleep(_LOOK_AGAIN_SECONDS)

    def end(self, seconds: float = 5.0) -> None:
        """Ask it to end, and kill it where it does not in that time."""
        with contextlib.suppress(NodeError, ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        try:
            self.entered.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(NodeError, ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.entered.wait()

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Have it stand still: it keeps its connections, and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            # What led it in has stopped with it.
            for pid in (self.pid, self.entered.pid):
                os.kill(pid, signal.SIGCONT)

    def complaint(self, what: str) -> str:
        """Say what it did wrong, with the end of its log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        said = "\n".join(f"  {line[:300]}" for line in lines[-_LAST_LINES:])
        return f"{self.name} {what}; the end of its log ({self.log}):\n{said}"


def start(name: str, enter: Sequence[str], command: Sequence[str | Path], log: Path) -> Part:
    """Start a program inside of a node; it outlives us, and ends with the node."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*enter, *command],
            env=debian.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Part(name, process, log)


def run(command: Sequence[str | Path], doing: str) -> str:
    """Run a command to its end, and give what it printed.

    Raises:
        NodeError: it failed.

    """
    done = subprocess.run(
        command, env=debian.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        message = f"{doing} failed: `{' '.join(map(str, command))}` says: {said}"
        raise NodeError(message)
    return done.stdout


def succeeds(command: Sequence[str | Path]) -> bool:
    """Say whether a command ends well."""
    try:
        run(command, "looking")
    except NodeError:
        return False
    return True


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(each) for each in text.split()]
