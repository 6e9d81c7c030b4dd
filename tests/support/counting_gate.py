"""Stand between an operator and the API server, count its writes, and kill it after one of them.

What comes is passed on as it is, so the API server does and answers what it would; the answer to
the write that kills is never heard.
"""

import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from control_plane import ControlPlane

from callfleet_rehearsal.stack.ports import LOOPBACK

_NOT_COUNTED = ("/leases", "/events")
_HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "content-encoding"}
_REFUSED = 400


@dataclass
class CountingGate:
    """The gate. Give its kubeconfig to one operator after the other."""

    kubeconfig: Path
    kill_after: int = 0
    """The number of the write that is an operator's last; 0 for none."""
    kill: Callable[[], None] = lambda: None
    writes: list[str] = field(default_factory=list)
    """Each write that was done, as method and kind."""

    def note(self, method: str, path: str, status: int) -> bool:
        """Count a write that was done; say whether it was the last."""
        parts = path.partition("?")[0].split("/")
        counted = method != "GET" and status < _REFUSED
        if not counted or any(ending in path for ending in _NOT_COUNTED):
            return False
        kind = next((part for part in parts[::-1] if part.islower() and part.isalpha()), path)
        self.writes.append(f"{method} {kind}")
        return len(self.writes) == self.kill_after


@contextlib.asynccontextmanager
async def counting_gate(plane: ControlPlane, folder: Path) -> AsyncIterator[CountingGate]:
    """Open a gate, and write a kubeconfig that leads through it."""
    gate = CountingGate(folder / "counting.kubeconfig")
    trusted = ssl.create_default_context(cafile=str(plane.ca_file))
    limits = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=trusted),
        timeout=limits,
        trust_env=False,
        auto_decompress=False,
    ) as beyond:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            headers = {
                name: value
                for name, value in request.headers.items()
                if name.lower() not in _HOP_BY_HOP
            }
            async with beyond.request(
                request.method,
                f"{plane.url}{request.raw_path}",
                headers=headers,
                data=await request.read() or None,
            ) as answer:
                if gate.note(request.method, request.raw_path, answer.status):
                    gate.kill()
                    raise web.HTTPServiceUnavailable
                return await _answer(request, answer)

        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, 0).start()
            _write_kubeconfig(plane, gate.kubeconfig, runner.addresses[0][1])
            yield gate
        finally:
            await runner.cleanup()


async def _answer(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status)
    response.headers["Content-Type"] = answer.headers.get("Content-Type", "application/json")
    if "Content-Encoding" in answer.headers:
        response.headers["Content-Encoding"] = answer.headers["Content-Encoding"]
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        async for piece in answer.content.iter_any():
            await response.write(piece)
    return response


def _write_kubeconfig(plane: ControlPlane, file: Path, port: int) -> None:
    told = json.loads(plane.kubeconfig.read_text(encoding="utf-8"))
    told["clusters"][0]["cluster"] = {"server": f"http://{LOOPBACK}:{port}"}
    file.touch(mode=0o600)
    file.write_text(json.dumps(told), encoding="utf-8")
