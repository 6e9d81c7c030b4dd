"""Where a worker registers, in place of LiveKit: offers and assigns calls when a test says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from admission_client import until
from aiohttp import WSMsgType, web
from livekit.protocol.agent import ServerMessage, UpdateWorkerStatus, WorkerMessage, WorkerStatus

from callfleet_rehearsal.stack.livekit import LiveKitServer


@dataclass
class Dispatcher:
    """Speaks the agents' protocol, and knows no rooms."""

    heard: list[WorkerMessage] = field(default_factory=list)
    _line: web.WebSocketResponse | None = None

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        async for frame in line:
            if frame.type is not WSMsgType.BINARY:
                continue
            message = WorkerMessage.FromString(frame.data)
            self.heard.append(message)
            if message.HasField("register"):
                self._line = line
                answer = ServerMessage()
                answer.register.worker_id = "AW_test"
                await line.send_bytes(answer.SerializeToString())
        return line

    async def offer(self, call_id: str) -> None:
        message = ServerMessage()
        message.availability.job.id = call_id
        message.availability.job.room.name = f"room-{call_id}"
        await self._send(message)

    async def assign(self, call_id: str) -> None:
        message = ServerMessage()
        message.assignment.job.id = call_id
        message.assignment.job.room.name = f"room-{call_id}"
        await self._send(message)

    async def hang_up(self) -> None:
        """Lose the connection, as a LiveKit server that restarts does."""
        if self._line is not None:
            await self._line.close()

    async def _send(self, message: ServerMessage) -> None:
        assert self._line is not None
        await self._line.send_bytes(message.SerializeToString())

    def answers(self) -> dict[str, bool]:
        """What was said to each offer."""
        return {
            one.availability.job_id: one.availability.available
            for one in self.heard
            if one.HasField("availability")
        }

    def statuses(self) -> list[UpdateWorkerStatus]:
        """How full the worker has said that it is, since it registered last."""
        last = max(n for n, one in enumerate(self.heard) if one.HasField("register"))
        return [one.update_worker for one in self.heard[last:] if one.HasField("update_worker")]

    async def is_told(self, *, full: bool) -> None:
        """Wait until the worker has said that it is full, or is not."""
        wanted = WorkerStatus.WS_FULL if full else WorkerStatus.WS_AVAILABLE
        await until(lambda: [one.status for one in self.statuses()][-1:] == [wanted])


@asynccontextmanager
async def dispatching(server: LiveKitServer) -> AsyncIterator[Dispatcher]:
    """Stand where that server would be."""
    dispatcher = Dispatcher()
    app = web.Application()
    app.router.add_get("/agent", dispatcher.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", server.port).start()
    try:
        yield dispatcher
    finally:
        await asyncio.shield(runner.cleanup())
