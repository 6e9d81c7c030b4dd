"""Answer over HTTP whether the operator lives and leads, what it measured, and what it decided."""

import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from callfleet_operator.objects.seen import Key
from callfleet_operator.settings import HttpSettings
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.telling.plans import Plans


@dataclass(frozen=True, slots=True)
class Health:
    """What is true of the operator now."""

    live: bool
    ready: bool
    leading: bool
    overdue_seconds: float
    """How long the most overdue fleet has waited to be thought over."""


class PortTakenError(Exception):
    """Another program listens where the operator should."""


def bind(settings: HttpSettings) -> socket.socket:
    """Take the port before anything else is started.

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
            "the program that does, or set CALLFLEET_OPERATOR_HTTP__PORT to a free port, or to 0 "
            "for any"
        )
        raise PortTakenError(message) from error
    return taken


class HealthServer:
    """Serves health, metrics and plans."""

    def __init__(self, metrics: Metrics, plans: Plans, look: Callable[[], Health]) -> None:
        self._metrics = metrics
        self._plans = plans
        self._look = look
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz/live", self._live),
                web.get("/healthz/ready", self._ready),
                web.get("/metrics", self._show),
                web.get("/plans/{namespace}/{name}", self._plan),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, bound: socket.socket) -> None:
        """Serve on a socket that is bound already."""
        await self._runner.setup()
        await web.SockSite(self._runner, bound).start()

    async def stop(self) -> None:
        """Stop serving."""
        await self._runner.cleanup()

    async def _live(self, _: web.Request) -> web.Response:
        health = self._look()
        return web.json_response(asdict(health), status=200 if health.live else 503)

    async def _ready(self, _: web.Request) -> web.Response:
        health = self._look()
        return web.json_response(asdict(health), status=200 if health.ready else 503)

    async def _plan(self, request: web.Request) -> web.Response:
        key = Key(request.match_info["namespace"], request.match_info["name"])
        told = self._plans.of(key)
        if told is None:
            why = "thinks nothing over" if not self._look().leading else "knows no such fleet"
            error = f"no plan for {key}: this operator {why}"
            return web.json_response({"error": error}, status=404)
        return web.json_response(told)

    async def _show(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(
            body=encode(self._metrics.prometheus), headers={"Content-Type": content_type}
        )
