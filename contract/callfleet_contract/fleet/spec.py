"""What a user writes in a ``VoiceFleet``. The schema of the resource is generated from here.

What shapes a pod has no default in the schema, but here in code, so that a revision is the hash of
what the user wrote and a newer operator rolls no fleet. What steers the operator has defaults in
the schema, so that ``kubectl get -o yaml`` shows them.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from callfleet_contract.fleet.autoscaling import (
    DEFAULT_FALLBACK_REPLICAS,
    MOST_PODS,
    Autoscaling,
    Count,
    Fallback,
    FallbackBehavior,
    Headroom,
    Hold,
    Mode,
    Reports,
    ScaleDown,
    ScaleUp,
)
from callfleet_contract.fleet.kinds import Address, IntOrPercent, Part, Percent, Rule, Text
from callfleet_contract.fleet.template import ImagePullPolicy, Persona, PodTemplate

__all__ = [
    "DEFAULT_FALLBACK_REPLICAS",
    "DEFAULT_MAX_CALL_SECONDS",
    "DEFAULT_SLOTS",
    "MOST_PODS",
    "Autoscaling",
    "Count",
    "Drain",
    "Fallback",
    "FallbackBehavior",
    "FleetSpec",
    "Headroom",
    "Hold",
    "ImagePullPolicy",
    "Mode",
    "OnDeadline",
    "Persona",
    "PodTemplate",
    "Reports",
    "Rollout",
    "ScaleDown",
    "ScaleUp",
]

DEFAULT_SLOTS = 10
DEFAULT_MAX_CALL_SECONDS = 3600

_SLOTS = f"(has(self.slotsPerPod) ? self.slotsPerPod : {DEFAULT_SLOTS})"
_PODS_AT_LEAST = "(self.autoscaling.minReplicas > 1 ? self.autoscaling.minReplicas : 1)"


class OnDeadline(StrEnum):
    """What becomes of calls on a drained worker that outlast the deadline."""

    HOLD = "Hold"
    TERMINATE = "Terminate"


class Drain(Part):
    """How calls on a worker that goes may finish."""

    max_call_seconds: int | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description=f"How long calls may finish, {DEFAULT_MAX_CALL_SECONDS} where unset. Also the "
        "backstop when something else deletes the pod: its grace period is a little longer.",
    )
    on_deadline: OnDeadline = Field(
        default=OnDeadline.HOLD,
        description="Hold: calls go on, and a condition says so. Terminate: they are ended.",
    )


class Rollout(Part):
    """How a new revision takes the place of the old one."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.steps.isSorted() && self.steps[size(self.steps) - 1] == 100"
            " && self.steps.all(each, self.steps.exists_one(other, other == each))",
            "steps are %s: they have to grow and end with 100, for example [10, 50, 100]",
            ".steps",
            ("self.steps",),
        ),
        Rule(
            "type(self.maxSurge) == int ? self.maxSurge >= 1"
            " : self.maxSurge.matches('^(100|[1-9][0-9]?)%$')",
            "maxSurge is %s: write a number of pods from 1, such as 2, or a share from 1%% to "
            "100%%, such as 25%%; without a pod beyond the wanted number no revision can take the "
            "place of another",
            ".maxSurge",
            ("self.maxSurge",),
        ),
        Rule(
            "self.minReadySeconds < self.progressDeadlineSeconds",
            "minReadySeconds is %s, not less than progressDeadlineSeconds, %s: no revision could "
            "prove itself in time; lower the one or raise the other",
            ".minReadySeconds",
            ("self.minReadySeconds", "self.progressDeadlineSeconds"),
        ),
    )

    max_surge: IntOrPercent = Field(
        default="25%",
        description="Pods beyond the wanted number while a revision replaces another.",
    )
    steps: tuple[Percent, ...] = Field(
        default=(100,),
        min_length=1,
        max_length=20,
        description="Shares of slots that the new revision has, one after the other.",
    )
    pause_seconds: int = Field(
        default=0, ge=0, le=86_400, description="How long each step but the last is held."
    )
    min_ready_seconds: int = Field(
        default=10,
        ge=0,
        le=3600,
        description="A worker of the new revision counts when it has been connected to LiveKit for "
        "so long without a break. One that crashes sooner lets no old one go.",
    )
    progress_deadline_seconds: int = Field(
        default=600,
        ge=30,
        le=86_400,
        description="A revision that gets no further for so long has failed.",
    )
    auto_rollback: bool = Field(
        default=True, description="Undo a revision that has failed; else only say so."
    )
    paused: bool = Field(
        default=False, description="Hold the rollout where it is. Scaling goes on."
    )
    revision_history_limit: int = Field(
        default=10, ge=1, le=100, description="Revisions kept of which no pod is left."
    )


class FleetSpec(Part):
    """A fleet of workers with one persona."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.autoscaling.mode != 'Manual' || has(self.replicas)",
            "autoscaling.mode is Manual, and replicas is not set: set it, or set mode to Auto",
            ".replicas",
        ),
        Rule(
            "!has(self.replicas) || self.autoscaling.mode != 'Auto'"
            " || oldSelf.autoscaling.mode != 'Auto'"
            " || (has(oldSelf.replicas) && self.replicas == oldSelf.replicas)",
            "replicas cannot be set to %s while autoscaling.mode is Auto, in which the operator "
            "decides: set autoscaling.minReplicas and maxReplicas, or autoscaling.mode: Manual",
            ".replicas",
            ("self.replicas",),
        ),
        Rule(
            "!has(self.autoscaling.externalSessionLimit)"
            f" || self.autoscaling.externalSessionLimit >= {_PODS_AT_LEAST} * {_SLOTS}",
            "autoscaling.externalSessionLimit is %s, less than the slots of the fewest pods, %s: "
            "raise it, or lower slotsPerPod or autoscaling.minReplicas",
            ".autoscaling.externalSessionLimit",
            ("self.autoscaling.externalSessionLimit", f"{_PODS_AT_LEAST} * {_SLOTS}"),
        ),
    )

    agent_name: Text | None = Field(
        default=None,
        description="Name under which calls ask for the agent; the fleet's own where unset.",
    )
    livekit_url: Address | None = Field(
        default=None,
        alias="livekitURL",
        description="LiveKit server; where unset, LIVEKIT_URL of the template's secrets.",
    )
    replicas: Count | None = Field(
        default=None, description="Accepting pods in mode Manual. In Auto it is not used."
    )
    slots_per_pod: Annotated[int, Field(ge=1, le=200)] | None = Field(
        default=None,
        description=f"Calls that a worker holds at once, {DEFAULT_SLOTS} where unset. "
        "`callfleet capacity` measures what a pod carries.",
    )
    paused: bool = Field(
        default=False,
        description="Do nothing to this fleet: neither scale, nor roll, nor replace.",
    )
    autoscaling: Autoscaling = Field(
        default_factory=Autoscaling, description="How many workers accept calls."
    )
    drain: Drain = Field(
        default_factory=Drain, description="How calls on a worker that goes may finish."
    )
    rollout: Rollout = Field(
        default_factory=Rollout, description="How a new revision takes the place of the old one."
    )
    persona: Persona | None = Field(
        default=None,
        description="Who the agent is. What is unset is as the worker has it; see its settings.",
    )
    template: PodTemplate = Field(description="What the pods are made of.")

    @property
    def slots(self) -> int:
        """Calls that a worker holds at once."""
        return self.slots_per_pod or DEFAULT_SLOTS

    @property
    def max_call_seconds(self) -> int:
        """How long calls on a worker that goes may finish."""
        return self.drain.max_call_seconds or DEFAULT_MAX_CALL_SECONDS
