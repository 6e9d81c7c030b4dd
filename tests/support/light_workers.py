"""Workers that only answer on the admission port, and a kubelet that starts one for each pod.

A thousand of them cost what one worker costs. Calls are set from outside.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from fake_kube import FakeKube

from callfleet_contract import signing
from callfleet_contract.admission import (
    CORDON_PATH,
    WATCH_PATH,
    Refusal,
    Report,
    encode,
    read_order,
)

_ADDRESSES = itertools.count(1)
_BOOTS = itertools.count(1)


@dataclass(slots=True)
class LightWorker:
    """One worker. Change it with ``say``; with ``silent`` it says nothing any more."""

    address: str
    port: int
    report: Report
    keys: tuple[str, ...] = ()
    silent: bool = False
    disobeys: bool = False
    orders: list[Any] = field(default_factory=list)
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None

    async def say(self, **facts: Any) -> None:
        """Report something else from now on."""
        async with self.moved:
            self.report = replace(self.report, sequence=self.report.sequence + 1, **facts)
            self.moved.notify_all()

    async def take(self, calls: int) -> None:
        """Take so many calls more."""
        now = self.report
        await self.say(active=now.active + calls, accepted_total=now.accepted_total + calls)

    async def end(self, calls: int, seconds: float = 60.0) -> None:
        """End so many calls as callers do."""
        now = self.report
        await self.say(
            active=now.active - calls,
            ended_total=now.ended_total + calls,
            call_seconds_total=now.call_seconds_total + calls * seconds,
        )

    async def restart(self) -> None:
        """Have its container killed and started again: its calls are lost."""
        async with self.moved:
            fresh = _report(self.report.pod_uid, self.report.slots)
            self.report = replace(fresh, epoch=self.report.epoch, cordoned=self.report.cordoned)
            self.moved.notify_all()

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.add_routes([web.get(WATCH_PATH, self._watch), web.post(CORDON_PATH, self._cordon)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.address, self.port).start()

    async def stop(self) -> None:
        """Be gone."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        if not self._is_signed(request, signing.WATCH, self.report.pod_uid.encode()):
            return web.Response(status=401, body=encode(Refusal("not signed")))
        response = web.StreamResponse()
        await response.prepare(request)
        told = -1
        with suppress(ConnectionError):
            while True:
                if not self.silent:
                    now = replace(self.report, sequence=max(self.report.sequence, told + 1))
                    self.report, told = now, now.sequence
                    await response.write(encode(now) + b"\n")
                async with self.moved:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.moved.wait(), 1.0)
        return response

    async def _cordon(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._is_signed(request, signing.CORDON, body):
            return web.Response(status=401, body=encode(Refusal("not signed")))
        order = read_order(body)
        self.orders.append(order)
        if self.disobeys:
            return web.Response(status=507, body=encode(Refusal("no room", self.report)))
        if order.pod_uid != self.report.pod_uid or order.epoch < self.report.epoch:
            return web.Response(status=409, body=encode(Refusal("not newer", self.report)))
        await self.say(epoch=order.epoch, cordoned=order.cordon)
        return web.Response(body=encode(self.report))

    def _is_signed(self, request: web.Request, purpose: str, body: bytes) -> bool:
        keys = [signing.read_public_key(key) for key in self.keys]
        return signing.is_signed(keys, purpose, body, request.headers.get(signing.HEADER, ""))


def _report(pod_uid: str, slots: int) -> Report:
    return Report(
        pod_uid=pod_uid,
        boot_id=f"boot-{next(_BOOTS)}",
        sequence=1,
        epoch=0,
        cordoned=False,
        registered=True,
        draining=False,
        slots=slots,
        reserved=0,
        active=0,
        accepted_total=0,
        ended_total=0,
        refused_total=0,
        cut_total=0,
        call_seconds_total=0.0,
    )


@dataclass(slots=True)
class LightKubelet:
    """Runs a light worker for each pod of a fake API server; pods end when their calls have."""

    kube: FakeKube
    node: str = "node1"
    starts: bool = True
    """Whether new pods get a worker."""
    workers: dict[str, LightWorker] = field(default_factory=dict)

    def of(self, fleet: str) -> list[LightWorker]:
        """Give the workers of a fleet's pods, by name."""
        pods = sorted(self.kube.of("pods"), key=lambda pod: str(pod["metadata"]["name"]))
        return [
            self.workers[pod["metadata"]["uid"]]
            for pod in pods
            if pod["metadata"]["labels"]["callfleet.dev/fleet"] == fleet
            and pod["metadata"]["uid"] in self.workers
        ]

    async def run(self) -> None:
        """Do so until cancelled."""
        while True:
            for pod in list(self.kube.of("pods")):
                await self._see_to(pod)
            uids = {pod["metadata"]["uid"] for pod in self.kube.of("pods")}
            for uid in [uid for uid in self.workers if uid not in uids]:
                await self.workers.pop(uid).stop()
            await asyncio.sleep(0.02)

    async def _see_to(self, pod: dict[str, Any]) -> None:
        meta = pod["metadata"]
        worker = self.workers.get(meta["uid"])
        if worker is None and self.starts and "deletionTimestamp" not in meta:
            self.workers[meta["uid"]] = await self._start(pod)
        elif worker is not None and "deletionTimestamp" in meta:
            if not worker.report.draining:
                await worker.say(draining=True)
            if worker.report.calls == 0:
                await asyncio.sleep(0.05)
                await self.kube.remove("pods", meta["name"])

    async def _start(self, pod: dict[str, Any]) -> LightWorker:
        number = next(_ADDRESSES)
        address = f"127.1.{number // 250}.{number % 250 + 1}"
        container = pod["spec"]["containers"][0]
        env = {one["name"]: one.get("value", "") for one in container["env"]}
        port = next(one["containerPort"] for one in container["ports"] if one["name"] != "http")
        worker = LightWorker(
            address,
            port,
            _report(pod["metadata"]["uid"], int(env["CALLFLEET_SLOTS"])),
            tuple(env["CALLFLEET_ADMISSION__PUBLIC_KEYS"].split(",")),
        )
        await worker.start()
        status = {
            "phase": "Running",
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {
                    "name": "worker",
                    "image": "worker",
                    "imageID": "",
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {}},
                }
            ],
        }
        await self.kube.put(
            "pods", {**pod, "spec": {**pod["spec"], "nodeName": self.node}, "status": status}
        )
        return worker

    async def stop(self) -> None:
        """End all workers."""
        for worker in self.workers.values():
            await worker.stop()


@asynccontextmanager
async def light_kubelet(kube: FakeKube) -> AsyncIterator[LightKubelet]:
    """Run a kubelet with one ready node."""
    kubelet = LightKubelet(kube)
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    await kube.put("nodes", {"metadata": {"name": kubelet.node}, "spec": {}, "status": ready})
    running = asyncio.create_task(kubelet.run())
    try:
        yield kubelet
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await kubelet.stop()
