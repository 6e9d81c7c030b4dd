"""Workers that are no process: they answer on the admission port, and take calls when told to.

For many pods at once. What they say and which orders they obey is as the contract has it, for the
operator can be measured only against workers that are as strict as real ones.
"""

import asyncio
import contextlib
import resource
import uuid
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from callfleet_contract.admission import (
    CORDON_PATH,
    HEARTBEAT_SECONDS,
    WATCH_PATH,
    Refusal,
    Report,
    WireError,
    encode,
    read_order,
)
from callfleet_contract.fleet.names import ADMISSION_PORT
from callfleet_contract.signing import CORDON, HEADER, WATCH, is_signed, read_public_key

_TERMINATED = 0
_KILLED = 137


class LightWorker:
    """One worker: what it says of itself, and how it is told what happens to it."""

    asks_probes = False

    def __init__(self, told: Mapping[str, str], kept: dict[str, Any]) -> None:
        """Begin a boot; ``kept`` outlives it, as the volume of its pod does."""
        keys = told.get("CALLFLEET_ADMISSION__PUBLIC_KEYS", "")
        self.keys = [read_public_key(key) for key in keys.split(",") if key.strip()]
        self._kept = kept
        self._report = Report(
            pod_uid=told.get("CALLFLEET_ADMISSION__POD_UID", ""),
            boot_id=uuid.uuid4().hex,
            sequence=0,
            epoch=kept.get("epoch", 0),
            cordoned=kept.get("cordoned", False),
            registered=True,
            draining=False,
            slots=int(told.get("CALLFLEET_SLOTS", "10")),
            reserved=0,
            active=0,
            accepted_total=0,
            ended_total=0,
            refused_total=0,
            cut_total=0,
            call_seconds_total=0.0,
        )
        self._ends_calls = False
        self._changed = asyncio.Event()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._speaks = asyncio.Event()
        self._speaks.set()

    @property
    def report(self) -> Report:
        """What it says of itself now."""
        return self._report

    def hang(self) -> None:
        """Say nothing more, and answer nothing."""
        self._speaks.clear()

    def recover(self) -> None:
        """Go on after a hang."""
        self._speaks.set()

    async def speaks(self) -> None:
        """Wait until it does not hang."""
        await self._speaks.wait()

    def call(self, calls: int = 1) -> int:
        """Have calls come; give how many found a slot. A full worker is not asked."""
        taken = min(calls, self._report.free)
        self.say(
            active=self._report.active + taken,
            accepted_total=self._report.accepted_total + taken,
        )
        return taken

    def hang_up(self, calls: int = 1, seconds: float = 60.0) -> None:
        """Have calls end that lasted so long."""
        ending = min(calls, self._report.active)
        self.say(
            active=self._report.active - ending,
            ended_total=self._report.ended_total + ending,
            call_seconds_total=self._report.call_seconds_total + ending * seconds,
        )
        self._end_where_drained()

    def say(self, **facts: Any) -> None:
        """Have it say something else of itself, true or not."""
        self._report = replace(self._report, **facts)
        self._tell()

    async def ended(self) -> int:
        """Wait until it has ended."""
        return await self._ended

    def terminate(self) -> None:
        """Take no more calls, and end with the last; at once with those that had their time."""
        if self._ends_calls:
            cut = self._report.calls
            ended = self._report.ended_total + cut
            cut += self._report.cut_total
            self.say(reserved=0, active=0, ended_total=ended, cut_total=cut)
        self.say(draining=True)
        self._end_where_drained()

    def kill(self) -> None:
        """End, with all calls."""
        self._end(_KILLED)

    def remove(self) -> None:
        """Do nothing: nothing of it is left."""

    def next_report(self) -> Report:
        """Make a report; each has a higher number than the one before."""
        self._report = replace(self._report, sequence=self._report.sequence + 1)
        return self._report

    async def watched(self, response: web.StreamResponse) -> None:
        """Tell every change, and that it lives, until it ends; that, too, if it ends by itself."""
        while not self._ended.done():
            changed = self._changed
            await self.speaks()
            await response.write(encode(self.next_report()) + b"\n")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), HEARTBEAT_SECONDS)
        if self._ended.result() == _TERMINATED:
            await response.write(encode(self.next_report()) + b"\n")

    def ordered(self, body: bytes) -> web.Response:
        """Obey an order, or say why not."""
        try:
            order = read_order(body)
        except WireError as error:
            return _answer(400, Refusal(f"this is no order: {error}"))
        now = self._report
        stands = order.epoch == now.epoch and order.cordon is now.cordoned
        if order.pod_uid != now.pod_uid or (order.epoch <= now.epoch and not stands):
            asked = f"epoch {order.epoch} for {order.pod_uid}"
            why = f"{asked}: this is {now.pod_uid}, and {now.epoch} was obeyed already"
            return _answer(409, Refusal(why, self.next_report()))
        self._ends_calls = order.ends_calls or (stands and self._ends_calls)
        if not stands:
            self._kept.update(epoch=order.epoch, cordoned=order.cordon)
            self.say(epoch=order.epoch, cordoned=order.cordon)
        return _answer(200, self.next_report())

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _end_where_drained(self) -> None:
        if self._report.draining and self._report.calls == 0:
            self._end(_TERMINATED)

    def _end(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)
        self._speaks.set()
        self._tell()


class LightWorkers:
    """All of them, each at its pod's own loopback address."""

    def __init__(self) -> None:
        self.by_name: dict[str, LightWorker] = {}
        self._by_address: dict[str, LightWorker] = {}
        self._kept: dict[str, dict[str, Any]] = {}
        self._sites: dict[str, web.TCPSite] = {}
        app = web.Application()
        app.router.add_get(WATCH_PATH, self._watch, allow_head=False)
        app.router.add_post(CORDON_PATH, self._order)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        # Two sockets a worker: a thousand of them are more than most shells allow at first.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        await self._runner.setup()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self.by_name.values():
            worker.kill()
        await self._runner.cleanup()

    async def open(self, address: str) -> None:
        """Listen at an address, for whichever worker is there."""
        site = web.TCPSite(self._runner, address, ADMISSION_PORT)
        await site.start()
        self._sites[address] = site

    async def close(self, address: str) -> None:
        """Listen there no more."""
        self._by_address.pop(address, None)
        site = self._sites.pop(address, None)
        if site is not None:
            await site.stop()

    def start(self, name: str, address: str, told: Mapping[str, str]) -> LightWorker:
        """Start the worker of a pod."""
        uid = told.get("CALLFLEET_ADMISSION__POD_UID", name)
        worker = LightWorker(told, self._kept.setdefault(uid, {}))
        self.by_name[name] = self._by_address[address] = worker
        return worker

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        worker = self._at(request)
        _let_in(worker, request, WATCH, worker.report.pod_uid.encode())
        response = web.StreamResponse()
        response.force_close()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await worker.watched(response)
        return response

    async def _order(self, request: web.Request) -> web.Response:
        worker, body = self._at(request), await request.read()
        await worker.speaks()
        _let_in(worker, request, CORDON, body)
        return worker.ordered(body)

    def _at(self, request: web.Request) -> LightWorker:
        transport = request.transport
        address = transport.get_extra_info("sockname")[0] if transport is not None else ""
        worker = self._by_address.get(address)
        if worker is None:
            raise web.HTTPServiceUnavailable
        return worker


def _let_in(worker: LightWorker, request: web.Request, purpose: str, signed: bytes) -> None:
    if not is_signed(worker.keys, purpose, signed, request.headers.get(HEADER, "")):
        told = encode(Refusal("the signature is not the operator's"))
        raise web.HTTPUnauthorized(text=told.decode())


def _answer(status: int, message: Report | Refusal) -> web.Response:
    return web.Response(status=status, body=encode(message) + b"\n")
