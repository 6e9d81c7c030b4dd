"""The control port: plain HTTP for tests and people, on loopback only."""

import asyncio
from typing import Any

import orjson
from aiohttp import ClientConnectionResetError, web

from callfleet_rehearsal.emulator.events import Event
from callfleet_rehearsal.emulator.fault_kinds import REGISTRY, Point
from callfleet_rehearsal.emulator.faults import ANY, BadFaultError
from callfleet_rehearsal.emulator.shared import Shared

DEFAULT_WITHIN_SECONDS = 10.0


def control_app(shared: Shared) -> web.Application:
    """Build the control port's application."""
    control = _Control(shared)
    app = web.Application()
    app.router.add_get("/", control.help)
    app.router.add_get("/events", control.events)
    app.router.add_get("/sessions", control.sessions)
    app.router.add_get("/faults", control.faults)
    app.router.add_post("/faults", control.arm)
    app.router.add_delete("/faults/{fault_id:[0-9]+}", control.disarm)
    app.router.add_post("/assert", control.check)
    return app


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


class _Control:
    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def help(self, _: web.Request) -> web.Response:
        """Say what there is."""
        return _json(
            {
                "GET /events": "all events as JSON lines; ?follow=0 ends after the past ones",
                "GET /sessions": "open sessions",
                "GET /faults": "faults there are, and those that wait",
                "POST /faults": {"name": "close", "session": "next", "turn": 2, "code": 1011},
                "DELETE /faults/ID": "take a waiting fault back",
                "POST /assert": {
                    "event": "turn_complete",
                    "where": {"turn": 1},
                    "count": 1,
                    "within_seconds": DEFAULT_WITHIN_SECONDS,
                },
            }
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream events, past and coming, one JSON line each."""
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        waiting: asyncio.Queue[Event] = asyncio.Queue()
        past = self._shared.log.all()
        stop = self._shared.log.follow(waiting.put_nowait)
        try:
            await response.prepare(request)
            await response.write(b"".join(orjson.dumps(each) + b"\n" for each in past))
            while request.query.get("follow", "1") != "0":
                await response.write(orjson.dumps(await waiting.get()) + b"\n")
        except (ClientConnectionResetError, ConnectionError):
            return response
        finally:
            stop()
        return response

    async def sessions(self, _: web.Request) -> web.Response:
        """List what is open."""
        return _json([session.describe() for session in self._shared.sessions.values()])

    async def faults(self, _: web.Request) -> web.Response:
        """List the faults there are, and those armed."""
        known = {
            kind.name: {
                "help": kind.help,
                "at": kind.point.value,
                "can_strike_at": [point.value for point in kind.points],
                "settings": dict(kind.settings),
            }
            for kind in REGISTRY.values()
        }
        armed = [
            {
                "id": fault.fault_id,
                "name": fault.kind.name,
                "at": fault.point.value,
                "session": fault.session,
                "turn": fault.turn,
                "times": fault.times,
            }
            for fault in self._shared.faults.armed
        ]
        return _json({"known": known, "armed": armed})

    async def arm(self, request: web.Request) -> web.Response:
        """Arm a fault; one for ``now`` strikes the open sessions it names at once."""
        body = await _body(request)
        try:
            struck = arm_fault(self._shared, body)
        except BadFaultError as error:
            return _json({"error": str(error)}, status=400)
        return _json(struck, status=201)

    async def disarm(self, request: web.Request) -> web.Response:
        """Take a fault back."""
        gone = self._shared.faults.disarm(int(request.match_info["fault_id"]))
        return _json({"disarmed": gone}, status=200 if gone else 404)

    async def check(self, request: web.Request) -> web.Response:
        """Wait for an event; 409 if it does not happen in time."""
        body = await _body(request)
        try:
            event = await self._shared.log.wait_for(
                str(body.get("event", "")),
                seconds=float(body.get("within_seconds", DEFAULT_WITHIN_SECONDS)),
                count=int(body.get("count", 1)),
                **body.get("where", {}),
            )
        except TimeoutError as error:
            return _json({"error": str(error)}, status=409)
        return _json(event)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    return body


def arm_fault(shared: Shared, request: dict[str, Any]) -> dict[str, Any]:
    """Arm a fault, and let one for ``now`` strike.

    Raises:
        BadFaultError: there is no such fault, or it hits nobody.

    """
    fault = shared.faults.arm(request)
    answer: dict[str, Any] = {"id": fault.fault_id, "at": fault.point.value}
    if fault.point is not Point.NOW:
        return answer
    shared.faults.disarm(fault.fault_id)
    struck = [name for name in shared.sessions if fault.session in {ANY, name}]
    if not struck:
        message = f"no open session {fault.session!r}; open are {list(shared.sessions) or 'none'}"
        raise BadFaultError(message)
    for name in struck:
        shared.sessions[name].strike_now(fault.effect())
    return {**answer, "struck": struck}
