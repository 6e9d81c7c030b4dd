"""The kubelet of a fake API server: it runs a light worker for each pod."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from fake_kube import FakeKube
from kubelet_light import LightWorker, LightWorkers
from kubelet_nodes import POD_ADDRESSES

from callfleet_contract.admission import Refusal, encode

_CONTAINER = {"name": "worker", "image": "w", "imageID": "", "ready": False, "restartCount": 0}
_READY = {"conditions": [{"type": "Ready", "status": "True"}]}


@dataclass
class LightKubelet:
    """The kubelet: pods get their worker, and end when their calls have."""

    kube: FakeKube
    light: LightWorkers
    node: str = "node1"
    """Where pods are put from now on."""
    _addresses: dict[str, str] = field(default_factory=dict)
    _disobeyed: dict[str, int] = field(default_factory=dict)

    def of(self, fleet: str) -> list[LightWorker]:
        """Give the workers of a fleet's pods, by name."""
        return [
            self.light.by_name[name]
            for name in sorted(pod["metadata"]["name"] for pod in self.kube.of("pods"))
            if name.startswith(f"{fleet}-") and name in self.light.by_name
        ]

    def of_pod(self, pod: dict[str, Any]) -> LightWorker:
        """Give the worker of a pod."""
        return self.light.by_name[pod["metadata"]["name"]]

    def restart(self, worker: LightWorker) -> None:
        """Have its container killed and started again: its calls are lost."""
        name = next(name for name, one in self.light.by_name.items() if one is worker)
        worker.kill()
        self.light.start(name, self._addresses[name], _environment(self.kube.one("pods", name)))

    def take_over(self, worker: LightWorker, pod_uid: str) -> None:
        """Have the worker of another pod answer at its address."""
        name = next(name for name, one in self.light.by_name.items() if one is worker)
        told = _environment(self.kube.one("pods", name))
        worker.kill()
        self.light.start(
            name, self._addresses[name], {**told, "CALLFLEET_ADMISSION__POD_UID": pod_uid}
        )

    def disobey(self, worker: LightWorker) -> None:
        """Have it refuse all orders."""
        boot = worker.report.boot_id

        def refuse(body: bytes) -> web.Response:
            assert body
            self._disobeyed[boot] = self._disobeyed.get(boot, 0) + 1
            return web.Response(status=507, body=encode(Refusal("no room", worker.next_report())))

        worker.ordered = refuse  # type: ignore[method-assign]  # of this one alone

    def obey(self, worker: LightWorker) -> None:
        """Have it obey again."""
        worker.__dict__.pop("ordered", None)

    def disobeyed(self, worker: LightWorker) -> int:
        """Say how many orders it refused."""
        return self._disobeyed.get(worker.report.boot_id, 0)

    async def run(self) -> None:
        """Look after pods until cancelled."""
        while True:
            for pod in list(self.kube.of("pods")):
                await self._see_to(pod)
            names = {pod["metadata"]["name"] for pod in self.kube.of("pods")}
            for name in [name for name in self._addresses if name not in names]:
                self.light.by_name.pop(name).kill()
                await self.light.close(self._addresses.pop(name))
            await asyncio.sleep(0.02)

    async def _see_to(self, pod: dict[str, Any]) -> None:
        name = pod["metadata"]["name"]
        ends = "deletionTimestamp" in pod["metadata"]
        if name not in self._addresses:
            if not ends:
                await self._start(pod)
        elif ends:
            worker = self.light.by_name[name]
            if not worker.report.draining:
                worker.terminate()
            if worker.report.calls == 0:
                await self._end(pod)

    async def _end(self, pod: dict[str, Any]) -> None:
        """Say how it ended, then take it away."""
        container = {**_CONTAINER, "state": {"terminated": {"exitCode": 0}}}
        status = {**pod["status"], "conditions": [], "containerStatuses": [container]}
        await self.kube.put("pods", {**pod, "status": status})
        await asyncio.sleep(0.05)
        await self.kube.remove("pods", pod["metadata"]["name"])

    async def _start(self, pod: dict[str, Any]) -> None:
        name, address = pod["metadata"]["name"], next(POD_ADDRESSES)
        self._addresses[name] = address
        await self.light.open(address)
        self.light.start(name, address, _environment(pod))
        running = {**_CONTAINER, "ready": True, "state": {"running": {}}}
        status = {**_READY, "phase": "Running", "podIP": address, "containerStatuses": [running]}
        spec = {**pod["spec"], "nodeName": self.node}
        await self.kube.put("pods", {**pod, "spec": spec, "status": status})


def _environment(pod: dict[str, Any]) -> dict[str, str]:
    told = {one["name"]: one.get("value", "") for one in pod["spec"]["containers"][0]["env"]}
    return {**told, "CALLFLEET_ADMISSION__POD_UID": pod["metadata"]["uid"]}


@asynccontextmanager
async def light_kubelet(kube: FakeKube) -> AsyncIterator[LightKubelet]:
    """Run a kubelet with one ready node."""
    async with LightWorkers() as light:
        kubelet = LightKubelet(kube, light)
        node = {"metadata": {"name": kubelet.node}, "spec": {}, "status": _READY}
        await kube.put("nodes", node)
        running = asyncio.create_task(kubelet.run())
        try:
            yield kubelet
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
