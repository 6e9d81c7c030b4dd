"""Stand in for scheduler, kubelets and nodes: pods of one namespace run as processes of this host.

It is a stand-in and no kubelet. There is no isolation, no image and no network of a pod's own: a
container is a process with the environment that its pod says, and the pod's address is one of
loopback. What it does of a kubelet's work it does strictly: secrets and fields resolved, probes
asked, containers restarted, SIGTERM, the grace period, SIGKILL, and only then the object deleted.
What it cannot do it refuses: the block ends with that error. Real kubelets run in tests/cluster.
"""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from kube_api import ApiError, KubeApi
from kube_watch import MERGE, KubeWatch
from kubelet_light import LightWorker, LightWorkers
from kubelet_nodes import POD_ADDRESSES, STAND_LABEL, choose, node
from kubelet_pod import House, PodLife, Started, Timing
from kubelet_running import Process, Running, start_process
from kubelet_spec import Image

from callfleet_rehearsal.stack.processes import Children

Object = dict[str, Any]

HOST_IP = "127.0.0.1"
_AGAIN_SECONDS = 0.2


@dataclass(frozen=True)
class Site:
    """What a stand-in is built on."""

    api: KubeApi
    namespace: str
    images: Mapping[str, Image]
    nodes: int = 2
    pods_per_node: int = 110
    children: Children | None = None
    """Who ends the processes on every way out; None: workers are light ones."""
    timing: Timing = field(default_factory=Timing)


class KubeletStand:
    """The stand-in, as tests hold it."""

    def __init__(self, site: Site, kube: KubeWatch, light: LightWorkers) -> None:
        self.site, self.kube, self.light = site, kube, light
        self.lives: dict[str, PodLife] = {}
        self.nodes: dict[str, Object] = {}
        self._lost: set[str] = set()
        self._taken_up: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[str, Object] = {}
        self._taken: Counter[str] = Counter()
        self._house: House | None = None
        self._group: asyncio.TaskGroup | None = None

    @property
    def node_names(self) -> list[str]:
        """Name the nodes; they are its own, and go with it."""
        return [f"{self.site.namespace}-{number + 1}" for number in range(self.site.nodes)]

    def process(self, pod: str) -> Process:
        """Give the process that a pod's container is."""
        running = self._life(pod).running
        assert isinstance(running, Process), f"no process runs in {pod}"
        return running

    def worker(self, pod: str) -> LightWorker:
        """Give the light worker of a pod."""
        return self.light.by_name[pod]

    def kill(self, pod: str) -> None:
        """Kill all processes of a pod's container at once; it is started again as its pod says."""
        running = self._life(pod).running
        assert running is not None, f"nothing runs in {pod}"
        running.kill()

    def running(self) -> list[str]:
        """Name the pods whose container runs."""
        return sorted(name for name, life in self.lives.items() if life.running is not None)

    def ready(self) -> list[str]:
        """Name the pods that were said to be ready."""
        return sorted(name for name, life in self.lives.items() if life.state.ready)

    async def lose_node(self, name: str) -> None:
        """Have a node be gone: what runs there ends unsaid, its object goes, its pods' stay."""
        self._lost.add(name)
        for life in [each for each in self.lives.values() if each.node == name]:
            life.cut()
        self.nodes.pop(name, None)
        await self.kube.ask("DELETE", f"/api/v1/nodes/{name}")

    async def until(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it does not.

        """
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 - whatever it is, it tells nobody
                await asyncio.sleep(_AGAIN_SECONDS / 4)

    async def work(self, house: House, group: asyncio.TaskGroup) -> None:
        """Make the nodes, and look after every pod of the namespace, for ever."""
        self._house, self._group = house, group
        await self._make_nodes()
        for each in (self._follow_nodes(), self._follow_pods(), self._place_waiting()):
            self._tasks.append(group.create_task(each))

    def stop(self) -> None:
        """End everything that runs, and look after nothing any more."""
        for task in self._tasks:
            task.cancel()
        for life in list(self.lives.values()):
            life.cut()

    async def clear(self) -> None:
        """Take the nodes away."""
        for name in self.node_names:
            with contextlib.suppress(ApiError):
                await self.kube.ask("DELETE", f"/api/v1/nodes/{name}")

    def start(self, what: Started) -> Running:
        """Start a container, as a process or as a light worker."""
        name: str = what.pod["metadata"]["name"]
        if self.site.children is None:
            return self.light.start(name, what.place.pod_ip, what.environment)
        return start_process(self.site.children, name, what.command, what.environment)

    def _life(self, pod: str) -> PodLife:
        assert pod in self.lives, f"{pod} is not among {', '.join(self.lives) or 'no pods'}"
        return self.lives[pod]

    async def _make_nodes(self) -> None:
        for name in self.node_names:
            made = node(name, self.site.namespace, HOST_IP, self.site.pods_per_node)
            await self.kube.ask("POST", "/api/v1/nodes", made)
            path = f"/api/v1/nodes/{name}"
            await self.kube.ask("PATCH", f"{path}/status", {"status": made["status"]}, MERGE)
            # It is born tainted as not ready, and who would take that away is not there.
            await self.kube.ask("PATCH", path, {"spec": {"taints": None}}, MERGE)

    async def _follow_nodes(self) -> None:
        ours = f"{STAND_LABEL}={self.site.namespace}"
        async for here, each in self.kube.follow("/api/v1/nodes", ours):
            name = each["metadata"]["name"]
            if here and name not in self._lost:
                self.nodes[name] = each
            else:
                self.nodes.pop(name, None)

    async def _follow_pods(self) -> None:
        async for here, pod in self.kube.follow(f"/api/v1/namespaces/{self.site.namespace}/pods"):
            self._note(pod, here=here)

    def _note(self, pod: Object, *, here: bool) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        self._waiting.pop(uid, None)
        life = self.lives.get(name)
        if life is not None and life.uid == uid:
            if here:
                life.seen(pod)
            else:
                life.vanished()
        elif here and uid not in self._taken_up:
            if not pod["spec"].get("nodeName"):
                self._waiting[uid] = pod
            elif pod["spec"]["nodeName"] in self.nodes:
                self._take_up(pod)

    async def _place_waiting(self) -> None:
        while True:
            for pod in list(self._waiting.values()):
                most = self.site.pods_per_node
                chosen = choose(pod, self.nodes.values(), self._taken, most)
                if chosen is not None:
                    await self._bind(pod, chosen)
            await asyncio.sleep(_AGAIN_SECONDS / 4)

    async def _bind(self, pod: Object, chosen: str) -> None:
        metadata = {"name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        path = f"/api/v1/namespaces/{self.site.namespace}/pods/{metadata['name']}/binding"
        target = {"apiVersion": "v1", "kind": "Node", "name": chosen}
        self._waiting.pop(metadata["uid"], None)
        self._taken[chosen] += 1
        try:
            await self.kube.ask("POST", path, {"metadata": metadata, "target": target})
        except ApiError as error:
            # Deleted meanwhile, or bound already: the watch says which. Or the server is busy.
            self._taken[chosen] -= 1
            if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                self._waiting.setdefault(metadata["uid"], pod)

    def _take_up(self, pod: Object) -> None:
        assert self._house is not None
        assert self._group is not None
        chosen: str = pod["spec"]["nodeName"]
        life = PodLife(self._house, pod, chosen, (HOST_IP, next(POD_ADDRESSES)))
        self.lives[life.name] = life
        self._taken_up.add(life.uid)
        life.task = self._group.create_task(self._live(life))

    async def _live(self, life: PodLife) -> None:
        if self.site.children is None:
            await self.light.open(life.place.pod_ip)
        try:
            await life.run()
        finally:
            self._taken[life.node] -= 1
            await self.light.close(life.place.pod_ip)
            if self.lives.get(life.name) is life:
                del self.lives[life.name]


@contextlib.asynccontextmanager
async def kubelet_stand(site: Site) -> AsyncIterator[KubeletStand]:
    """Stand in for everything that runs pods, while the block runs.

    Raises:
        ExceptionGroup: a pod asked for what the stand-in cannot do, or the stand-in has a fault.

    """
    async with contextlib.AsyncExitStack() as stack:
        kube = await stack.enter_async_context(KubeWatch(site.api, "kubelet-stand"))
        session = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
        light = await stack.enter_async_context(LightWorkers())
        stand = KubeletStand(site, kube, light)
        # Sockets lie in folders of pods, and a socket's path may not be long.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pods-")))
        stack.push_async_callback(stand.clear)
        house = House(kube, session, site.images, stand.start, folder, site.timing)
        async with asyncio.TaskGroup() as group:
            await stand.work(house, group)
            try:
                yield stand
            finally:
                stand.stop()
