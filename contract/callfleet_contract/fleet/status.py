"""What the operator answers in a ``VoiceFleet``'s status. The schema is generated from here."""

from enum import StrEnum

from pydantic import Field

from callfleet_contract.fleet.kinds import Part


class ConditionType(StrEnum):
    """What may be true of a fleet."""

    AVAILABLE = "Available"
    """At least the wanted number of workers accepts calls, or no call waits for one."""
    PROGRESSING = "Progressing"
    """Workers start, drain or are replaced."""
    DEGRADED = "Degraded"
    """Something is wrong that a person has to mend."""
    SCALING_LIMITED = "ScalingLimited"
    """More or fewer workers were wanted than something allows."""


class Limit(StrEnum):
    """What keeps the number of workers from what was wanted."""

    NONE = "None"
    MIN_REPLICAS = "MinReplicas"
    MAX_REPLICAS = "MaxReplicas"
    MAX_TOTAL_PODS = "MaxTotalPods"
    SESSIONS = "ExternalSessionLimit"
    HOLD = "Hold"
    RATE = "Rate"
    STABILIZATION = "Stabilization"
    STALE_REPORTS = "StaleReports"
    PAUSED = "Paused"


class Why(StrEnum):
    """The one word for what decides the size, or keeps it, as ``kubectl get`` shows it."""

    IDLE = "Idle"
    BUSY = "Busy"
    """Calls, and those that are to be expected, need so many."""
    EXHAUSTED = "SlotsRanOut"
    MANUAL = "Manual"
    SHRINKING = "Shrinking"
    STABILIZING = "Stabilizing"
    ROLLING = "Rolling"
    REPLACING = "Replacing"
    """Nodes go, or pods went."""
    LIMITED = "Limited"
    FALLBACK = "Fallback"
    """Workers cannot be heard."""
    PAUSED = "Paused"
    DEGRADED = "Degraded"


class RolloutPhase(StrEnum):
    """Where a rollout stands."""

    COMPLETE = "Complete"
    ROLLING = "Rolling"
    PAUSED = "Paused"
    UNDOING = "Undoing"
    UNDONE = "Undone"
    FAILED = "Failed"


class Condition(Part):
    """One condition, as Kubernetes has them."""

    type: ConditionType = Field(description="What is said to be true of the fleet, or not.")
    status: str = Field(pattern="^(True|False|Unknown)$", description="True, False or Unknown.")
    reason: str = Field(min_length=1, max_length=128, description="Why, in one word.")
    message: str = Field(default="", max_length=4096, description="Why, in a sentence.")
    observed_generation: int = Field(
        default=0, description="Generation of the spec that this was seen with."
    )
    last_transition_time: str = Field(
        default="",
        max_length=64,
        json_schema_extra={"format": "date-time"},
        description="When the status last changed.",
    )


class RolloutStatus(Part):
    """How far one revision has taken the place of another. What a restarted operator goes on from.

    Times are RFC 3339 in UTC.
    """

    phase: RolloutPhase = RolloutPhase.COMPLETE
    current: str = Field(default="", description="Revision that has proved itself.")
    previous: str = Field(default="", description="Revision that had proved itself before.")
    target: str = Field(default="", description="Revision that takes its place.")
    step: int = Field(default=0, ge=0, description="Number of the step, from 0.")
    step_since: str = Field(default="", description="When that step's share was reached.")
    progressed_at: str = Field(default="", description="When it last got further.")
    accepted: int = Field(
        default=0, ge=0, description="Most workers of the target that accepted calls at once."
    )
    undone: tuple[str, ...] = Field(
        default=(), description="Revisions that failed, or that a user undid."
    )
    void_undo: str = Field(
        default="",
        description="Undo that a user asked for before another revision was: it counts no more.",
    )
    message: str = Field(default="", description="How far it is, in a sentence.")


class FleetStatus(Part):
    """What is true of a fleet, as the operator last saw it."""

    observed_generation: int = Field(
        default=0, description="Generation of the spec that all of this was seen with."
    )
    replicas: int = Field(default=0, description="Accepting pods; what the scale subresource says.")
    selector: str = Field(default="", description="Selects the accepting pods.")
    desired: int = Field(default=0, description="Accepting pods that are wanted.")
    accepting: int = Field(default=0, description="Pods whose worker takes calls.")
    starting: int = Field(default=0, description="Pods whose worker will soon.")
    draining: int = Field(default=0, description="Pods whose calls may finish, and go then.")
    calls: int = Field(default=0, description="Calls in progress.")
    slots: int = Field(default=0, description="Calls that accepting workers hold at once.")
    free_slots: int = Field(default=0, description="Of those, free ones.")
    why: Why = Field(
        default=Why.IDLE, description="The one word for what decides the size, or keeps it."
    )
    message: str = Field(default="", description="The same in a sentence.")
    limited_by: Limit = Field(
        default=Limit.NONE, description="What keeps the number of workers from what was wanted."
    )
    fresh_percent: int = Field(
        default=100, description="Share of the workers whose reports are fresh."
    )
    lead_time_seconds: float = Field(
        default=0.0, description="How long a new worker takes to accept calls, its p90."
    )
    rollout: RolloutStatus = Field(
        default_factory=RolloutStatus,
        description="How far one revision has taken the place of another. Times are RFC 3339.",
    )
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=16,
        description="What `kubectl wait --for=condition=Available` waits for.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    )
