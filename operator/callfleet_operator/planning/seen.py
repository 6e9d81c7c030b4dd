"""Say of each pod where it stands: what it gives, and what is known of it. One pass, no clock."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from callfleet_contract.admission import Report
from callfleet_contract.fleet.spec import Mode
from callfleet_operator.planning.snapshot import Doubted, Pod, Snapshot

RESUME_SECONDS = 30.0
"""A worker that has not heeded for so long that it may take calls again is not counted on."""
LEAST_START_SECONDS = 120.0
START_LEAD_TIMES = 4.0


class Standing(StrEnum):
    """Where a pod stands. The first six are not cordoned and not about to go."""

    ACCEPTING = "Accepting"
    RESUMING = "Resuming"
    """Told to take calls again, and has not said so yet."""
    STARTING = "Starting"
    STUCK = "Stuck"
    """Its container does not run, for longer than a start takes."""
    UNCONNECTED = "Unconnected"
    """Its worker is heard, and has no connection to LiveKit, for longer than a start takes."""
    SILENT = "Silent"
    """Its worker cannot be heard, or another one answers: it counts as busy, with no free slot."""
    GOING = "Going"
    """Its worker ends by itself, or does not heed that it may take calls."""
    DRAINING = "Draining"
    ENDING = "Ending"
    """Deleted: it ends with its calls, or with its grace."""
    FINISHED = "Finished"
    LOST = "Lost"
    """Its node is gone, and with it its calls."""


UNCORDONED = frozenset(
    {
        Standing.ACCEPTING,
        Standing.RESUMING,
        Standing.STARTING,
        Standing.STUCK,
        Standing.UNCONNECTED,
        Standing.SILENT,
        Standing.GOING,
    }
)
OVER = frozenset({Standing.FINISHED, Standing.LOST})


@dataclass(frozen=True, slots=True)
class Seen:
    """One pod, and what to make of it."""

    pod: Pod
    standing: Standing
    report: Report | None
    """What its own worker last said, be it long ago."""
    fresh: bool
    slots: int
    leaves: bool
    """Its node leaves."""
    doubted: Doubted | None = None
    """What answers in place of its own worker, be that heard no more or not for long."""
    proves: bool = False
    """It takes calls, and shows that its revision works: it has been connected for long enough."""

    @property
    def calls(self) -> int:
        """Calls as last told."""
        return self.report.calls if self.report else 0

    @property
    def uncordoned(self) -> bool:
        """Whether it is meant to take calls."""
        return self.standing in UNCORDONED

    @property
    def accepting(self) -> bool:
        """Whether it takes calls now."""
        return self.standing is Standing.ACCEPTING

    @property
    def sessions(self) -> int:
        """Calls that it may come to hold."""
        if self.standing in OVER:
            return 0
        if self.report is None:
            takes_more = self.uncordoned or self.pod.running
        else:
            takes_more = not (self.report.cordoned or self.report.draining)
        return self.slots if takes_more else self.calls


@dataclass(frozen=True, slots=True)
class View:
    """The fleet's pods, each with its standing."""

    snapshot: Snapshot
    pods: tuple[Seen, ...]
    proven: frozenset[str]
    """Revisions of which a worker takes calls, and has for long enough."""
    revision_slots: dict[str, int]
    start_timeout_seconds: float

    def slots_of(self, revision: str) -> int:
        """Slots that a new pod of a revision will have."""
        return self.revision_slots.get(revision, self.snapshot.spec.slots)

    def standing(self, *standings: Standing) -> Iterator[Seen]:
        """Pods that stand so."""
        return (seen for seen in self.pods if seen.standing in standings)

    @property
    def total(self) -> int:
        """Pods that there are, but those that are over."""
        return sum(seen.standing not in OVER for seen in self.pods)

    @property
    def sessions(self) -> int:
        """Calls that all pods may come to hold."""
        return sum(seen.sessions for seen in self.pods)


def age_seconds(pod: Pod, now: float) -> float:
    """How old a pod is; 0 where the API server's clock is ahead."""
    return max(0.0, now - pod.created_at)


def lead_seconds(snapshot: Snapshot) -> float:
    """How long a new worker takes to accept calls."""
    return float(snapshot.spec.autoscaling.headroom.lead_time_seconds or snapshot.lead_time_seconds)


def look(snapshot: Snapshot) -> View:
    """See where each pod stands."""
    timeout = max(LEAST_START_SECONDS, START_LEAD_TIMES * lead_seconds(snapshot))
    nodes = {node.name: node.leaving for node in snapshot.nodes}
    slots = _slots_by_revision(snapshot)
    pods = tuple(_see(pod, snapshot, nodes, slots, timeout) for pod in snapshot.pods)
    proven = frozenset(seen.pod.revision for seen in pods if seen.proves)
    return View(snapshot, pods, proven, slots, timeout)


def _slots_by_revision(snapshot: Snapshot) -> dict[str, int]:
    """Say how many slots workers have: as is kept of a revision, or else as its workers tell."""
    kept = {revision.name: revision.slots for revision in snapshot.revisions}
    kept[snapshot.target_revision] = snapshot.spec.slots
    told: dict[str, int] = {}
    for pod in snapshot.pods:
        report = _own_report(pod)
        if report is not None:
            told[pod.revision] = max(1, told.get(pod.revision, 1), report.slots)
    return {**told, **kept}


def _see(
    pod: Pod, snapshot: Snapshot, nodes: dict[str, bool], slots: dict[str, int], timeout: float
) -> Seen:
    report = _own_report(pod)
    stale_after = snapshot.spec.autoscaling.metrics.stale_after_seconds
    fresh = report is not None and pod.heard is not None and pod.heard.age_seconds <= stale_after
    is_doubted = pod.doubted is not None and pod.doubted.age_seconds <= stale_after
    doubted = pod.doubted if is_doubted else None
    is_gone = snapshot.nodes_known and pod.node != "" and pod.node not in nodes
    if pod.finished:
        standing = Standing.FINISHED
    elif pod.deleting:
        standing = Standing.ENDING
    elif is_gone:
        standing = Standing.LOST
    elif pod.cordon is not None and pod.cordon.cordoned:
        standing = Standing.DRAINING
    else:
        known = replace(pod, doubted=doubted)
        standing = _uncordoned(known, report if fresh else None, snapshot.now, timeout)
    expected = slots.get(pod.revision, snapshot.spec.slots)
    by_report = snapshot.spec.autoscaling.mode is Mode.AUTO and report is not None
    held = max(1, report.slots) if by_report and report is not None else expected
    proves = standing is Standing.ACCEPTING and _is_long_connected(pod, snapshot)
    return Seen(pod, standing, report, fresh, held, nodes.get(pod.node, False), doubted, proves)


def _is_long_connected(pod: Pod, snapshot: Snapshot) -> bool:
    """Whether a worker has been connected for long enough; of a proven revision all have."""
    if pod.revision == snapshot.rollout.current or pod.heard is None:
        return True
    return pod.heard.connected_for_seconds >= snapshot.spec.rollout.min_ready_seconds


def _uncordoned(pod: Pod, report: Report | None, now: float, timeout: float) -> Standing:
    is_young = age_seconds(pod, now) < timeout
    if report is None:
        is_waited_for = pod.heard is None and pod.doubted is None
        if is_young and (is_waited_for or not pod.running):
            return Standing.STARTING
        return Standing.SILENT if pod.running else Standing.STUCK
    if report.draining:
        return Standing.GOING
    if report.cordoned:
        since = pod.cordon.since if pod.cordon is not None else 0.0
        is_told = since <= 0 or now - since < RESUME_SECONDS
        return Standing.RESUMING if is_told else Standing.GOING
    if report.registered:
        return Standing.ACCEPTING
    return Standing.STARTING if is_young else Standing.UNCONNECTED


def _own_report(pod: Pod) -> Report | None:
    if pod.heard is None or pod.heard.report.pod_uid != pod.uid:
        return None
    return pod.heard.report
