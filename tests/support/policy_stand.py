"""Pods in a cluster that enforces NetworkPolicies, the chart's policies, and what gets through.

Rules follow policies and pods within a moment, so everything is asked until it is as it should be,
and for a minute at most. To be turned away is a definite answer, at a door that opens to whoever
stands beside it: silence is neither.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from doors import Answer, Door
from helm import Helm, of_kind
from node_kubectl import WAIT, NodeKubectl
from spots import Spot, of_node, of_pod
from trial_pods import pod

import callfleet_tools
from callfleet_tools.node import Cluster

PATIENCE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True)
class PolicyStand:
    """``spots`` by their names; what is opened in them is closed with ``closing``.

    ``beside`` is for each of them one from where it is reached whatever policies say.
    """

    cluster: Cluster
    folder: Path
    closing: ExitStack
    spots: dict[str, Spot] = field(default_factory=dict)
    beside: dict[str, Spot] = field(default_factory=dict)

    def add(self, name: str, spot: Spot, beside: Spot, *doors: Door) -> None:
        """Have a place that is there already, with these doors open."""
        self.spots[name], self.beside[name] = spot, beside
        if doors:
            self.closing.enter_context(spot.opens(*doors))

    def add_pod(
        self, kubectl: NodeKubectl, name: str, node: int, labels: Mapping[str, str], *ports: int
    ) -> None:
        """Run a pod with these labels, and have these ports of it open."""
        made = pod(name, nodeName=f"node{node}")
        made["metadata"]["labels"] = dict(labels)
        kubectl.apply([made], self.folder / f"{name}.json")
        kubectl("wait", "--for=condition=Ready", f"pod/{name}", WAIT)
        spot = of_pod(kubectl, name)
        doors = [spot.door(port) for port in ports]
        self.add(name, spot, of_node(self.cluster, node), *doors)

    def apply(self, kubectl: NodeKubectl, values: Mapping[str, Any]) -> None:
        """Apply the policies that the chart renders with these values for a namespace."""
        apply_policies(kubectl, values, self.folder)

    def door(self, name: str, port: int, protocol: str = "tcp") -> Door:
        """Name a port of a spot."""
        return self.spots[name].door(port, protocol)

    def lets(self, who: str, *doors: Door) -> None:
        """See that doors open to somebody."""
        self._until(Answer.OPEN, who, self.spots[who], doors)

    def turns_away(self, who: str, *doors: Door) -> None:
        """See that doors open to whoever stands beside them, and not to somebody."""
        for door in doors:
            name = next(name for name, spot in self.spots.items() if spot.address == door.address)
            self._until(Answer.OPEN, f"whoever is beside {name}", self.beside[name], [door])
        self._until(Answer.REFUSED, who, self.spots[who], doors)

    def _until(self, answer: Answer, who: str, spot: Spot, doors: Sequence[Door]) -> None:
        wrong: list[str] = []

        def fulfilled() -> bool:
            answers = zip(doors, spot.knocks_at(*doors), strict=True)
            wrong[:] = [f"{door} is {said} to {who}" for door, said in answers if said != answer]
            return not wrong

        assert within(PATIENCE_SECONDS, fulfilled), f"{', '.join(wrong)}, not {answer}"


def apply_policies(kubectl: NodeKubectl, values: Mapping[str, Any], folder: Path) -> None:
    """Apply the policies that the chart renders with these values for a namespace."""
    file = folder / f"{kubectl.namespace}.yaml"
    file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
    helm = Helm(callfleet_tools.find("helm"), folder, namespace=kubectl.namespace)
    policies = of_kind(helm.objects("callfleet", f"--values={file}"), "NetworkPolicy")
    kubectl.apply(policies, file.with_suffix(".json"))


def within(seconds: float, fulfilled: Callable[[], bool]) -> bool:
    """Look until something is fulfilled, for so long at most."""
    deadline = time.monotonic() + seconds
    while not fulfilled():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_AGAIN_SECONDS)
    return True
