"""Start the stack's processes and end them on every way out, with all that they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from callfleet_rehearsal.stack import keeper
from callfleet_rehearsal.stack.errors import LOG_FOLLOWS, StackError

_LAST_LINES = 15
_MOST_OF_A_LINE = 1000
_LOOK_AGAIN_SECONDS = 0.05


class Child:
    """One process and its descendants: a session of their own, their output in one file."""

    def __init__(self, role: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.role = role
        self.log = log
        self.process = process

    @property
    def pid(self) -> int:
        """The process, which is also the id of its session."""
        return self.process.pid

    def last_lines(self) -> str:
        """The end of its log, to be shown when it has failed."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"  {line[:_MOST_OF_A_LINE]}" for line in lines[-_LAST_LINES:])

    def check(self) -> None:
        """Raise StackError where it has ended."""
        code = self.process.poll()
        if code is not None:
            raise StackError(self.complaint(f"ended by itself with {_described(code)}"))

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until it is ready.

        Raises:
            StackError: it ended, or was not ready in time.

        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise StackError(self.complaint(f"was not {what} within {seconds:.0f} s"))
            time.sleep(_LOOK_AGAIN_SECONDS)

    def ask_to_stop(self, seconds: float) -> None:
        """Send SIGTERM, wait so long for it to end, then kill whatever is left of its session."""
        try:
            if self.process.poll() is None:
                self.process.terminate()
                self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            keeper.kill(self.pid)
            self.process.wait()

    def complaint(self, what: str) -> str:
        """Say what it did wrong, with the end of its log."""
        return f"{self.role} {what}{LOG_FOLLOWS} ({self.log}):\n{self.last_lines()}"


class Children:
    """All processes of one run, ended in the reverse order when the block is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: list[tuple[Child, float]] = []
        self._keeper: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", keeper.__name__],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.stop_all()
        finally:
            # Where a second Ctrl-C broke the orderly end, the keeper does it the other way.
            if self._keeper is not None and self._keeper.stdin is not None:
                self._keeper.stdin.close()
                self._keeper.wait()

    def __iter__(self) -> Iterator[Child]:
        return iter([child for child, _ in self._children])

    def start(
        self,
        role: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        grace_seconds: float = 5.0,
        piped: bool = False,
    ) -> Child:
        """Start a process. Its output goes to a file; with ``piped`` its stdout comes to us.

        Raises:
            StackError: it cannot be started at all.

        """
        log = self.folder / f"{role.replace(' ', '-')}.log"
        try:
            with log.open("ab") as output:
                process = subprocess.Popen(
                    command,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if piped else output,
                    stderr=output,
                    start_new_session=True,
                )
        except OSError as error:
            message = f"{role} cannot be started: {error}"
            raise StackError(message) from error
        child = Child(role, process, log)
        self._children.append((child, grace_seconds))
        self._tell_keeper(f"+{child.pid}")
        return child

    def check(self) -> None:
        """Raise StackError where one of them has ended by itself."""
        for child, _ in self._children:
            child.check()

    def stop(self, child: Child) -> None:
        """Stop one of them before the others."""
        for entry in self._children:
            if entry[0] is child:
                self._children.remove(entry)
                child.ask_to_stop(entry[1])
                self._tell_keeper(f"-{child.pid}")
                return

    def stop_all(self) -> None:
        """Stop them all, the last started first."""
        while self._children:
            child, grace_seconds = self._children[-1]
            child.ask_to_stop(grace_seconds)
            self._children.pop()
            self._tell_keeper(f"-{child.pid}")

    def _tell_keeper(self, line: str) -> None:
        if self._keeper is not None and self._keeper.stdin is not None:
            try:
                self._keeper.stdin.write(line + "\n")
                self._keeper.stdin.flush()
            except BrokenPipeError as error:
                message = "the process that guards the stack's end was killed; start again"
                raise StackError(message) from error


def inherited_environment(**more: str) -> dict[str, str]:
    """Our own environment with more in it: children are started as we were."""
    return {**os.environ, **more}


def _described(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
