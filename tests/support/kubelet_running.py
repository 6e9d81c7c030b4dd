"""What runs in a pod: a real process and all that it starts, watched and ended as a container."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Protocol

from callfleet_rehearsal.stack import keeper
from callfleet_rehearsal.stack.processes import Child, Children

_LOOK_SECONDS = 0.05
_KILLED_BY = 128


class Running(Protocol):
    """A container that was started."""

    asks_probes: bool
    """Whether probes are to be asked; else it is ready as soon as it runs."""

    async def ended(self) -> int:
        """Wait until it has ended, and give its exit code as Kubernetes says it."""

    def terminate(self) -> None:
        """Ask it to end: SIGTERM to its first process, as a container runtime does."""

    def kill(self) -> None:
        """End all of it, at once."""

    def remove(self) -> None:
        """Clear away what is left of it, once it has ended."""


class Process:
    """A container that is a process."""

    asks_probes = True

    def __init__(self, children: Children, child: Child) -> None:
        self._children, self.child = children, child

    async def ended(self) -> int:
        """Wait until its first process has ended; what else it started is killed then."""
        while (code := self.child.process.poll()) is None:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(_LOOK_SECONDS)
        keeper.kill(self.child.pid)
        return code if code >= 0 else _KILLED_BY - code

    def terminate(self) -> None:
        """Send SIGTERM to its first process."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill every process of it."""
        keeper.kill(self.child.pid)

    def remove(self) -> None:
        """Kill what is left, and forget it."""
        keeper.kill(self.child.pid)
        self._children.stop(self.child)

    def freeze(self) -> None:
        """Have all of it stand still, as on a machine that hangs."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self._signal_all(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.child.process.poll() is None:
            os.kill(self.child.pid, number)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in keeper.members(self.child.pid):
            os.kill(pid, number)


def start_process(
    children: Children, name: str, command: Sequence[str], variables: Mapping[str, str]
) -> Process:
    """Start a container's process. It inherits where programs are, and nothing else of ours."""
    inherited = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return Process(children, children.start(name, command, {**inherited, **variables}))
