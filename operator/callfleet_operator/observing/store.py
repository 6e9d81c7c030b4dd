"""Everything that was seen of the cluster, by what is newest of it. No I/O."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from callfleet_operator.objects.seen import Key, SeenFleet, SeenNode, SeenPod, SeenRevision
from callfleet_operator.observing.shelf import Shelf


class Listener(Protocol):
    """Who is told of each change."""

    def pod_changed(self, before: SeenPod | None, after: SeenPod | None) -> None:
        """A pod is another than it was."""

    def fleet_changed(self, before: SeenFleet | None, after: SeenFleet | None) -> None:
        """A fleet is another than it was."""

    def node_changed(self, before: SeenNode | None, after: SeenNode | None) -> None:
        """A node is another than it was."""


class Store:
    """Fleets, pods, nodes, revisions and budgets."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._by_fleet: defaultdict[Key, dict[str, SeenPod]] = defaultdict(dict)
        self._by_node: defaultdict[str, set[Key]] = defaultdict(set)
        self.fleets: Shelf[Key, SeenFleet] = Shelf(self._fleet_changed)
        self.pods: Shelf[str, SeenPod] = Shelf(self._pod_changed)
        self.nodes: Shelf[str, SeenNode] = Shelf(self._node_changed)
        self.revisions: Shelf[tuple[Key, str], SeenRevision] = Shelf(lambda *_: None)
        self.budgets: set[tuple[Key, str]] = set()
        """Fleets, with their uids, that have the budget that they need."""

    def listen(self, listener: Listener) -> None:
        """Tell one more of each change from now on."""
        self._listeners.append(listener)

    def pods_of(self, fleet: Key) -> tuple[SeenPod, ...]:
        """Give a fleet's pods, oldest first."""
        pods = self._by_fleet.get(fleet, {}).values()
        return tuple(sorted(pods, key=lambda pod: (pod.created_at, pod.name)))

    def revisions_of(self, fleet: SeenFleet) -> tuple[SeenRevision, ...]:
        """Give the revisions kept for a fleet, oldest first; not those of an earlier namesake."""
        kept = (one for one in self.revisions if one.fleet == fleet.key)
        return tuple(
            sorted((one for one in kept if one.fleet_uid == fleet.uid), key=lambda one: one.number)
        )

    def fleets_on(self, node: str) -> Iterable[Key]:
        """Give the fleets that have had pods on a node."""
        return tuple(self._by_node.get(node, ()))

    def _pod_changed(self, before: SeenPod | None, after: SeenPod | None) -> None:
        if before is not None:
            self._by_fleet[before.fleet].pop(before.uid, None)
            if not self._by_fleet[before.fleet]:
                del self._by_fleet[before.fleet]
        if after is not None:
            self._by_fleet[after.fleet][after.uid] = after
            if after.node:
                self._by_node[after.node].add(after.fleet)
        for one in self._listeners:
            one.pod_changed(before, after)

    def _fleet_changed(self, before: SeenFleet | None, after: SeenFleet | None) -> None:
        for one in self._listeners:
            one.fleet_changed(before, after)

    def _node_changed(self, before: SeenNode | None, after: SeenNode | None) -> None:
        if after is None and before is not None:
            self._by_node.pop(before.name, None)
        for one in self._listeners:
            one.node_changed(before, after)
