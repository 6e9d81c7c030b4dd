"""`helm uninstall` with calls up: it returns, they go on, and with the last of them all is gone.

The model that the calls speak with is a release of its own, and stays.
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helm import Helm
from kube_session import KubeSession, kube_session
from node_kubectl import WAIT, NodeKubectl
from patient_callers import patient_callers
from real_fleet import Door

import callfleet_tools
from callfleet_contract.fleet.names import pods_of
from callfleet_rehearsal.evidence import CallEnd
from callfleet_rehearsal.precedence import precedence
from callfleet_tools.evaluation import Evaluation, fleets, furnish, helm, values
from callfleet_tools.evaluation.given import CALLFLEET, FLEET
from callfleet_tools.node import Cluster

MODEL = "model"
CALLERS = 4
PATIENCE_SECONDS = 60.0
KEPT = {"kube-root-ca.crt", "default", fleets.NEEDS}
"""What a namespace always has, and what is not the chart's."""
KINDS = "pods,services,endpointslices,configmaps,secrets,serviceaccounts,roles,rolebindings"
KINDS += ",deployments,replicasets,poddisruptionbudgets,leases,voicefleets,controllerrevisions"


@pytest.fixture(scope="module")
def evaluation(empty_cluster: Cluster) -> Evaluation:
    """A cluster of its own with a fleet in the operator's release, and the model elsewhere."""
    made = furnish(empty_cluster)
    name = f"{MODEL}-callfleet-emulator"
    empty_cluster.kubectl("create", "namespace", MODEL)
    helm.upgrade(empty_cluster, helm.Release(MODEL, "callfleet", values.beside(made)))
    model = NodeKubectl(empty_cluster, MODEL)
    model("rollout", "status", f"deployment/{name}", WAIT)
    secret = empty_cluster.api.ask("GET", f"/api/v1/namespaces/{MODEL}/secrets/{name}")
    authority = base64.b64decode(secret["data"]["ca.crt"]).decode()
    return replace(made, emulator_url=f"https://{name}.{MODEL}.svc:8443", emulator_ca=authority)


@pytest.fixture
def system(evaluation: Evaluation, tmp_path: Path) -> NodeKubectl:
    """The release's namespace, with its fleet ready."""
    kubectl = NodeKubectl(evaluation.cluster, CALLFLEET)
    kubectl.apply(fleets.needs(evaluation), tmp_path / "needs.json")
    told: dict[str, Any] = {
        "operator": {"image": values.image(evaluation.images["operator"])},
        "emulator": {"enabled": False},
        "fleets": {FLEET: {"template": fleets.template(evaluation)}},
    }
    helm.upgrade(evaluation.cluster, helm.Release(CALLFLEET, "callfleet", told))
    kubectl("wait", "--for=condition=Available", f"vf/{FLEET}", WAIT)
    return kubectl


@pytest.mark.timeout(900)
async def test_calls_outlive_an_uninstall_which_returns_and_leaves_nothing_when_they_have_ended(
    evaluation: Evaluation,
    system: NodeKubectl,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    def figure(what: str, seconds: float) -> None:
        print(f"{what}: {seconds:.2f}")
        record_property(what, round(seconds, 2))

    door = Door(evaluation.livekit_url, evaluation.api_key, evaluation.api_secret)
    program, kubeconfig = callfleet_tools.find("helm"), evaluation.cluster.kubeconfig
    uninstall = Helm(program, tmp_path, kubeconfig, CALLFLEET)
    async with (
        kube_session(evaluation.cluster.api) as kube,
        patient_callers(door, FLEET) as callers,
    ):
        with precedence():
            await callers.call(CALLERS)
            await callers.have_talked()
            busy = await pods(kube)
            began = time.monotonic()
            await asyncio.to_thread(uninstall, "uninstall", CALLFLEET)
            figure("uninstall, s", time.monotonic() - began)
            await callers.talk_on()
            await none(lambda: left_of(system, {"deployments", "voicefleets"}))
            await callers.talk_on()
            assert await pods(kube) <= busy
            records = await callers.hang_up()
            began = time.monotonic()
            await none(lambda: left_of(system, set(KINDS.split(","))))
            figure("last call to nothing left, s", time.monotonic() - began)
    assert [record.end for record in records] == [CallEnd.HUNG_UP] * CALLERS


async def pods(kube: KubeSession) -> set[str]:
    path = f"/api/v1/namespaces/{CALLFLEET}/pods?labelSelector={pods_of(FLEET)}"
    return {pod["metadata"]["name"] for pod in (await kube.ask("GET", path))["items"]}


async def left_of(system: NodeKubectl, kinds: set[str]) -> list[str]:
    """Name what is left of these kinds, but for what is nobody's."""
    found = await asyncio.to_thread(system, "get", ",".join(sorted(kinds)), "--output=name")
    return [each for each in found.split() if each.partition("/")[2] not in KEPT]


async def none(left: Callable[[], Awaitable[list[str]]]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found := await left():
        assert time.monotonic() < deadline, f"{found} stay"
        await asyncio.sleep(0.5)
