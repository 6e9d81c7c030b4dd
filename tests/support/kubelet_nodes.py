"""Made-up nodes, and which of them a pod is put on, as a scheduler would."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from kubelet_status import now
from side_by_side import share

Object = dict[str, Any]

STAND_LABEL = "kubelet-stand"
_NO_NEW_PODS = frozenset({"NoSchedule", "NoExecute"})


def _addresses() -> Iterator[str]:
    # Tests of other processes need addresses as well, at the same time.
    seconds = share(range(16, 216))
    second = seconds[os.getpid() % len(seconds)]
    for third in range(256):
        for fourth in range(1, 255):
            yield f"127.{second}.{third}.{fourth}"


POD_ADDRESSES = _addresses()
"""Loopback addresses, each once: a pod has one of its own, for as long as the process lasts."""


def node(name: str, stand: str, host_ip: str, pods: int) -> Object:
    """Write a node that is well."""
    amounts = {"cpu": "64", "memory": "256Gi", "pods": str(pods), "ephemeral-storage": "1Ti"}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "a stand-in is ready",
        "lastHeartbeatTime": now(),
        "lastTransitionTime": now(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {STAND_LABEL: stand, "kubernetes.io/hostname": name},
        },
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [ready],
            "addresses": [{"type": "InternalIP", "address": host_ip}],
        },
    }


def choose(pod: Object, nodes: Iterable[Object], taken: Counter[str], most: int) -> str | None:
    """Choose the node with the fewest pods of those that take this one; None where none does."""
    fit = [each["metadata"]["name"] for each in nodes if _takes(each, pod)]
    fit = [name for name in fit if taken[name] < most]
    return min(fit, key=lambda name: (taken[name], name), default=None)


def _takes(node: Object, pod: Object) -> bool:
    spec, metadata = node.get("spec", {}), node["metadata"]
    wanted = pod["spec"].get("nodeSelector", {})
    return (
        not spec.get("unschedulable")
        and wanted.items() <= metadata.get("labels", {}).items()
        and all(_bears(pod, taint) for taint in spec.get("taints", []))
    )


def _bears(pod: Object, taint: Object) -> bool:
    return taint["effect"] not in _NO_NEW_PODS or any(
        each.get("effect") in (None, "", taint["effect"])
        and each.get("key") in (None, "", taint["key"])
        and (each.get("operator") == "Exists" or each.get("value", "") == taint.get("value", ""))
        for each in pod["spec"].get("tolerations", [])
    )
