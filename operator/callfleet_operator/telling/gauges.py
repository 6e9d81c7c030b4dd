"""Show in metrics how a fleet is."""

from callfleet_contract import operator_metrics as metrics
from callfleet_contract.fleet.status import ConditionType, FleetStatus, Limit, RolloutPhase
from callfleet_operator.objects.seen import Key
from callfleet_operator.planning.snapshot import Snapshot
from callfleet_operator.telling.metrics import Metrics


def show(registry: Metrics, fleet: Key, seen: Snapshot, status: FleetStatus) -> None:
    """Set the gauges of a fleet."""
    which = (fleet.namespace, fleet.name)
    for state, pods in _states(seen, status).items():
        registry.set(metrics.PODS, pods, (*which, state))
    registry.set(metrics.DESIRED_PODS, status.desired, which)
    registry.set(metrics.FLEET_SLOTS, status.slots, which)
    registry.set(metrics.FLEET_FREE_SLOTS, status.free_slots, which)
    registry.set(metrics.FLEET_CALLS, status.calls, which)
    for limit in Limit:
        registry.set(metrics.LIMITED_BY, limit is status.limited_by, (*which, limit))
    for phase in RolloutPhase:
        registry.set(metrics.ROLLOUT_PHASE, phase is status.rollout.phase, (*which, phase))
    degraded = any(
        one.type is ConditionType.DEGRADED and one.status == "True" for one in status.conditions
    )
    registry.set(metrics.DEGRADED, degraded, which)
    ages = [pod.heard.age_seconds for pod in seen.pods if pod.heard and not pod.finished]
    registry.set(metrics.ADMISSION_REPORT_AGE_SECONDS, max(ages, default=0.0), which)


def _states(seen: Snapshot, status: FleetStatus) -> dict[str, int]:
    stale_seconds = seen.spec.autoscaling.metrics.stale_after_seconds
    finished = sum(pod.finished for pod in seen.pods)
    ending = sum(pod.deleting and not pod.finished for pod in seen.pods)
    unheard = sum(
        pod.heard is not None and pod.heard.age_seconds > stale_seconds
        for pod in seen.pods
        if not pod.deleting and not pod.finished
    )
    return {
        "accepting": status.accepting,
        "starting": status.starting,
        "draining": status.draining,
        "unheard": unheard,
        "ending": ending,
        "finished": finished,
    }
