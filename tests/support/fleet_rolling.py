"""Fleets in which one revision takes the place of another."""

from typing import Any

from fleet_worlds import fleet_spec, rolling, seen, worker

from callfleet_contract.fleet.status import RolloutStatus
from callfleet_operator.planning.snapshot import Pod, Snapshot


def old(count: int, calls: int = 0, first: int = 0) -> list[Pod]:
    """Make workers of the revision that is replaced, r1."""
    return [worker(f"old{number}", calls) for number in range(first, first + count)]


def new(count: int, **facts: Any) -> list[Pod]:
    """Make workers of the revision that takes its place, r2."""
    return [worker(f"new{number}", revision="r2", **facts) for number in range(count)]


def fleet(*pods: Pod, size: int = 4, status: RolloutStatus | None = None, **facts: Any) -> Snapshot:
    """See pods of a fleet that goes from r1 to r2; ``size`` workers are wanted."""
    rollout = facts.pop("rollout", {})
    auto = {"minReplicas": size, **facts.pop("auto", {})}
    return seen(
        *pods,
        spec=fleet_spec(auto, rollout=rollout),
        target_revision=facts.pop("target_revision", "r2"),
        rollout=status or rolling(),
        desired_before=size,
        **facts,
    )
