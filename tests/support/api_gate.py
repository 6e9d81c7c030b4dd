"""Stand between one program and the API server, to make the way slow, deaf, or closed.

The others that speak with the API server do not notice: only who is given this gate's kubeconfig.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from control_plane import ControlPlane

from callfleet_rehearsal.stack.ports import LOOPBACK

_PIECE = 65_536


class ApiGate:
    """The way to the API server, as it is now."""

    def __init__(self, beyond: tuple[str, int], kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.delay_seconds = 0.0
        """How late everything arrives that goes to the API server."""
        self.port = 0
        self._beyond = beyond
        self._server: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def deafen(self) -> None:
        """Pass on nothing more, and hang up on nobody."""
        self._open.clear()

    def hear(self) -> None:
        """Pass on again, what waited included."""
        self._open.set()

    async def close(self) -> None:
        """Hang up on everybody, and refuse whoever comes."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def reopen(self) -> None:
        """Let everybody in again."""
        if self._server is None:
            self._server = await asyncio.start_server(self._pass, LOOPBACK, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _pass(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        try:
            far_in, far_out = await asyncio.open_connection(*self._beyond)
        except OSError:
            near_out.transport.abort()
            return
        self._writers |= {near_out, far_out}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(near_in, far_out, late=True))
                both.create_task(self._pump(far_in, near_out, late=False))
        except* OSError:
            pass  # one side hung up, so does the other
        finally:
            self._writers -= {near_out, far_out}
            near_out.transport.abort()
            far_out.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, late: bool
    ) -> None:
        while piece := await source.read(_PIECE):
            if late and self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            await self._open.wait()
            sink.write(piece)
            await sink.drain()
        raise ConnectionResetError


@contextlib.asynccontextmanager
async def api_gate(plane: ControlPlane, folder: Path) -> AsyncIterator[ApiGate]:
    """Open a gate to the API server, and write a kubeconfig that leads through it."""
    beyond = urlsplit(plane.url)
    gate = ApiGate((beyond.hostname or LOOPBACK, beyond.port or 0), folder / "gate.kubeconfig")
    await gate.reopen()
    told = json.loads(plane.kubeconfig.read_text(encoding="utf-8"))
    told["clusters"][0]["cluster"]["server"] = f"https://{LOOPBACK}:{gate.port}"
    gate.kubeconfig.touch(mode=0o600)
    gate.kubeconfig.write_text(json.dumps(told), encoding="utf-8")
    try:
        yield gate
    finally:
        gate.hear()
        await gate.close()
