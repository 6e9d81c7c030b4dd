"""With two nodes, what is on one can be reached from the other, and goes there on a drain."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import Answer
from node_kubectl import WAIT, NodeKubectl
from spots import of_machine, of_pod
from trial_image import PAGE
from trial_pods import deployment, fetched, pod


@pytest.fixture
def uncordoned(kubectl: NodeKubectl) -> Iterator[NodeKubectl]:
    """Kubectl for tests that cordon the second node: it is open again afterwards."""
    yield kubectl
    kubectl("uncordon", "node2")


def test_pods_of_two_nodes_reach_each_other(kubectl: NodeKubectl, tmp_path: Path) -> None:
    nodes = ("node1", "node2")
    kubectl.apply([pod(node, nodeName=node) for node in nodes], tmp_path / "pods.json")
    kubectl("wait", "--for=condition=Ready", "pod/node1", "pod/node2", WAIT)
    for here, there in (nodes, nodes[::-1]):
        address = kubectl.get("pod", there)["status"]["podIP"]
        assert kubectl("exec", here, "--", "wget", "-qO-", f"http://{address}:8080/") == PAGE
        assert fetched(f"http://{address}:8080/") == PAGE


def test_pods_of_both_nodes_reach_this_machine(kubectl: NodeKubectl, tmp_path: Path) -> None:
    nodes = ("node1", "node2")
    kubectl.apply([pod(node, nodeName=node) for node in nodes], tmp_path / "pods.json")
    kubectl("wait", "--for=condition=Ready", "pod/node1", "pod/node2", WAIT)
    machine = of_machine(kubectl.cluster)
    doors = machine.door(8443), machine.door(8443, "udp")
    with machine.opens(*doors):
        for node in nodes:
            assert of_pod(kubectl, node).knocks_at(*doors) == [Answer.OPEN, Answer.OPEN]


def test_a_drained_node_gives_its_pods_to_the_other(
    uncordoned: NodeKubectl, tmp_path: Path
) -> None:
    kubectl = uncordoned
    kubectl.apply([deployment(replicas=2)], tmp_path / "web.json")
    kubectl("rollout", "status", "deployment/web", WAIT)
    assert nodes_of_pods(kubectl) == {"node1", "node2"}
    kubectl("drain", "node2", "--force", WAIT)
    kubectl("rollout", "status", "deployment/web", WAIT)
    assert nodes_of_pods(kubectl) == {"node1"}


def nodes_of_pods(kubectl: NodeKubectl) -> set[str]:
    return set(kubectl("get", "pods", "-o=jsonpath={.items[*].spec.nodeName}").split())
