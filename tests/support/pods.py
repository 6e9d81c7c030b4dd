"""Write pods of one container, and see what becomes of them, for tests of what runs pods."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
from kube_api import ApiError, KubeApi
from kubelet_stand import KubeletStand

IMAGE = "registry.invalid/script:1"


def pod(name: str = "one", grace_seconds: int = 30, **container: Any) -> dict[str, Any]:
    """Write a pod whose container is ready as soon as it serves."""
    ready = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": grace_seconds,
            "containers": [
                {
                    "name": "worker",
                    "image": IMAGE,
                    "ports": [{"name": "http", "containerPort": 8081}],
                    "readinessProbe": ready,
                    **container,
                }
            ],
        },
    }


class Pods:
    """A stand-in, and the pods of its namespace."""

    def __init__(self, plane: KubeApi, namespace: str, stand: KubeletStand) -> None:
        self.plane, self.namespace, self.stand = plane, namespace, stand
        self.path = f"/api/v1/namespaces/{namespace}/pods"

    async def make(self, **told: Any) -> None:
        await self._ask("POST", self.path, pod(**told))

    async def make_secret(self, name: str, **values: str) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        await self._ask("POST", path, {"metadata": {"name": name}, "stringData": values})

    async def get(self, name: str = "one") -> dict[str, Any]:
        return await self._ask("GET", f"{self.path}/{name}")

    async def delete(self, name: str = "one", grace_seconds: int | None = None) -> None:
        options = {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
        await self._ask("DELETE", f"{self.path}/{name}", options)

    async def container(self, name: str = "one") -> dict[str, Any]:
        statuses = (await self.get(name))["status"].get("containerStatuses", [{}])
        return dict(statuses[0])

    async def ready(self, name: str = "one") -> None:
        await self.stand.until(lambda: name in self.stand.ready())

    async def gone(self, name: str = "one") -> None:
        await self.until(lambda: self._is_gone(name))

    async def waits(self, reason: str, name: str = "one") -> str:
        """Wait until a container waits for this reason, and give its sentence."""
        said = ""

        async def it_does() -> bool:
            nonlocal said
            waiting = (await self.container(name)).get("state", {}).get("waiting", {})
            said = waiting.get("message", "")
            return bool(waiting.get("reason") == reason)

        await self.until(it_does)
        return said

    async def come_to(self, field: str, *, to: object, name: str = "one") -> None:
        """Wait until a container's status says this."""

        async def it_does() -> bool:
            return (await self.container(name)).get(field) == to

        await self.until(it_does)

    async def until(self, holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(seconds):
            while not await holds():  # noqa: ASYNC110 - the API server is asked, as people do
                await asyncio.sleep(0.05)

    async def says(self, path: str, name: str = "one") -> dict[str, str]:
        ip = (await self.get(name))["status"]["podIP"]
        async with aiohttp.ClientSession() as session, session.get(f"http://{ip}:8081{path}") as it:
            told: dict[str, str] = json.loads(await it.read())
            return told

    async def _is_gone(self, name: str) -> bool:
        try:
            await self.get(name)
        except ApiError as error:
            return error.status == HTTPStatus.NOT_FOUND
        return False

    async def _ask(self, *asked: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self.plane.ask, *asked)


def condition(made: dict[str, Any], kind: str) -> dict[str, Any]:
    """Give one condition of a pod."""
    return next(each for each in made["status"]["conditions"] if each["type"] == kind)
