"""Answer over HTTP whether the worker lives, is ready, and takes calls: three separate truths."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from callfleet_worker.parent.errors import CannotStartError
from callfleet_worker.parent.registry import Registry


@dataclass(frozen=True, slots=True)
class Health:
    """What is true of the worker now, and why not where it is not."""

    live: bool
    ready: bool
    accepting: bool
    reason: str
    slots: int
    taken: int


class PortTakenError(CannotStartError):
    """Another program listens where the worker should."""


class Address(Protocol):
    """Settings that say where to listen."""

    @property
    def host(self) -> str:
        """Address."""

    @property
    def port(self) -> int:
        """Port; 0 is any free one."""


def bind(settings: Address, port_variable: str = "CALLFLEET_HTTP__PORT") -> socket.socket:
    """Take a port before anything else is started.

    Raises:
        PortTakenError: it is taken, or not this machine's to take; the message says what to do.

    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((settings.host, settings.port))
        taken.listen(128)
    except OSError as error:
        taken.close()
        message = (
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror or error}): stop "
            f"the program that does, or set {port_variable} to a free port, or to 0 for any"
        )
        raise PortTakenError(message) from error
    return taken


class HealthServer:
    """Serves health and metrics."""

    def __init__(self, registry: Registry, look: Callable[[], Health]) -> None:
        self._registry = registry
        self._look = look
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz/live", self._live),
                web.get("/healthz/ready", self._ready),
                web.get("/healthz/accepting", self._accepting),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, bound: socket.socket) -> None:
        """Serve on a socket that is bound already."""
        await self._runner.setup()
        await web.SockSite(self._runner, bound, shutdown_timeout=1).start()

    async def stop(self) -> None:
        """Stop serving."""
        await self._runner.cleanup()

    async def _live(self, _: web.Request) -> web.Response:
        health = self._look()
        return _answer("live", health.live, health)

    async def _ready(self, _: web.Request) -> web.Response:
        health = self._look()
        return _answer("ready", health.ready, health)

    async def _accepting(self, _: web.Request) -> web.Response:
        health = self._look()
        return _answer("accepting", health.accepting, health)

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        self._look()
        return web.Response(
            body=encode(self._registry.prometheus), headers={"Content-Type": content_type}
        )


def _answer(name: str, is_true: bool, health: Health) -> web.Response:
    facts: dict[str, bool | int | str] = {name: is_true}
    facts |= {"slots": health.slots, "taken": health.taken}
    if not is_true:
        facts["reason"] = health.reason
    return web.json_response(facts, status=200 if is_true else 503)
