"""Read what the pods of a namespace say, also when they are gone.

A kubelet removes a pod's log with the pod, so each is opened when it appears, and held open. The
API server has no part in it: it may be away meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from call_ledger import Line, PodLog, told_in

from callfleet_tools.node.layout import Layout

_LOOK_AGAIN_SECONDS = 0.5
"""Shorter than any pod lives."""
_WHOLE = "F"


class PodLogs:
    """The logs of all pods that there ever were, in the order in which they were seen."""

    def __init__(self, layout: Layout, namespace: str) -> None:
        self._folders = [place.log / "pods" for place in layout.places]
        self._namespace = namespace
        self._held: dict[Path, BinaryIO] = {}

    def look(self) -> None:
        """Hold what is new."""
        for folder in self._folders:
            for path in sorted(folder.glob(f"{self._namespace}_*/*/*.log")):
                if path not in self._held:
                    with contextlib.suppress(OSError):
                        self._held[path] = path.open("rb")

    def read(self) -> list[PodLog]:
        """Give what each pod said until now, in all lives of its containers."""
        self.look()
        lines: dict[tuple[str, str], list[Line]] = {}
        for path, held in self._held.items():
            _, name, uid = path.parent.parent.name.split("_")
            held.seek(0)
            whole, _, _ = held.read().rpartition(b"\n")
            lines.setdefault((name, uid), []).extend(told_in(_unpacked(whole.decode())))
        return [PodLog(name, uid, told) for (name, uid), told in lines.items()]

    def close(self) -> None:
        """Let go of them."""
        for held in self._held.values():
            held.close()


@contextlib.asynccontextmanager
async def pod_logs(layout: Layout, namespace: str) -> AsyncIterator[PodLogs]:
    """Hold the logs of a namespace's pods while the block runs."""
    logs = PodLogs(layout, namespace)

    async def keep_looking() -> None:
        while True:
            logs.look()
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    looking = asyncio.create_task(keep_looking())
    try:
        yield logs
    finally:
        looking.cancel()
        logs.close()


def _unpacked(text: str) -> str:
    """Take off what a node puts before each line: when, on which stream, whether it is whole."""
    said: list[str] = []
    for line in filter(None, text.split("\n")):
        _, _, tag, content = line.split(" ", 3)
        said += [content, "\n"] if tag == _WHOLE else [content]
    return "".join(said)
