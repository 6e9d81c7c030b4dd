"""List everything anew: at first, and every minute, in case a watch lost something.

kopf lists again after a gap too, but says nothing of what was deleted meanwhile.
"""

from collections.abc import Sequence
from typing import Any

from lightkube import operators
from lightkube.core.generic_client import ALL_NS
from lightkube.resources.apps_v1 import ControllerRevision
from lightkube.resources.core_v1 import Node, Pod
from lightkube.resources.policy_v1 import PodDisruptionBudget

from callfleet_contract.fleet.names import FLEET_LABEL
from callfleet_operator.objects.budgets import is_as_built
from callfleet_operator.objects.reading import (
    read_fleet,
    read_node,
    read_pod,
    read_revision,
    version_of,
)
from callfleet_operator.objects.seen import Key
from callfleet_operator.observing.store import Store
from callfleet_operator.reaching.connection import Connection
from callfleet_operator.reaching.kinds import VoiceFleet, as_raw

_CHUNK = 500
_OF_FLEETS: dict[str, Any] = {FLEET_LABEL: operators.exists()}


class Relisting:
    """Lists what a store is to hold. Raises what requests raise."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        namespaces: Sequence[str],
        *,
        sees_nodes: bool = True,
    ) -> None:
        self._client = connection.lists
        self._store = store
        self._namespaces = tuple(namespaces) or (ALL_NS,)
        self._sees_nodes = sees_nodes

    async def relist(self) -> None:
        """List all kinds. Nodes come first, so that no pod's node seems to be gone."""
        store = self._store
        if self._sees_nodes:
            listed, version = await self._all(Node, (None,))
            nodes = [read_node(one) for one in listed]
            store.nodes.replace({one.name: one for one in nodes}, version)
        listed, version = await self._all(ControllerRevision, self._namespaces, _OF_FLEETS)
        revisions = [one for one in map(read_revision, listed) if one is not None]
        store.revisions.replace({(one.fleet, one.name): one for one in revisions}, version)
        listed, _ = await self._all(PodDisruptionBudget, self._namespaces, _OF_FLEETS)
        store.budgets = {found for one in listed for found in _protected(one)}
        listed, version = await self._all(Pod, self._namespaces, _OF_FLEETS)
        pods = [one for one in map(read_pod, listed) if one is not None]
        store.pods.replace({one.uid: one for one in pods}, version)
        listed, version = await self._all(VoiceFleet, self._namespaces)
        fleets = [read_fleet(as_raw(one)) for one in listed]
        store.fleets.replace({one.key: one for one in fleets}, version)

    async def _all(
        self,
        kind: Any,
        namespaces: Sequence[str | None],
        labels: dict[str, Any] | None = None,
    ) -> tuple[list[Any], int]:
        """List one kind, and say as of which version; of several lists, the oldest."""
        things: list[Any] = []
        versions = []
        for namespace in namespaces:
            found = self._client.list(kind, namespace=namespace, labels=labels, chunk_size=_CHUNK)
            things += [one async for one in found]
            versions.append(version_of(found.resourceVersion))
        return things, min(versions)


def _protected(budget: PodDisruptionBudget) -> list[tuple[Key, str]]:
    """Name the fleet that a budget is for, if it does what it is there for."""
    meta = budget.metadata
    if meta is None:
        return []
    key = Key(meta.namespace or "", meta.name or "")
    owners = [one.uid for one in meta.ownerReferences or ()]
    return [(key, uid) for uid in owners if is_as_built(budget, uid)]
