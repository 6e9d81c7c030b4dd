"""Lay out what a terminal shows. Pure: text from what was seen."""

from collections.abc import Sequence

from callfleet_contract.fleet.status import ConditionType, RolloutPhase, RolloutStatus
from callfleet_operator.objects.seen import SeenFleet, SeenPod

FLEET_HEADS = (
    "NAMESPACE",
    "NAME",
    "MODE",
    "ACCEPTING",
    "STARTING",
    "DRAINING",
    "CALLS",
    "SLOTS",
    "DESIRED",
    "WHY",
    "ROLLOUT",
    "AGE",
)
POD_HEADS = ("NAME", "REVISION", "STATE", "EPOCH", "WHY", "NODE", "AGE")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Set rows in columns, as kubectl does."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def fleet_row(fleet: SeenFleet, now: float) -> tuple[str, ...]:
    """Say how a fleet stands, in one row."""
    status = fleet.status
    mode = str(fleet.spec.autoscaling.mode) if fleet.spec else "unreadable"
    return (
        fleet.key.namespace,
        fleet.key.name,
        "Paused" if fleet.spec and fleet.spec.paused else mode,
        str(status.accepting),
        str(status.starting),
        str(status.draining),
        str(status.calls),
        str(status.slots),
        str(status.desired),
        str(status.why),
        str(status.rollout.phase),
        age(now - fleet.created_at),
    )


def troubles(fleet: SeenFleet) -> list[str]:
    """Say what is wrong with a fleet."""
    if fleet.unreadable:
        return [fleet.unreadable]
    return [
        f"{one.reason}: {one.message}"
        for one in fleet.status.conditions
        if one.type is ConditionType.DEGRADED and one.status == "True"
    ]


def pod_row(pod: SeenPod, now: float) -> tuple[str, ...]:
    """Say how a pod stands, as far as it is written on it."""
    cordon = pod.cordon
    return (
        pod.name,
        pod.revision,
        pod_state(pod),
        str(cordon.epoch) if cordon else "-",
        cordon.reason if cordon and cordon.cordoned else "-",
        pod.node or "-",
        age(now - pod.created_at),
    )


def pod_state(pod: SeenPod) -> str:
    """Name a pod's state in one word."""
    if pod.deleting:
        return "Ending"
    if pod.finished:
        return "Finished"
    if pod.cordon is not None and pod.cordon.cordoned:
        return "Draining"
    if pod.trouble:
        return pod.trouble.partition(":")[0]
    return "Accepting" if pod.ready else "Starting"


def rollout_lines(name: str, told: RolloutStatus) -> list[str]:
    """Say where a rollout stands."""
    lines = [f"{name}: {told.phase}"]
    if told.phase is RolloutPhase.COMPLETE:
        lines[0] += f", revision {told.current}"
    else:
        lines.append(f"revision {told.target} in place of {told.current}, step {told.step + 1}")
    if told.undone:
        lines.append(f"undone: {', '.join(told.undone)}")
    if told.message:
        lines.append(told.message)
    return lines


def age(seconds: float) -> str:
    """Write a length of time in its largest unit."""
    whole = max(0, int(seconds))
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 2 * _HOUR:
        return f"{whole // _MINUTE}m"
    return f"{whole // _HOUR}h" if whole < 2 * _DAY else f"{whole // _DAY}d"
