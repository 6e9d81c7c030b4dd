"""A namespace with workers that only answer, an operator, and what a person sees of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control_plane import ControlPlane
from fleets import IMAGE, create_fleet, fleets_path
from kube_api import ApiError
from kubelet_light import LightWorker
from kubelet_spec import Image
from kubelet_stand import KubeletStand, Site, kubelet_stand
from operator_process import OperatorProcess, Operators

from callfleet_rehearsal.stack.processes import Children

Object = dict[str, Any]
_LEASE = "callfleet-operator"
MANUAL = {"mode": "Manual", "syncSeconds": 1}


@dataclass
class OperatorCluster:
    """All of it."""

    plane: ControlPlane
    namespace: str
    kubelet: KubeletStand
    operators: Operators

    def start(self, **env: str) -> OperatorProcess:
        """Start an operator."""
        return self.operators.start(**env)

    async def ask(self, *asked: Any) -> Object:
        """Ask the API server."""
        return await asyncio.to_thread(self.plane.ask, *asked)

    async def create(self, name: str = "support", **spec: Any) -> Object:
        """Make a fleet whose size is decided by hand, unless said otherwise."""
        rollout = {"minReadySeconds": 0}
        told = {"autoscaling": MANUAL, "replicas": 1, "rollout": rollout, **spec}
        made: Object = await asyncio.to_thread(
            lambda: create_fleet(self.plane, self.namespace, name, **told)
        )
        return made

    async def change(self, name: str = "support", **spec: Any) -> None:
        """Change a fleet as its user does."""
        path = fleets_path(self.namespace, name)
        await asyncio.to_thread(self.plane.merge, path, {"spec": spec})

    async def status(self, name: str = "support") -> Object:
        """Give a fleet's status."""
        told = await self.ask("GET", fleets_path(self.namespace, name))
        return dict(told.get("status") or {})

    async def things(self, path: str) -> list[Object]:
        """List something of the namespace: ``api/v1`` and ``pods``, say."""
        group, _, plural = path.rpartition("/")
        told = await self.ask("GET", f"/{group}/namespaces/{self.namespace}/{plural}")
        return list(told["items"])

    async def pods(self) -> list[Object]:
        """Give the pods that nobody deletes."""
        found = await self.things("api/v1/pods")
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]

    async def workers(self) -> list[LightWorker]:
        """Give the workers of those pods, by name."""
        names = sorted(str(one["metadata"]["name"]) for one in await self.pods())
        return [self.kubelet.worker(name) for name in names if name in self.kubelet.light.by_name]

    async def says(self, what: str, *, to_be: object, name: str = "support") -> None:
        """Wait until a fleet's status says something."""

        async def it_does() -> bool:
            return (await self.status(name)).get(what) == to_be

        await self.until(it_does, f"{what} of {name} is {to_be}")

    async def has_pods(self, number: int) -> None:
        """Wait until so many pods are left, those that end included."""

        async def it_has() -> bool:
            return len(await self.things("api/v1/pods")) == number

        await self.until(it_has, f"there are {number} pods")

    async def until(
        self, holds: Callable[[], Awaitable[bool]], what: str, seconds: float = 90.0
    ) -> None:
        """Wait until something holds."""
        try:
            async with asyncio.timeout(seconds):
                while not await holds():  # noqa: ASYNC110 - the API server is asked, as people do
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            told = await self.things("apis/callfleet.dev/v1alpha1/voicefleets")
            message = f"it never came to be that {what}: {[one.get('status') for one in told]}"
            raise AssertionError(message) from error

    async def let_the_next_lead(self) -> None:
        """Take the lease away, so that nobody has to wait for the end of its term."""
        with contextlib.suppress(ApiError):
            path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{_LEASE}"
            await self.ask("DELETE", path)


Clustered = Callable[[], contextlib.AbstractAsyncContextManager[OperatorCluster]]


@contextlib.asynccontextmanager
async def operator_cluster(
    plane: ControlPlane,
    namespace: str,
    children: Children,
    folder: Path,
    worker: Image | None = None,
) -> AsyncIterator[OperatorCluster]:
    """Set it up; no operator runs until one is started. ``worker`` has pods run as processes."""
    images = {IMAGE: worker or Image(("no", "program"))}
    processes = children if worker is not None else None
    site = Site(plane, namespace, images, pods_per_node=1000, children=processes)
    operators = Operators(children, namespace, plane.kubeconfig, folder)
    async with kubelet_stand(site) as kubelet:
        try:
            yield OperatorCluster(plane, namespace, kubelet, operators)
        finally:
            await asyncio.to_thread(operators.stop_all)
