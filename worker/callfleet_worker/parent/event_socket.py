"""Listen to the calls' processes on a socket that only this user can reach."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from callfleet_contract.event_lines import MOST_BYTES, decode
from callfleet_contract.events import CallEnded, CallEvent

PREFIX = "callfleet-worker-"

_log = structlog.get_logger(__name__)


def private_folder() -> Path:
    """Make a folder for this process alone, and clear away those of workers that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = left.name.removeprefix(PREFIX).partition("-")[0]
        with suppress(OSError, ValueError):
            if left.stat().st_uid == os.getuid() and not _is_alive(int(pid)):
                shutil.rmtree(left)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class EventSocket:
    """Reads events; tells also when a process has hung up, and which of its calls had not ended."""

    def __init__(
        self,
        path: Path,
        on_event: Callable[[CallEvent], None],
        on_hang_up: Callable[[set[str]], None],
        on_refused: Callable[[], None],
    ) -> None:
        self.path = path
        self._on_event = on_event
        self._on_hang_up = on_hang_up
        self._on_refused = on_refused
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Start to listen."""
        self._server = await asyncio.start_unix_server(
            self._listen, str(self.path), limit=MOST_BYTES
        )
        self.path.chmod(0o600)

    def say_time_is_up(self) -> None:
        """Tell every call that it has had its time: it says goodbye and ends."""
        for writer in self._writers:
            writer.write(b"time is up\n")

    async def close(self, timeout_seconds: float) -> None:
        """Stop, after what the processes had still to say."""
        if self._server is None:
            return
        self._server.close()
        if self._lines:
            await asyncio.wait(self._lines, timeout=timeout_seconds)
        for line in self._lines:
            line.cancel()
        self.path.unlink(missing_ok=True)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._lines.add(task)
            task.add_done_callback(self._lines.discard)
        unfinished: set[str] = set()
        self._writers.add(writer)
        try:
            while line := await self._next_line(reader):
                self._hear(line, unfinished)
        finally:
            self._writers.discard(writer)
            writer.close()
            self._on_hang_up(unfinished)

    async def _next_line(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readline()
        except (ValueError, ConnectionError):
            # Longer than any event is, or reset: nothing that follows can be trusted.
            self._on_refused()
            return b""

    def _hear(self, line: bytes, unfinished: set[str]) -> None:
        try:
            event = decode(line)
            if isinstance(event, CallEnded):
                unfinished.discard(event.call_id)
            else:
                unfinished.add(event.call_id)
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - a deaf parent would take its calls for dead
            self._on_refused()
            _log.warning(
                "a line on the event socket is no event",
                length=len(line),
                error=type(error).__name__,
            )
