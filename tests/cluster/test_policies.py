"""The chart's NetworkPolicies, where they are enforced: what they let through and what they do not.

A release with the operator, one with a fleet in another namespace, Prometheus in a third; LiveKit
on the network of its host, and the model outside of the cluster.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from node_kubectl import WAIT, NodeKubectl, own_namespace
from policy_stand import PolicyStand
from spots import of_machine, of_node
from trial_pods import pod

from callfleet_tools.node import Cluster
from callfleet_tools.node.layout import API_PORT

METRICS, ORDERS, OPERATOR_METRICS = 8081, 8082, 8083
SIGNALLING, MEDIA_TCP, MEDIA_UDP, OTHER = 7880, 7881, 7882, 9000
MODEL = 8443
WORKER = {"callfleet.dev/fleet": "support"}
OPERATOR = {
    "app.kubernetes.io/name": "callfleet-operator",
    "app.kubernetes.io/instance": "callfleet",
}
CALLERS = OPERATOR | {"app.kubernetes.io/name": "callfleet-rehearsal"}


@pytest.fixture(scope="module")
def spaces(enforcing: Cluster) -> Iterator[dict[str, NodeKubectl]]:
    """Namespaces of the operator, of the fleet, of Prometheus, and of a release that has it all."""
    with contextlib.ExitStack() as closing:
        names = ("system", "voice", "monitoring", "together")
        yield {name: closing.enter_context(own_namespace(enforcing)) for name in names}


@pytest.fixture(scope="module")
def stand(
    enforcing: Cluster, spaces: Mapping[str, NodeKubectl], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PolicyStand]:
    """Everybody in place, and the policies of both releases."""
    folder = tmp_path_factory.mktemp("policies")
    with contextlib.ExitStack() as closing:
        stand = PolicyStand(enforcing, folder, closing)
        stand.add_pod(spaces["system"], "operator", 2, OPERATOR, OPERATOR_METRICS)
        stand.add_pod(spaces["voice"], "worker", 1, WORKER, METRICS, ORDERS)
        stand.add_pod(spaces["voice"], "another-worker", 2, WORKER, METRICS, ORDERS)
        stand.add_pod(spaces["voice"], "callers", 1, CALLERS)
        stand.add_pod(spaces["voice"], "bystander", 1, {})
        stand.add_pod(spaces["voice"], "impostor", 2, OPERATOR)
        stand.add_pod(spaces["monitoring"], "prometheus", 2, {})
        machine, first, second = of_machine(enforcing), of_node(enforcing, 1), of_node(enforcing, 2)
        stand.add("model", machine, first, machine.door(MODEL), machine.door(OTHER))
        media = [second.door(port, "udp") for port in (MEDIA_UDP, OTHER)]
        signals = [second.door(port) for port in (SIGNALLING, MEDIA_TCP, OTHER)]
        stand.add("livekit", second, machine, *media, *signals)
        stand.add("api", first, machine)
        stand.apply(spaces["system"], {"networkPolicy": of_operator(spaces)})
        stand.apply(spaces["voice"], of_fleets(networkPolicy=of_workers(stand, spaces)))
        yield stand


def of_operator(spaces: Mapping[str, NodeKubectl]) -> dict[str, Any]:
    return {"enabled": True, "metricsFrom": from_monitoring(spaces)}


def of_workers(stand: PolicyStand, spaces: Mapping[str, NodeKubectl]) -> dict[str, Any]:
    return {
        "enabled": True,
        "metricsFrom": from_monitoring(spaces),
        "operatorNamespace": spaces["system"].namespace,
        "livekit": {
            "cidrs": [f"{stand.spots['livekit'].address}/32"],
            "tcpPorts": [SIGNALLING, MEDIA_TCP],
            "udpPorts": [{"port": MEDIA_UDP}],
        },
        "model": {"cidrs": [f"{stand.spots['model'].address}/32"], "tcpPorts": [MODEL]},
    }


def from_monitoring(spaces: Mapping[str, NodeKubectl]) -> list[dict[str, Any]]:
    name = {"kubernetes.io/metadata.name": spaces["monitoring"].namespace}
    return [{"namespaceSelector": {"matchLabels": name}}]


def of_fleets(**values: Any) -> dict[str, Any]:
    return {"operator": {"enabled": False}, "fleets": {"support": {}}, **values}


def test_only_the_operator_gives_orders_to_workers(stand: PolicyStand) -> None:
    for worker in ("worker", "another-worker"):
        stand.lets("operator", stand.door(worker, ORDERS))
        for who in ("bystander", "impostor", "prometheus", "model"):
            stand.turns_away(who, stand.door(worker, ORDERS))
    stand.turns_away("another-worker", stand.door("worker", ORDERS))


def test_metrics_are_read_from_where_the_values_say_and_from_nowhere_else(
    stand: PolicyStand,
) -> None:
    metrics = [stand.door("worker", METRICS), stand.door("another-worker", METRICS)]
    metrics.append(stand.door("operator", OPERATOR_METRICS))
    stand.lets("prometheus", *metrics)
    for who in ("bystander", "impostor", "model"):
        stand.turns_away(who, *metrics)
    stand.turns_away("operator", *metrics[:2])


def test_workers_reach_livekit_the_model_and_names(
    stand: PolicyStand, spaces: Mapping[str, NodeKubectl]
) -> None:
    for worker in ("worker", "another-worker"):
        stand.lets(worker, stand.door("livekit", SIGNALLING), stand.door("livekit", MEDIA_TCP))
        stand.lets(worker, stand.door("livekit", MEDIA_UDP, "udp"), stand.door("model", MODEL))
        name = "kubernetes.default.svc.cluster.local."
        assert name[:-1] in spaces["voice"]("exec", worker, "--", "nslookup", name)


def test_workers_reach_nothing_else(stand: PolicyStand) -> None:
    for worker, other in (("worker", "another-worker"), ("another-worker", "worker")):
        stand.turns_away(worker, stand.door("livekit", OTHER), stand.door("model", OTHER))
        stand.turns_away(worker, stand.door("livekit", OTHER, "udp"))
        stand.turns_away(worker, stand.door("api", API_PORT), stand.door("bystander", 8080))
        stand.turns_away(worker, stand.door(other, ORDERS), stand.door(other, METRICS))


def test_the_callers_of_helm_test_reach_livekit_and_names_and_nothing_else(
    stand: PolicyStand, spaces: Mapping[str, NodeKubectl]
) -> None:
    stand.lets("callers", stand.door("livekit", SIGNALLING), stand.door("livekit", MEDIA_TCP))
    stand.lets("callers", stand.door("livekit", MEDIA_UDP, "udp"))
    name = "kubernetes.default.svc.cluster.local."
    assert name[:-1] in spaces["voice"]("exec", "callers", "--", "nslookup", name)
    stand.turns_away("callers", stand.door("model", MODEL), stand.door("worker", ORDERS))
    stand.turns_away("callers", stand.door("livekit", OTHER, "udp"), stand.door("api", API_PORT))


def test_the_operator_reaches_the_api_server_and_workers_and_nothing_else(
    stand: PolicyStand, spaces: Mapping[str, NodeKubectl]
) -> None:
    stand.lets("operator", stand.door("api", API_PORT))
    name = "kubernetes.default.svc.cluster.local."
    assert name[:-1] in spaces["system"]("exec", "operator", "--", "nslookup", name)
    stand.turns_away("operator", stand.door("livekit", SIGNALLING), stand.door("model", MODEL))
    stand.turns_away("operator", stand.door("bystander", 8080))


def test_a_worker_that_starts_is_found_ready_by_its_node(
    stand: PolicyStand, spaces: Mapping[str, NodeKubectl], tmp_path: Path
) -> None:
    del stand
    kubectl, late = spaces["voice"], pod("late")
    late["metadata"]["labels"] = WORKER
    kubectl.apply([late], tmp_path / "late.json")
    kubectl("wait", "--for=condition=Ready", "pod/late", WAIT)


def test_a_policy_that_names_no_udp_port_of_livekit_leaves_tcp_open(
    stand: PolicyStand, spaces: Mapping[str, NodeKubectl]
) -> None:
    narrow = of_workers(stand, spaces)
    narrow["livekit"]["udpPorts"] = [{"port": 3478}]
    stand.apply(spaces["voice"], of_fleets(networkPolicy=narrow))
    try:
        stand.turns_away("worker", stand.door("livekit", MEDIA_UDP, "udp"))
        stand.lets("worker", stand.door("livekit", SIGNALLING), stand.door("livekit", MEDIA_TCP))
    finally:
        stand.apply(spaces["voice"], of_fleets(networkPolicy=of_workers(stand, spaces)))


def test_one_release_with_policies_as_they_are_by_default_works_as_well(
    stand: PolicyStand, spaces: Mapping[str, NodeKubectl]
) -> None:
    together = spaces["together"]
    stand.add_pod(together, "own-operator", 1, OPERATOR, OPERATOR_METRICS)
    stand.add_pod(together, "own-worker", 2, WORKER, METRICS, ORDERS)
    stand.apply(together, {"networkPolicy": {"enabled": True}, "fleets": {"support": {}}})
    orders = stand.door("own-worker", ORDERS)
    stand.lets("own-operator", orders, stand.door("api", API_PORT))
    stand.turns_away("operator", orders)
    stand.lets("prometheus", stand.door("own-worker", METRICS))
    stand.lets("prometheus", stand.door("own-operator", OPERATOR_METRICS))
    stand.lets("own-worker", stand.door("livekit", SIGNALLING), stand.door("livekit", MEDIA_TCP))
    stand.lets("own-worker", stand.door("livekit", MEDIA_UDP, "udp"))
    stand.turns_away("own-worker", stand.door("livekit", OTHER, "udp"), stand.door("model", OTHER))
