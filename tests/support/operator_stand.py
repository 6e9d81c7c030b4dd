"""Runs an operator in this process, against a fake API server with light workers."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fake_kube import FakeKube, fake_kube
from fake_kubelet import LightKubelet, light_kubelet
from lightkube import KubeConfig
from lightkube.config.models import User

from callfleet_contract.signing import write_private_key
from callfleet_operator.crd import packaged
from callfleet_operator.life import Life, Order
from callfleet_operator.reaching.keys import Keys
from callfleet_operator.settings import Settings

PRIVATE_KEY = Ed25519PrivateKey.generate()
KEYS = Keys([PRIVATE_KEY])


def fleet(name: str = "talkers", **spec: Any) -> dict[str, Any]:
    """Write a fleet whose size is decided by hand, unless said otherwise."""
    told = {
        "autoscaling": {"mode": "Manual", "syncSeconds": 1},
        "replicas": 1,
        "template": {"image": "worker:1"},
        "rollout": {"minReadySeconds": 0},
        **spec,
    }
    return {"metadata": {"name": name, "namespace": "voice"}, "spec": told}


@dataclass(slots=True)
class Stand:
    """A cluster with an operator."""

    kube: FakeKube
    kubelet: LightKubelet
    operators: list[tuple[Life, asyncio.Task[int]]]

    def start_operator(self, **more: Any) -> asyncio.Task[int]:
        """Start one more; ``more`` are settings of it."""
        bound = socket.create_server(("127.0.0.1", 0))
        one = KubeConfig.from_server(self.kube.url)
        one.users["default"] = User(token="not-asked-for")
        one.contexts["default"].user = "default"
        config = one.get()
        assert config is not None
        settings = Settings(private_key_file=Path("unused"), relist_seconds=5, **more)
        life = Life(Order(settings, config, KEYS, bound))
        task = asyncio.create_task(life.live())
        self.operators.append((life, task))
        return task

    async def stop_operators(self) -> None:
        """Tell all to go, and wait until they have."""
        for life, task in self.operators:
            life.go()
            await asyncio.wait({task}, timeout=20)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self.operators.clear()

    async def start_process(self, folder: Path, **env: str) -> asyncio.subprocess.Process:
        """Start an operator as a process of its own, which can be killed."""
        kubeconfig, key = folder / "kubeconfig", folder / "key"
        user = {"name": "me", "user": {"token": "not-asked-for"}}
        cluster = {"name": "it", "cluster": {"server": self.kube.url}}
        context = {"name": "it", "context": {"cluster": "it", "user": "me"}}
        told = {"clusters": [cluster], "users": [user], "contexts": [context]}
        kubeconfig.write_text(yaml.safe_dump({**told, "current-context": "it"}), encoding="utf-8")
        key.write_text(write_private_key(PRIVATE_KEY), encoding="utf-8")
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "callfleet",
            "operator",
            env={
                **os.environ,
                "KUBECONFIG": str(kubeconfig),
                "CALLFLEET_OPERATOR_PRIVATE_KEY_FILE": str(key),
                "CALLFLEET_OPERATOR_HTTP__PORT": "0",
                "CALLFLEET_OPERATOR_HTTP__HOST": "127.0.0.1",
                "CALLFLEET_OPERATOR_RELIST_SECONDS": "5",
                **env,
            },
        )

    async def change(self, name: str = "talkers", **spec: Any) -> None:
        """Change a fleet as its user does."""
        there = self.kube.one("voicefleets", name)
        await self.kube.put("voicefleets", {**there, "spec": {**there["spec"], **spec}})

    def pods(self) -> list[dict[str, Any]]:
        """Give the pods that nobody deletes."""
        return [one for one in self.kube.of("pods") if "deletionTimestamp" not in one["metadata"]]

    def status(self, name: str = "talkers") -> dict[str, Any]:
        """Give a fleet's status."""
        return self.kube.one("voicefleets", name).get("status") or {}

    async def ticks(self, times: int) -> None:
        """Wait until fleets were thought over so many times more."""
        before = self.metric("reconcile_seconds_count")
        await until(
            lambda: self.metric("reconcile_seconds_count") >= before + 4 * times,
            f"it is thought over {times} times",
        )

    def event_reasons(self) -> set[str]:
        """Give the reasons of all Events."""
        return {one["reason"] for one in self.kube.of("events")}

    def conditions(self, name: str = "talkers") -> dict[str, str]:
        """Give a fleet's conditions that are True, each with its message."""
        said = self.status(name).get("conditions", ())
        return {one["type"]: one["message"] for one in said if one["status"] == "True"}

    def metric(self, name: str) -> float:
        """Add up a metric over all operators and labels."""
        return sum(
            sample.value
            for life, _ in self.operators
            for family in life.metrics.prometheus.collect()
            for sample in family.samples
            if sample.name == f"callfleet_{name}"
        )


async def until(holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait until something holds."""
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    message = f"it never came to be that {what}"
    raise AssertionError(message)


@asynccontextmanager
async def stand(*, operators: int = 1, **settings: Any) -> AsyncIterator[Stand]:
    """Set up a cluster that knows the resource, with one operator at work."""
    async with fake_kube() as kube, light_kubelet(kube) as kubelet:
        await kube.put("customresourcedefinitions", packaged.definition())
        one = Stand(kube, kubelet, [])
        for _ in range(operators):
            one.start_operator(**settings)
        try:
            yield one
        finally:
            await one.stop_operators()
