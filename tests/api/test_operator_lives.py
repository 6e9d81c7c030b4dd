"""Operators die, wait, lose their lease and the API server; no call is lost and all goes on."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from api_gate import api_gate
from control_plane import ControlPlane
from kube_api import ApiError
from operator_cluster import Clustered
from operator_process import OperatorProcess

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operator.md"
LOST = "calls_ended_by_infrastructure_total"


async def test_an_operator_that_is_killed_in_a_drain_is_followed_by_one_that_ends_it(
    clustered: Clustered,
) -> None:
    async with clustered() as one:
        first = one.start()
        await one.create(replicas=2)
        await one.says("accepting", to_be=2)
        busy, busier = await one.workers()
        busy.call(1)
        busier.call(2)
        await one.says("calls", to_be=3)
        await one.change(replicas=1)
        await one.kubelet.until(lambda: busy.report.cordoned)
        first.kill()
        await one.let_the_next_lead()
        busy.hang_up(1)
        second = one.start()
        await one.has_pods(1)
        assert busier.report.calls == 2
        assert busier.report.accepting
        assert await asyncio.to_thread(second.metric, LOST) == 0


async def test_a_second_operator_waits_and_takes_over_at_once_when_the_first_stops(
    clustered: Clustered,
) -> None:
    async with clustered() as one:
        first = one.start()
        await one.until(lambda: _leads(first), "the first leads")
        second = one.start()
        await one.create(replicas=1)
        await one.says("accepting", to_be=1)
        assert not await _leads(second)
        assert await asyncio.to_thread(first.stop) == 0
        await one.change(replicas=2)
        await one.says("accepting", to_be=2)
        assert await _leads(second)


async def test_an_operator_that_is_killed_is_followed_at_the_end_of_its_term(
    clustered: Clustered,
) -> None:
    async with clustered() as one:
        first = one.start()
        await one.until(lambda: _leads(first), "the first leads")
        second = one.start()
        first.kill()
        await one.until(lambda: _leads(second), "the second leads")


async def test_an_operator_that_the_api_server_does_not_hear_stops_and_writes_nothing(
    clustered: Clustered, control_plane: ControlPlane, tmp_path: Path
) -> None:
    async with clustered() as one, api_gate(control_plane, tmp_path) as gate:
        deaf = one.operators.start(gate.kubeconfig)
        await one.create(replicas=1)
        await one.says("accepting", to_be=1)
        (worker,) = await one.workers()
        worker.call(1)
        await one.says("calls", to_be=1)
        gate.deafen()
        await one.change(replicas=2)

        async def ended() -> bool:
            return deaf.child.process.poll() is not None

        await one.until(ended, "it stops")
        assert deaf.child.process.returncode == 1
        assert worker.report.calls == 1
        assert len(await one.pods()) == 1
        one.start()
        await one.says("accepting", to_be=2)


async def test_a_slow_api_server_makes_no_pod_twice(
    clustered: Clustered, control_plane: ControlPlane, tmp_path: Path
) -> None:
    async with clustered() as one, api_gate(control_plane, tmp_path) as gate:
        gate.delay_seconds = 0.3
        one.operators.start(gate.kubeconfig)
        await one.create(replicas=5)
        await one.says("accepting", to_be=5)
        assert len(await one.pods()) == 5


async def test_the_rights_that_the_docs_list_are_enough_and_none_is_missed(
    clustered: Clustered, control_plane: ControlPlane, tmp_path: Path
) -> None:
    async with clustered() as one, rights_of_the_docs(control_plane, one.namespace) as kubeconfig:
        file = tmp_path / "limited.kubeconfig"
        file.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
        operator = one.operators.start(file)
        await one.create(replicas=2)
        await one.says("accepting", to_be=2)
        busy, busier = await one.workers()
        busy.call(1)
        busier.call(2)
        await one.says("calls", to_be=3)
        await one.change(template={"image": "registry.invalid/callfleet-worker:1.0.0", "env": ENV})
        await one.kubelet.until(lambda: busy.report.cordoned and busier.report.cordoned)
        busy.hang_up(1)
        busier.hang_up(2)
        await one.has_pods(2)
        assert operator.metric("api_writes_total", result="done") > 0
        refused = [line for line in operator.said() if "forbidden" in str(line).lower()]
        assert refused == []
        assert operator.metric("api_writes_total", result="refused") == 0


ENV = [{"name": "CALLFLEET_PERSONA__VOICE", "value": "Kore"}]


async def _leads(operator: OperatorProcess) -> bool:
    return await asyncio.to_thread(lambda: operator.leads)


@asynccontextmanager
async def rights_of_the_docs(plane: ControlPlane, namespace: str) -> AsyncIterator[dict[str, Any]]:
    """Make a service account with those rights, and give a kubeconfig of it."""
    (role_text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    role = yaml.safe_load(role_text)
    role["metadata"]["name"] = name = f"docs-{namespace}"
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    account = {"kind": "ServiceAccount", "name": "operator", "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [account],
    }

    def make() -> dict[str, Any]:
        plane.ask("POST", accounts, {"metadata": {"name": "operator"}})
        plane.ask("POST", f"{rbac}/clusterroles", role)
        plane.ask("POST", f"{rbac}/clusterrolebindings", binding)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = plane.ask("POST", f"{accounts}/operator/token", request)["status"]["token"]
        told: dict[str, Any] = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))
        told["users"][0]["user"] = {"token": token}
        return told

    try:
        yield await asyncio.to_thread(make)
    finally:
        for kind in ("clusterrolebindings", "clusterroles"):
            with suppress(ApiError):
                await asyncio.to_thread(plane.ask, "DELETE", f"{rbac}/{kind}/{name}")
