"""Take a port before anything else is started, and serve HTTP on it."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import web

from callfleet_service.errors import CannotStartError
from callfleet_service.metrics import Registry

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]
# Nothing here takes long to answer, and a program that ends has other things to wait for.
_LAST_ANSWERS_SECONDS = 1.0


class PortTakenError(CannotStartError):
    """Another program listens where this one should."""


class Address(Protocol):
    """Settings that say where to listen."""

    @property
    def host(self) -> str:
        """Address."""

    @property
    def port(self) -> int:
        """Port; 0 is any free one."""


def bind(settings: Address, port_variable: str) -> socket.socket:
    """Take the port that is set, by the variable of that name.

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


def address_of(bound: socket.socket) -> str:
    """Say where a socket listens."""
    host, port = bound.getsockname()[:2]
    return f"{host}:{port}"


class Site:
    """A program's own pages, and its metrics at ``/metrics``."""

    def __init__(
        self, registry: Registry, pages: Mapping[str, Page], refresh: Callable[[], object]
    ) -> None:
        """Prepare; ``refresh`` is called before metrics are shown, for what only then is read."""
        self._registry = registry
        self._refresh = refresh
        app = web.Application()
        app.add_routes([web.get(path, page) for path, page in pages.items()])
        app.add_routes([web.get("/metrics", self._metrics)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LAST_ANSWERS_SECONDS)

    async def start(self, bound: socket.socket) -> None:
        """Serve on a socket that is bound already."""
        await self._runner.setup()
        await web.SockSite(self._runner, bound).start()

    async def stop(self) -> None:
        """Stop serving."""
        await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        self._refresh()
        body, content_type = self._registry.shown(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})
