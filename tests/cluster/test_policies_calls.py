"""Calls under the chart's NetworkPolicies: on UDP where it is let through, and else on TCP."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from call_ledger import WELL
from doors import Answer, Door
from node_kubectl import NodeKubectl, own_namespace
from policy_stand import apply_policies
from real_fleet import RealFleet, RealFleets
from samples import added_up
from spots import of_pod

from callfleet_contract.fleet.names import HTTP_PORT
from callfleet_tools.evaluation import Evaluation, furnish
from callfleet_tools.node import Cluster

MEDIA_UDP, TURN_UDP = 7882, 3478


@pytest.fixture(scope="module")
def evaluation(enforcing: Cluster) -> Evaluation:
    """LiveKit, operator and emulator, where policies are enforced."""
    return furnish(enforcing)


@pytest.fixture
def kubectl(enforcing: Cluster) -> Iterator[NodeKubectl]:
    """Kubectl in a namespace of the test's own, there."""
    with own_namespace(enforcing) as kubectl:
        yield kubectl


def from_here(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Let this machine read metrics: it asks workers how they are."""
    return [{"ipBlock": {"cidr": f"{evaluation.cluster.layout.host_address}/32"}}]


def of_operator(evaluation: Evaluation) -> dict[str, Any]:
    policy = {"enabled": True, "metricsFrom": from_here(evaluation)}
    return {"emulator": {"enabled": True}, "networkPolicy": policy}


def of_fleet(evaluation: Evaluation, name: str, udp_port: int) -> dict[str, Any]:
    """Let workers reach LiveKit on its ports, of UDP on this one, and the emulator as one more."""
    space = {"kubernetes.io/metadata.name": evaluation.namespace}
    emulator = {"app.kubernetes.io/name": "callfleet-emulator"}
    peer = {"namespaceSelector": {"matchLabels": space}, "podSelector": {"matchLabels": emulator}}
    policy = {
        "enabled": True,
        "metricsFrom": from_here(evaluation),
        "operatorNamespace": evaluation.namespace,
        "livekit": {
            "cidrs": [f"{evaluation.cluster.layout.places[0].address}/32"],
            "tcpPorts": [7880, 7881],
            "udpPorts": [{"port": udp_port}],
        },
        "model": {"cidrs": ["192.0.2.1/32"]},
        "extraEgress": [{"to": [peer], "ports": [{"port": 8443, "protocol": "TCP"}]}],
    }
    return {"operator": {"enabled": False}, "fleets": {name: {}}, "networkPolicy": policy}


async def calls_on(fleet: RealFleet, protocol: str) -> float:
    """Ask the one worker how many calls had their media on one protocol."""
    (pod,) = await fleet.pods()
    page = await fleet.kube.page(f"http://{pod['status']['podIP']}:{HTTP_PORT}/metrics")
    return added_up(page, "callfleet_media_paths_total", protocol=protocol)


async def begun_anew(fleet: RealFleet) -> None:
    """Have another worker, which has never been without policies."""
    (before,) = await fleet.names()
    await fleet.kubectl("delete", "pod", before)

    async def another() -> bool:
        return len(await fleet.names() - {before}) == 1

    await fleet.until(another, "there is another worker")
    await fleet.says("accepting", to_be=1)


async def refused(fleet: RealFleet, door: Door) -> None:
    """Wait until its worker is told that it may not go there."""
    (pod,) = await fleet.names()
    worker = await asyncio.to_thread(of_pod, fleet.stage.kubectl, pod)

    async def it_is() -> bool:
        return await asyncio.to_thread(worker.knocks_at, door) == [Answer.REFUSED]

    await fleet.until(it_is, f"{door} is refused")


@pytest.mark.timeout(600)
async def test_where_a_policy_closes_udp_calls_take_tcp_and_the_metric_says_so_and_none_ends(
    real_fleets: RealFleets, evaluation: Evaluation, kubectl: NodeKubectl, tmp_path: Path
) -> None:
    system = NodeKubectl(evaluation.cluster, evaluation.namespace)
    livekit = evaluation.cluster.layout.places[0].address
    async with real_fleets(replicas=1, slotsPerPod=4) as fleet:
        await asyncio.to_thread(apply_policies, system, of_operator(evaluation), tmp_path)
        told = of_fleet(evaluation, fleet.name, MEDIA_UDP)
        await asyncio.to_thread(apply_policies, kubectl, told, tmp_path)
        await begun_anew(fleet)
        await fleet.callers.call(1)
        await fleet.callers.have_talked()
        assert (await calls_on(fleet, "udp"), await calls_on(fleet, "tcp")) == (1, 0)

        told = of_fleet(evaluation, fleet.name, TURN_UDP)
        await asyncio.to_thread(apply_policies, kubectl, told, tmp_path)
        await refused(fleet, Door(livekit, MEDIA_UDP, "udp"))
        await fleet.callers.call(1)
        await fleet.callers.have_talked()
        assert (await calls_on(fleet, "udp"), await calls_on(fleet, "tcp")) == (1, 1)

        ledger = await fleet.hang_up()
        assert ledger.ends == [WELL] * 2
