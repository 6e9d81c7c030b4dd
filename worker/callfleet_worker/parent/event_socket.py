"""Listen to the calls' processes on a socket that only this user can reach."""

import asyncio
import os
import shutil
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from callfleet_contract.event_lines import MOST_BYTES, decode
from callfleet_contract.events import CallEnded, CallEvent

PREFIX = "callfleet-worker-"
_LAST_WORDS_SECONDS = 0.2
_WHO = struct.Struct("3i")
"""Process, user and group at the other end, as the kernel knows them."""

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


@contextmanager
def _ends_with_its_process(writer: asyncio.StreamWriter) -> Iterator[None]:
    """End a line when the process is dead that opened it, whoever else holds it.

    What a tool has forked lives on, and has all that was open: the line's end would never come.
    """
    loop = asyncio.get_running_loop()
    try:
        process = _process_behind(writer)
    except OSError:
        yield  # dead already, or on a kernel that does not tell
        return

    def end() -> None:
        loop.remove_reader(process)
        # What it had still said is read by then.
        loop.call_later(_LAST_WORDS_SECONDS, writer.close)

    loop.add_reader(process, end)
    try:
        yield
    finally:
        loop.remove_reader(process)
        os.close(process)


def _process_behind(writer: asyncio.StreamWriter) -> int:
    """Open the process at the other end of a line: a file that can be read once it is dead."""
    line: socket.socket = writer.get_extra_info("socket")
    told = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _WHO.size)
    return os.pidfd_open(_WHO.unpack(told)[0])


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
            with _ends_with_its_process(writer):
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
