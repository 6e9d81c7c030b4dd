"""What a decision can be: each action names what it does, to which pod, and why. Values only."""

from dataclasses import dataclass, field
from enum import StrEnum

from callfleet_contract.fleet.status import Condition, Limit, RolloutStatus, Why
from callfleet_operator.planning.snapshot import Memory, Pod


class Reason(StrEnum):
    """Why an action is taken; in Events, logs and metrics."""

    DEMAND = "Demand"
    EXHAUSTED = "SlotsRanOut"
    MINIMUM = "Minimum"
    MANUAL = "Manual"
    FALLBACK = "Fallback"
    SURPLUS = "Surplus"
    ROLLOUT = "Rollout"
    UNDO = "Undo"
    NODE_LEAVES = "NodeLeaves"
    NODE_GONE = "NodeGone"
    REPLACE = "Replace"
    """A pod is missing that was there."""
    IDLE = "Idle"
    FINISHED = "Finished"
    STUCK = "Stuck"
    DEADLINE = "Deadline"
    REMIND = "Remind"
    """The worker does not obey the order that is written on its pod: it is sent again."""
    REPAIR = "Repair"
    """What is written on the pod contradicts itself, or its worker obeyed something newer."""
    USER_CORDON = "CordonedByUser"
    """Written by a user's command, never planned: the pod stays, and takes no calls."""
    USER_DRAIN = "DrainedByUser"
    """Written by a user's command, never planned: the pod goes when its calls have ended."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make ``count`` pods of a revision."""

    count: int
    revision: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class SetCordon:
    """Write an order on a pod, and the label that goes with it, then send it.

    ``epoch`` is newer than all that were seen. ``since`` and ``written`` are what the order is to
    say as its own ``since`` and ``reason``: a repair keeps those of the order that it mends.
    """

    pod: Pod
    cordon: bool
    epoch: int
    reason: Reason
    since: float = 0.0
    written: str = ""


@dataclass(frozen=True, slots=True)
class Remind:
    """Send the order that is written on the pod once more."""

    pod: Pod
    reason: Reason = Reason.REMIND


@dataclass(frozen=True, slots=True)
class Relabel:
    """Write the label again that goes with the order on the pod: another hand changed it."""

    pod: Pod
    accepting: bool
    reason: Reason = Reason.REPAIR


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a pod, if it is still as it was seen. ``ends_calls`` only on a deadline."""

    pod: Pod
    reason: Reason
    ends_calls: bool = False


Action = Create | SetCordon | Remind | Relabel | Delete


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures of the status."""

    replicas: int = 0
    """Pods that are to accept: what the scale subresource says."""
    accepting: int = 0
    starting: int = 0
    draining: int = 0
    calls: int = 0
    slots: int = 0
    free_slots: int = 0
    fresh_percent: int = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in this order, what to say of it, and what to remember."""

    actions: tuple[Action, ...]
    desired: int
    why: Why
    message: str
    limited_by: Limit
    rollout: RolloutStatus
    conditions: tuple[Condition, ...]
    memory: Memory
    look_again_seconds: float | None = None
    """When something falls due before the next tick."""
    notes: tuple[str, ...] = field(default=())
    """How the number came about, step by step, for ``fleet plan --explain``."""
    counts: Counts = field(default_factory=Counts)
