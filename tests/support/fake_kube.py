"""An API server as small as it can be: it lists, watches, writes and refuses as the real one does.

What it does not do is judge: no schema, no rights. ``tests/api`` asks the real one.
"""

import asyncio
import copy
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from fake_kinds import KINDS, Kind, discovery, kind_of, refusal, route

Thing = dict[str, Any]
Fault = Callable[[web.Request], web.StreamResponse | None]


@dataclass(slots=True)
class Write:
    """One request that changed something."""

    method: str
    plural: str
    name: str
    body: Thing
    code: int


@dataclass(slots=True)
class _Change:
    version: int
    kind: Kind
    type: str
    thing: Thing


@dataclass(slots=True)
class FakeKube:
    """The server. ``faults`` are asked first, in order, of each request."""

    url: str = ""
    version: int = 100
    things: dict[Kind, dict[tuple[str, str], Thing]] = field(default_factory=dict)
    changes: list[_Change] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    ahead_seconds: float = 0.0
    """How far its clock is ahead of everybody else's."""
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    def of(self, plural: str) -> list[Thing]:
        """Give all things of a kind."""
        return [
            thing
            for kind, named in self.things.items()
            if kind[2] == plural
            for thing in named.values()
        ]

    def one(self, plural: str, name: str) -> Thing:
        """Give one thing by its name."""
        return next(one for one in self.of(plural) if one["metadata"]["name"] == name)

    async def put(self, plural: str, thing: Thing) -> Thing:
        """Make or change a thing behind the back of everybody."""
        kind = kind_of(plural)
        meta = thing["metadata"]
        place = (meta.get("namespace", ""), meta["name"])
        is_new = place not in self.things.get(kind, {})
        return await self._keep(kind, place, thing, "ADDED" if is_new else "MODIFIED")

    async def remove(self, plural: str, name: str) -> None:
        """Take a thing away."""
        kind = kind_of(plural)
        for place in list(self.things.get(kind, {})):
            if place[1] == name:
                await self._drop(kind, place)

    def hide(self, plural: str, thing: Thing) -> None:
        """Have a thing be there, and every watch be late."""
        self.version += 1
        meta = {**thing["metadata"], "resourceVersion": str(self.version), "uid": "hidden"}
        place = (meta.get("namespace", ""), meta["name"])
        self.things.setdefault(kind_of(plural), {})[place] = {**thing, "metadata": meta}

    def lose(self, plural: str, name: str) -> None:
        """Take a thing away, and have every watch miss it."""
        self.version += 1
        named = self.things[kind_of(plural)]
        for place in [place for place in named if place[1] == name]:
            del named[place]

    async def _keep(self, kind: Kind, place: tuple[str, str], thing: Thing, change: str) -> Thing:
        self.version += 1
        thing = copy.deepcopy(thing)
        meta = thing["metadata"]
        before = self.things.get(kind, {}).get(place)
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", self._now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        meta["resourceVersion"] = str(self.version)
        spec_before = before.get("spec") if before else None
        if before is None or spec_before != thing.get("spec"):
            meta["generation"] = (before["metadata"].get("generation", 0) if before else 0) + 1
        thing.setdefault("kind", KINDS[kind][0])
        group = f"{kind[0]}/" if kind[0] else ""
        thing.setdefault("apiVersion", f"{group}{kind[1]}")
        self.things.setdefault(kind, {})[place] = thing
        await self._tell(kind, change, thing)
        return thing

    async def _drop(self, kind: Kind, place: tuple[str, str]) -> None:
        self.version += 1
        thing = copy.deepcopy(self.things[kind].pop(place))
        thing["metadata"]["resourceVersion"] = str(self.version)
        await self._tell(kind, "DELETED", thing)

    async def _tell(self, kind: Kind, change: str, thing: Thing) -> None:
        async with self.moved:
            self.changes.append(_Change(self.version, kind, change, copy.deepcopy(thing)))
            self.moved.notify_all()

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead_seconds)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        self.requests.append(f"{request.method} {request.path}?{unquote(request.query_string)}")
        if request.path == "/version":
            return web.json_response(
                {}, headers={"Date": format_datetime(self._now(), usegmt=True)}
            )
        for fault in self.faults:
            refused = fault(request)
            if refused is not None:
                return refused
        found = route(request.path)
        if found is None:
            return discovery(request.path)
        if request.method == "GET":
            return await self._read(request, *found[:3])
        return await self._change(request, found)

    async def _read(
        self, request: web.Request, kind: Kind, namespace: str, name: str
    ) -> web.StreamResponse:
        if name:
            thing = self.things.get(kind, {}).get((namespace, name))
            return web.json_response(thing) if thing else refusal(404, "NotFound")
        if request.query.get("watch") == "true":
            return await self._watch(request, kind, namespace)
        return self._list(request, kind, namespace)

    async def _change(
        self, request: web.Request, found: tuple[Kind, str, str, str]
    ) -> web.StreamResponse:
        kind, namespace, name, sub = found
        body = await request.json() if request.can_read_body else {}
        response = await self._write(request, kind, (namespace, name or ""), sub, body)
        made = name or body.get("metadata", {}).get("name", "")
        self.writes.append(Write(request.method, kind[2], made, body, response.status))
        return response

    def _list(self, request: web.Request, kind: Kind, namespace: str) -> web.Response:
        items = [
            thing
            for (where, _), thing in self.things.get(kind, {}).items()
            if namespace in ("", where) and _selected(request, thing)
        ]
        meta = {"resourceVersion": str(self.version)}
        return web.json_response(
            {"kind": f"{KINDS[kind][0]}List", "apiVersion": "v1", "metadata": meta, "items": items}
        )

    async def _watch(self, request: web.Request, kind: Kind, namespace: str) -> web.StreamResponse:
        if not request.query.get("timeoutSeconds", "1").isdecimal():
            return refusal(400, "BadRequest", "timeoutSeconds is no whole number")
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        since = int(request.query.get("resourceVersion") or self.version)
        position = 0
        try:
            while True:
                async with self.moved:
                    while len(self.changes) <= position:
                        await self.moved.wait()
                    news, position = self.changes[position:], len(self.changes)
                for one in news:
                    where = one.thing["metadata"].get("namespace", "")
                    if (
                        one.version > since
                        and one.kind == kind
                        and namespace in ("", where)
                        and _selected(request, one.thing)
                    ):
                        line = {"type": one.type, "object": one.thing}
                        await response.write(json.dumps(line).encode() + b"\n")
        except ConnectionError:
            return response

    async def _write(
        self,
        request: web.Request,
        kind: Kind,
        place: tuple[str, str],
        sub: str,
        body: Thing,
    ) -> web.Response:
        there = self.things.get(kind, {}).get(place)
        if request.method == "POST":
            place = (place[0], body["metadata"]["name"])
            if place in self.things.get(kind, {}):
                return refusal(409, "AlreadyExists", f"{place[1]} already exists")
            body["metadata"].setdefault("namespace", place[0])
            return web.json_response(await self._keep(kind, place, body, "ADDED"), status=201)
        if there is None:
            return refusal(404, "NotFound", f"{place[1]} not found")
        wanted = body.get("preconditions") or body.get("metadata") or {}
        for fact in ("uid", "resourceVersion"):
            if fact in wanted and wanted[fact] not in (None, there["metadata"][fact]):
                return refusal(409, "Conflict", f"{fact} is {there['metadata'][fact]}")
        if request.method == "DELETE":
            return await self._delete(kind, place, there, body)
        changed = body if request.method == "PUT" else _merged(there, body)
        if sub == "status":
            changed = {**there, "status": changed.get("status")}
        return web.json_response(await self._keep(kind, place, changed, "MODIFIED"))

    async def _delete(
        self, kind: Kind, place: tuple[str, str], there: Thing, body: Thing
    ) -> web.Response:
        grace = body.get(
            "gracePeriodSeconds", there.get("spec", {}).get("terminationGracePeriodSeconds", 0)
        )
        if kind[2] == "pods" and grace and there.get("spec", {}).get("nodeName"):
            meta = {**there["metadata"], "deletionGracePeriodSeconds": grace}
            meta.setdefault("deletionTimestamp", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
            return web.json_response(
                await self._keep(kind, place, {**there, "metadata": meta}, "MODIFIED")
            )
        await self._drop(kind, place)
        return web.json_response(there)


@asynccontextmanager
async def fake_kube() -> AsyncIterator[FakeKube]:
    """Run one on a free port of loopback."""
    kube = FakeKube()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", kube.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    kube.url = f"http://{host}:{port}"
    try:
        yield kube
    finally:
        await runner.cleanup()


def _selected(request: web.Request, thing: Thing) -> bool:
    labels = thing["metadata"].get("labels") or {}
    for part in filter(None, request.query.get("labelSelector", "").split(",")):
        key, _, value = part.partition("=")
        if key not in labels or (value and labels[key] != value.lstrip("=")):
            return False
    return True


def _merged(there: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(there) if isinstance(there, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
