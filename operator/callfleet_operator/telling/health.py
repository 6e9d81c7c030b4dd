"""Answer over HTTP whether the operator lives and leads, what it measured, and what it decided."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from aiohttp import web

from callfleet_operator.objects.seen import Key
from callfleet_operator.settings import PORT
from callfleet_operator.telling.plans import Plans
from callfleet_service.metrics import Registry
from callfleet_service.ports import Site

_ASK_THE_LEADER = (
    "does not lead; ask the one that does (`kubectl get lease` shows its HOLDER, POD_…, and "
    f"`kubectl port-forward POD {PORT}` leads there)"
)


@dataclass(frozen=True, slots=True)
class Health:
    """What is true of the operator now."""

    live: bool
    ready: bool
    leading: bool
    overdue_seconds: float
    """How long the most overdue fleet has waited to be thought over."""


class HealthServer(Site):
    """Serves health, metrics and plans."""

    def __init__(self, metrics: Registry, plans: Plans, look: Callable[[], Health]) -> None:
        self._plans = plans
        self._look = look
        pages = {
            "/healthz/live": self._live,
            "/healthz/ready": self._ready,
            "/plans/{namespace}/{name}": self._plan,
        }
        super().__init__(metrics, pages, look)

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
            why = "knows no such fleet" if self._look().leading else _ASK_THE_LEADER
            error = f"no plan for {key}: this operator {why}"
            return web.json_response({"error": error}, status=404)
        return web.json_response(told)
