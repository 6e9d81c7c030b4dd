"""Make the picture that a decision is made from, of what was seen and heard. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass

from callfleet_contract.fleet.spec import FleetSpec
from callfleet_operator.objects.revisions import revision_name
from callfleet_operator.objects.seen import SeenFleet, SeenPod
from callfleet_operator.observing.ears import Ears
from callfleet_operator.observing.store import Store
from callfleet_operator.planning.snapshot import Memory, Node, Pod, Revision, Snapshot

GUESSED_LEAD_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on two clocks: seconds since the epoch, and those of a clock that never jumps."""

    epoch: float
    steady: float


class Picturing:
    """Makes snapshots."""

    def __init__(self, store: Store, ears: Ears, *, sees_nodes: bool = True) -> None:
        self._store = store
        self._ears = ears
        self._sees_nodes = sees_nodes

    def picture(self, fleet: SeenFleet, spec: FleetSpec, memory: Memory, now: Moment) -> Snapshot:
        """Picture one fleet as of now, but for what the API server refused."""
        pods = [pod for pod in self._store.pods_of(fleet.key) if pod.fleet_uid == fleet.uid]
        lead = self._ears.lead_time_seconds(fleet.key) or fleet.status.lead_time_seconds
        return Snapshot(
            now=now.epoch,
            name=fleet.key.name,
            generation=fleet.generation,
            spec=spec,
            target_revision=revision_name(spec),
            memory=memory,
            pods=tuple(self._pod(pod, now.steady) for pod in pods),
            nodes=self._nodes({pod.node for pod in pods if pod.node}),
            revisions=tuple(
                Revision(one.name, one.number, one.shape.slots)
                for one in self._store.revisions_of(fleet)
            ),
            nodes_known=self._sees_nodes,
            rollout=fleet.status.rollout,
            arrivals=self._ears.arrivals(fleet.key, now.steady),
            lead_time_seconds=lead or GUESSED_LEAD_SECONDS,
            desired_before=fleet.status.desired if fleet.status.observed_generation else None,
            undo=fleet.undo,
            agent_name_taken_by=taken_by(fleet, self._store.fleets),
        )

    def unknown_nodes(self, fleet: SeenFleet) -> tuple[str, ...]:
        """Name nodes that pods are on and that were never seen: they may be new, or gone."""
        if not self._sees_nodes:
            return ()
        names = {pod.node for pod in self._store.pods_of(fleet.key) if pod.node}
        nodes = self._store.nodes
        return tuple(name for name in names if nodes.get(name) is None and not nodes.is_gone(name))

    def _pod(self, pod: SeenPod, now: float) -> Pod:
        return Pod(
            name=pod.name,
            uid=pod.uid,
            resource_version=str(pod.version),
            revision=pod.revision,
            created_at=pod.created_at,
            node=pod.node,
            ready=pod.ready,
            finished=pod.finished,
            deleting=pod.deleting,
            running=self._may_run(pod),
            trouble=pod.trouble,
            cordon=pod.cordon,
            labelled_accepting=pod.labelled_accepting,
            heard=self._ears.heard(pod.uid, now, pod.cordon),
            doubted=self._ears.doubts(pod.uid, now),
        )

    def _may_run(self, pod: SeenPod) -> bool:
        """Tell whether a pod may hold calls; what a kubelet said that is silent now is no proof."""
        if not pod.node:
            return False
        node = self._store.nodes.get(pod.node)
        kubelet_speaks = node is not None and node.ready
        return not (kubelet_speaks and pod.container in ("waiting", "terminated"))

    def _nodes(self, names: Iterable[str]) -> tuple[Node, ...]:
        """Give the nodes that are there; of one that was never seen it is not said that it left."""
        nodes = []
        for name in sorted(names):
            seen = self._store.nodes.get(name)
            if seen is not None:
                nodes.append(Node(name, seen.leaving))
            elif not (self._sees_nodes and self._store.nodes.is_gone(name)):
                nodes.append(Node(name))
        return tuple(nodes)


def taken_by(fleet: SeenFleet, fleets: Iterable[SeenFleet]) -> str:
    """Name the oldest other fleet that answers to the same agent name on the same LiveKit."""
    mine = _line(fleet)
    older = sorted(
        (one.created_at, one.uid, str(one.key))
        for one in fleets
        if one.uid != fleet.uid
        and not one.deleting
        and mine is not None
        and _line(one) == mine
        and (one.created_at, one.uid) < (fleet.created_at, fleet.uid)
    )
    return older[0][2] if older else ""


def _line(fleet: SeenFleet) -> tuple[str, ...] | None:
    """Say under which name and where a fleet answers.

    Where the server's address is in a Secret, only fleets of the same Secrets are known to share
    it.
    """
    spec = fleet.spec
    if spec is None:
        return None
    agent_name = spec.agent_name or fleet.key.name
    if spec.livekit_url is not None:
        return agent_name, spec.livekit_url.rstrip("/")
    return agent_name, "", fleet.key.namespace, *sorted(spec.template.secrets)
