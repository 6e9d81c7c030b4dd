"""Stand between a worker and its LiveKit server, and cut one call's signal connection.

Bytes pass unread, but for the head of what a connection begins with: the token in it names the
room whose signal it carries. Media go another way and are not touched.
"""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

from callfleet_rehearsal.stack.ports import LOOPBACK

T = TypeVar("T")

_CHUNK = 1 << 16
_TOKEN = re.compile(rb"(?:access_token=|[Bb]earer )[\w-]+\.([\w-]+)\.[\w-]+")
_SIGNAL = re.compile(rb"GET /rtc\b")
_START_SECONDS = 10.0


def room_of(head: bytes) -> str | None:
    """Name the room whose signal a connection carries; None where it is about something else."""
    token = _TOKEN.search(head)
    if token is None or not _SIGNAL.match(head):
        return None
    body = token[1] + b"=" * (-len(token[1]) % 4)
    try:
        room = json.loads(base64.urlsafe_b64decode(body)).get("video", {}).get("room")
    except (ValueError, AttributeError):
        return None
    return str(room) if room else None


class Cutter:
    """Passes connections on to a port of this machine, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._to = port
        self._signals: dict[str, set[asyncio.StreamWriter]] = {}
        self._passing: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cutter", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, room: str) -> int:
        """Cut the room's signal connections without a word; give how many there were."""
        return self._do(self._cut(room))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._pass, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._passing:
            task.cancel()
        if self._passing:
            await asyncio.wait(self._passing)

    async def _cut(self, room: str) -> int:
        lines = self._signals.pop(room, set())
        for line in lines:
            line.transport.abort()
        return len(lines)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._to)
        except OSError:
            writer.close()
            return
        head = await reader.read(_CHUNK)
        room = room_of(head)
        far_writer.write(head)
        if room is not None:
            self._signals.setdefault(room, set()).update((writer, far_writer))
        ways = [_copy(reader, far_writer), _copy(far_reader, writer)]
        try:
            await asyncio.gather(*ways)
        finally:
            for line in (writer, far_writer):
                line.close()
                self._signals.get(room or "", set()).discard(line)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
