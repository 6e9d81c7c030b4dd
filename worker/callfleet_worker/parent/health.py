"""Answer over HTTP whether the worker lives, is ready, and takes calls: three separate truths."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from callfleet_service.metrics import Registry
from callfleet_service.ports import Site


@dataclass(frozen=True, slots=True)
class Health:
    """What is true of the worker now, and why not where it is not."""

    live: bool
    ready: bool
    accepting: bool
    reason: str
    slots: int
    taken: int


class HealthServer(Site):
    """Serves health and metrics."""

    def __init__(self, registry: Registry, look: Callable[[], Health]) -> None:
        self._look = look
        pages = {
            "/healthz/live": self._live,
            "/healthz/ready": self._ready,
            "/healthz/accepting": self._accepting,
        }
        super().__init__(registry, pages, look)

    async def _live(self, _: web.Request) -> web.Response:
        health = self._look()
        return _answer("live", health.live, health)

    async def _ready(self, _: web.Request) -> web.Response:
        health = self._look()
        return _answer("ready", health.ready, health)

    async def _accepting(self, _: web.Request) -> web.Response:
        health = self._look()
        return _answer("accepting", health.accepting, health)


def _answer(name: str, is_true: bool, health: Health) -> web.Response:
    facts: dict[str, bool | int | str] = {name: is_true}
    facts |= {"slots": health.slots, "taken": health.taken}
    if not is_true:
        facts["reason"] = health.reason
    return web.json_response(facts, status=200 if is_true else 503)
