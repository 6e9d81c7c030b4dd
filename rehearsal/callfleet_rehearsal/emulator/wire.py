"""One client's websocket: frames go out in order, and can be held, cut off or closed."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import ClientConnectionResetError, WSMessage, WSMsgType, web

from callfleet_rehearsal.emulator.reading import fit_reason

CLOSE_WAIT_SECONDS = 2.0
LARGEST_FRAME_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class _Closing:
    code: int
    reason: str


class Wire:
    """Sends from one queue and one task, so that nothing overtakes anything."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._ws = web.WebSocketResponse(
            timeout=CLOSE_WAIT_SECONDS,
            autoping=False,
            compress=False,
            max_msg_size=LARGEST_FRAME_BYTES,
        )
        self._outbox: asyncio.Queue[tuple[bytes, Callable[[], None] | None] | _Closing] = (
            asyncio.Queue()
        )
        self._open = asyncio.Event()
        self._open.set()
        self._hole = False
        self._pong_seconds = 0.0
        self.closed_as: tuple[int, str] | None = None

    @property
    def response(self) -> web.WebSocketResponse:
        """What the request handler must return."""
        return self._ws

    async def accept(self) -> None:
        """Answer the upgrade."""
        await self._ws.prepare(self._request)

    def send(self, frame: bytes, on_sent: Callable[[], None] | None = None) -> None:
        """Send a frame after those before it; ``on_sent`` is called right before it leaves."""
        self._outbox.put_nowait((frame, on_sent))

    def close(self, code: int, reason: str) -> None:
        """Close once everything before is sent."""
        self._outbox.put_nowait(_Closing(code, fit_reason(reason)))

    async def write(self) -> None:
        """Send until the connection is closed. Runs as the session's writing task."""
        while True:
            item = await self._outbox.get()
            if not self._open.is_set():
                await self._open.wait()
            if isinstance(item, _Closing):
                if self.closed_as is None:
                    self.closed_as = (item.code, item.reason)
                await self._ws.close(code=item.code, message=item.reason.encode())
                return
            frame, on_sent = item
            if on_sent is not None:
                on_sent()
            try:
                await self._ws.send_bytes(frame)
            except (ClientConnectionResetError, ConnectionError):
                return

    async def read(self) -> AsyncIterator[str | bytes]:
        """Receive the client's frames until either side ends the connection."""
        while True:
            message = await self._ws.receive()
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                yield message.data
            elif message.type is WSMsgType.PING:
                self._answer_ping(message)
            elif message.type is not WSMsgType.PONG:
                if self.closed_as is None:
                    self.closed_as = (self._ws.close_code or 1006, str(message.extra or ""))
                return

    def _answer_ping(self, message: WSMessage) -> None:
        if self._hole:
            return
        loop = asyncio.get_running_loop()
        loop.call_later(self._pong_seconds, lambda: loop.create_task(self._pong(message.data)))

    async def _pong(self, payload: bytes) -> None:
        if not self._ws.closed and not self._hole:
            try:
                await self._ws.pong(payload)
            except (ClientConnectionResetError, ConnectionError):
                return

    def hold(self, seconds: float) -> None:
        """Send nothing for a while."""
        self._open.clear()
        asyncio.get_running_loop().call_later(seconds, self._release)

    def _release(self) -> None:
        if not self._hole:
            self._open.set()

    def slow_pongs(self, seconds: float) -> None:
        """Answer pings so much later from now on."""
        self._pong_seconds = seconds

    def vanish(self) -> None:
        """Neither read nor write from now on, and leave the connection open."""
        self._hole = True
        self._open.clear()
        transport = self._request.transport
        if transport is not None and isinstance(transport, asyncio.ReadTransport):
            transport.pause_reading()

    def reset(self) -> None:
        """Drop the TCP connection with a reset, without a close frame."""
        transport = self._request.transport
        self.closed_as = (1006, "reset by a fault")
        held = None if transport is None else transport.get_extra_info("socket")
        if held is not None:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.drop()

    def drop(self) -> None:
        """Drop the TCP connection at once."""
        if self.closed_as is None:
            self.closed_as = (1001, "the emulator stops")
        if self._request.transport is not None:
            self._request.transport.abort()
