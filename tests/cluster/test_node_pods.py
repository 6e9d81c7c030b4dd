"""Pods really run: from an image that was made here, with a network, names, probes and an end."""

from pathlib import Path

import pytest
from node_kubectl import WAIT, NodeKubectl
from trial_image import PAGE
from trial_pods import fetched, pod, service

from callfleet_tools.node import NodeError, parts


@pytest.fixture
def web(kubectl: NodeKubectl, tmp_path: Path) -> NodeKubectl:
    """A pod that serves a page, behind a service, once its probe has found it ready."""
    kubectl.apply([pod("web"), service()], tmp_path / "web.json")
    kubectl("wait", "--for=condition=Ready", "pod/web", WAIT)
    return kubectl


def test_a_pod_can_be_looked_into(web: NodeKubectl) -> None:
    assert "serving" in web("logs", "web")
    assert "uid=65535(trial)" in web("exec", "web", "--", "id")


def test_this_machine_reaches_a_pod_and_a_service_by_their_addresses(web: NodeKubectl) -> None:
    assert fetched(f"http://{web.get('pod', 'web')['status']['podIP']}:8080/") == PAGE
    assert fetched(f"http://{web.get('service', 'web')['spec']['clusterIP']}/") == PAGE


def test_a_service_that_is_asked_before_its_nodes_know_it_answers_all_the_same(
    web: NodeKubectl, tmp_path: Path
) -> None:
    web("delete", "service", "web")
    web.apply([service()], tmp_path / "service.json")
    path = f"/api/v1/namespaces/{web.namespace}/services/web"
    address = web.cluster.api.ask("GET", path)["spec"]["clusterIP"]
    assert fetched(f"http://{address}/") == PAGE


def test_pods_find_a_service_by_its_name_and_reach_it_even_those_behind_it(
    web: NodeKubectl, tmp_path: Path
) -> None:
    web.apply([pod("asking")], tmp_path / "asking.json")
    web("wait", "--for=condition=Ready", "pod/asking", WAIT)
    name = f"web.{web.namespace}.svc.cluster.local"
    address = web.get("service", "web")["spec"]["clusterIP"]
    for asking in ("asking", "web"):
        assert address in web("exec", asking, "--", "nslookup", f"{name}.")
        assert web("exec", asking, "--", "wget", "-qO-", f"http://{address}/") == PAGE


def test_a_pod_that_is_deleted_is_told_and_ends_in_its_own_time(web: NodeKubectl) -> None:
    with web.start("logs", "web", "--follow") as following:
        web("delete", "pod", "web", WAIT)
        said, _ = following.communicate(timeout=60)
    assert said.splitlines() == ["serving", "told to end", "ended in peace"]


def test_the_api_server_can_stand_still_and_goes_on_where_it_was(kubectl: NodeKubectl) -> None:
    with kubectl.cluster.parts["kube-apiserver"].stalled(), pytest.raises(NodeError):
        kubectl("get", "pods", "--request-timeout=1s")
    assert kubectl("get", "serviceaccount", "default", "-o=name") == "serviceaccount/default\n"


def test_a_port_is_cut_off_inside_of_a_node_and_nowhere_else(web: NodeKubectl) -> None:
    address = web.get("pod", "web")["status"]["podIP"]
    drop = ["-p", "tcp", "-d", address, "--dport", "8080", "-j", "REJECT"]
    node = web.get("pod", "web")["spec"]["nodeName"]
    change = [*web.cluster.enter(node), "iptables"]
    parts.run([*change, "-I", "FORWARD", *drop], "cutting off")
    try:
        with pytest.raises(OSError, match="refused"):
            fetched(f"http://{address}:8080/")
    finally:
        parts.run([*change, "-D", "FORWARD", *drop], "joining again")
    assert fetched(f"http://{address}:8080/") == PAGE
