"""The chart's rights, key and lease are all that an operator needs, and go with the release."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import ControlPlane
from fleets import IMAGE
from helm import CHARTS, Helm
from kube_api import ApiError
from operator_cluster import Clustered, OperatorCluster
from operator_process import OperatorProcess

import callfleet_tools

CHART = str(CHARTS / "callfleet")
_ENDED_SECONDS = 60.0
_NEVER_READ = "CALLFLEET_OPERATOR_PRIVATE_KEY_FILE", "CALLFLEET_OPERATOR_HTTP__PORT"
"""Of a pod's own: where its volumes are mounted, and a port of an address of its own."""


@dataclass(frozen=True)
class Release:
    """A release in a test's namespace, of which the definition is not a part."""

    helm: Helm
    cluster: OperatorCluster
    folder: Path

    async def upgrade(self, *told: str) -> None:
        """Install it, or upgrade it, with these values."""
        image, _, tag = IMAGE.rpartition(":")
        values = (
            "crds.enabled=false",
            f"operator.namespaces={{{self.cluster.namespace}}}",
            f"worker.image.repository={image},worker.image.tag={tag}",
            *told,
        )
        given = [word for one in values for word in ("--set", one)]
        await asyncio.to_thread(self.helm, "upgrade", "--install", "callfleet", CHART, *given)

    async def start_operator(self) -> OperatorProcess:
        """Run an operator as the release's Deployment says: as its account, with its key."""
        here = f"namespaces/{self.cluster.namespace}"
        deployment = await self.ask(f"/apis/apps/v1/{here}/deployments/callfleet-operator")
        pod = deployment["spec"]["template"]["spec"]
        account = pod["serviceAccountName"]
        keys = pod["volumes"][0]["secret"]["secretName"]
        secret = await self.ask(f"/api/v1/{here}/secrets/{keys}")
        key = self.folder / "key-of-the-release"
        key.write_bytes(base64.b64decode(secret["data"]["private-key"]))
        told = pod["containers"][0]["env"]
        # It is no pod here: what one is told of itself is left out.
        env = {one["name"]: one["value"] for one in told if "value" in one}
        for name in _NEVER_READ:
            del env[name]
        limited = await asyncio.to_thread(self._kubeconfig, account)
        return await asyncio.to_thread(
            lambda: self.cluster.operators.start(
                limited, CALLFLEET_OPERATOR_PRIVATE_KEY_FILE=str(key), **env
            )
        )

    async def ask(self, path: str) -> dict[str, Any]:
        """Get an object."""
        told: dict[str, Any] = await self.cluster.ask("GET", path)
        return told

    def _kubeconfig(self, account: str) -> Path:
        plane = self.cluster.plane
        path = f"/api/v1/namespaces/{self.cluster.namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = plane.ask("POST", path, request)["status"]["token"]
        told = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))
        told["users"][0]["user"] = {"token": token}
        file = self.folder / "account.kubeconfig"
        file.write_text(yaml.safe_dump(told), encoding="utf-8")
        return file


@asynccontextmanager
async def released(
    clustered: Clustered, plane: ControlPlane, folder: Path
) -> AsyncIterator[Release]:
    """Give a namespace for a release, and take the release away."""
    program = await asyncio.to_thread(callfleet_tools.find, "helm")
    async with clustered() as cluster:
        helm = Helm(program, folder, plane.kubeconfig, cluster.namespace)
        try:
            yield Release(helm, cluster, folder)
        finally:
            await asyncio.to_thread(helm, "uninstall", "callfleet", "--ignore-not-found")


@pytest.mark.usefixtures("controllers")
async def test_a_release_is_a_fleet_that_takes_calls_and_ends_them_before_it_is_gone(
    clustered: Clustered, control_plane: ControlPlane, tmp_path: Path
) -> None:
    async with released(clustered, control_plane, tmp_path) as release:
        one = release.cluster
        fleet = "fleets.support.replicas=2,fleets.support.autoscaling.mode=Manual"
        await release.upgrade(fleet)
        operator = await release.start_operator()
        await one.says("accepting", to_be=2)
        busy, idle = await one.workers()
        busy.call(1)
        await one.says("calls", to_be=1)
        assert operator.leads
        refused = [line for line in operator.said() if "forbidden" in str(line).lower()]
        assert refused == []

        await asyncio.to_thread(release.helm, "uninstall", "callfleet")
        assert await asyncio.to_thread(operator.stop) == 0
        assert await asyncio.wait_for(idle.ended(), _ENDED_SECONDS) == 0
        assert busy.report.calls == 1
        busy.hang_up(1)
        await one.has_pods(0)
        lease = f"/apis/coordination.k8s.io/v1/namespaces/{one.namespace}/leases/callfleet-operator"
        with pytest.raises(ApiError):
            await release.ask(lease)


async def test_an_upgrade_rolls_a_fleet_and_ends_no_call(
    clustered: Clustered, control_plane: ControlPlane, tmp_path: Path
) -> None:
    async with released(clustered, control_plane, tmp_path) as release:
        one = release.cluster
        fleet = "fleets.support.replicas=1,fleets.support.autoscaling.mode=Manual"
        await release.upgrade(fleet)
        await release.start_operator()
        await one.says("accepting", to_be=1)
        (busy,) = await one.workers()
        busy.call(1)
        await release.upgrade(fleet, "fleets.support.persona.voice=Kore")
        await one.kubelet.until(lambda: busy.report.cordoned)
        assert busy.report.calls == 1
        busy.hang_up(1)
        await one.has_pods(1)
        await one.says("accepting", to_be=1)
