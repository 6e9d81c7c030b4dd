"""What a user writes in a ``VoiceFleet``. The schema of the resource is generated from here.

What shapes a pod has no default in the schema, but here in code, so that a revision is the hash of
what the user wrote and a newer operator rolls no fleet. What steers the operator has defaults in
the schema, so that ``kubectl get -o yaml`` shows them.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from callfleet_contract.fleet.kinds import (
    Anything,
    IntOrPercent,
    LongText,
    Part,
    Percent,
    Rule,
    Text,
)

MOST_PODS = 5000
DEFAULT_SLOTS = 10
DEFAULT_MAX_CALL_SECONDS = 3600

Count = Annotated[int, Field(ge=0, le=MOST_PODS)]


class Mode(StrEnum):
    """Who decides how many workers accept calls."""

    AUTO = "Auto"
    MANUAL = "Manual"


class Hold(StrEnum):
    """A direction in which the operator does not scale for now."""

    NONE = "None"
    SCALE_IN = "ScaleIn"
    SCALE_OUT = "ScaleOut"


class FallbackBehavior(StrEnum):
    """What a fleet whose reports are lost is held at."""

    CURRENT_IF_HIGHER = "CurrentIfHigher"
    STATIC = "Static"


class OnDeadline(StrEnum):
    """What becomes of calls on a drained worker that outlast the deadline."""

    HOLD = "Hold"
    TERMINATE = "Terminate"


class Headroom(Part):
    """How many slots are kept free, so that nobody waits."""

    answer_slo: float = Field(
        default=0.999,
        gt=0.5,
        lt=1,
        alias="answerSLO",
        description="Share of calls that must find a free slot at once. Higher keeps more workers "
        "idle.",
    )
    min_idle_slots: int = Field(
        default=10, ge=0, le=100_000, description="Slots that are free even when nobody calls."
    )
    lead_time_seconds: int | None = Field(
        default=None,
        ge=1,
        le=3600,
        description="How long a new worker takes to accept calls. Unset, it is measured.",
    )


class ScaleUp(Part):
    """How fast a fleet may grow."""

    stabilization_seconds: int = Field(
        default=0, ge=0, le=3600, description="Grow only for what has been needed for so long."
    )
    max_pods: int = Field(default=20, ge=1, le=MOST_PODS, description="New pods in one period.")
    max_percent: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="New pods in one period as a share of the accepting ones; the larger of the "
        "two counts.",
    )
    period_seconds: int = Field(default=15, ge=1, le=3600, description="Length of a period.")


class ScaleDown(Part):
    """How slowly a fleet shrinks. No call is ended by it."""

    stabilization_seconds: int = Field(
        default=300,
        ge=0,
        le=86_400,
        description="Shrink only to what has been enough for so long. Shorter saves money and "
        "makes the next burst wait.",
    )
    max_percent: Percent = Field(
        default=25, description="Share of the accepting pods drained in one period, at least one."
    )
    period_seconds: int = Field(default=60, ge=1, le=3600, description="Length of a period.")
    min_pod_age_seconds: int = Field(
        default=300, ge=0, le=86_400, description="Younger pods are not drained."
    )


class Fallback(Part):
    """What to hold on to when workers cannot be heard."""

    after_seconds: int = Field(
        default=60, ge=5, le=3600, description="How long reports may be missing before."
    )
    replicas: Count = Field(default=5, description="Accepting pods that are held then.")
    behavior: FallbackBehavior = Field(
        default=FallbackBehavior.CURRENT_IF_HIGHER,
        description="CurrentIfHigher never shrinks; Static goes to replicas, never below what "
        "calls need.",
    )


class Reports(Part):
    """How much is trusted in what workers say of themselves."""

    stale_after_seconds: int = Field(
        default=15,
        ge=5,
        le=600,
        description="A worker that was silent for longer counts as busy and without a free slot.",
    )
    min_fresh_percent: Percent = Field(
        default=80, description="With fewer fresh reports no pod is drained for size."
    )
    fallback: Fallback = Field(default_factory=Fallback)


class Autoscaling(Part):
    """How many workers accept calls."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.minReplicas <= self.maxReplicas",
            "'minReplicas is ' + string(self.minReplicas) + ', more than maxReplicas, ' + "
            "string(self.maxReplicas) + ': lower the one or raise the other'",
            ".minReplicas",
        ),
        Rule(
            "!has(self.maxTotalPods) || self.maxReplicas <= self.maxTotalPods",
            "'maxTotalPods is ' + string(self.maxTotalPods) + ', less than maxReplicas, ' + "
            "string(self.maxReplicas) + ': draining pods need room beside the accepting ones, so "
            "set it to half as many again'",
            ".maxTotalPods",
        ),
        Rule(
            "self.metrics.fallback.replicas <= self.maxReplicas",
            "'metrics.fallback.replicas is ' + string(self.metrics.fallback.replicas) + ', more "
            "than maxReplicas, ' + string(self.maxReplicas) + ': lower the one or raise the other'",
            ".metrics.fallback.replicas",
        ),
    )

    mode: Mode = Field(
        default=Mode.AUTO,
        description="Auto: the operator decides. Manual: spec.replicas does, which kubectl scale, "
        "an HPA or KEDA writes; the operator chooses which workers go.",
    )
    hold: Hold = Field(default=Hold.NONE, description="Do not shrink, or do not grow, for now.")
    min_replicas: Count = Field(default=1, description="Accepting pods when nobody calls.")
    max_replicas: Count = Field(default=50, description="Accepting pods at most.")
    max_total_pods: int | None = Field(
        default=None,
        ge=1,
        le=2 * MOST_PODS,
        description="Accepting and draining pods at most. Unset, half as many again as "
        "maxReplicas, and at least one more.",
    )
    external_session_limit: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Sessions that the model's provider grants. The fleet never has more slots.",
    )
    sync_seconds: int = Field(
        default=5,
        ge=1,
        le=300,
        description="How often the size is thought over; at once when slots run out.",
    )
    headroom: Headroom = Field(default_factory=Headroom)
    scale_up: ScaleUp = Field(default_factory=ScaleUp)
    scale_down: ScaleDown = Field(default_factory=ScaleDown)
    metrics: Reports = Field(default_factory=Reports)

    @property
    def most_pods(self) -> int:
        """Accepting and draining pods at most."""
        if self.max_total_pods is not None:
            return self.max_total_pods
        return max(self.max_replicas + 1, self.max_replicas * 3 // 2)


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
            "self.steps.isSorted() && self.steps[size(self.steps) - 1] == 100",
            "'steps have to grow and end with 100, for example [10, 50, 100]'",
            ".steps",
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


class Persona(Part):
    """Who the agent is. What is unset is as the worker has it; see its settings."""

    instructions: LongText | None = Field(default=None, description="The model's instructions.")
    voice: Text | None = Field(default=None, description="Name of a Gemini voice.")
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="0 answers the same each time."
    )
    greeting: LongText | None = Field(
        default=None, description="What the agent is told to say first."
    )
    cut_off: LongText | None = Field(
        default=None, description="What it is told to say to a caller whose line was cut off."
    )
    language: Text | None = Field(default=None, description="BCP-47 code of the language spoken.")
    agent_class: Text | None = Field(
        default=None, description="Import path of an Agent class with tools, in the image."
    )


class PodTemplate(Part):
    """What the pods are made of."""

    image: Text = Field(description="The worker's image.")
    image_pull_policy: Text | None = Field(default=None, description="As a container has it.")
    image_pull_secrets: tuple[Text, ...] = Field(
        default=(), max_length=20, description="Secrets that the image is pulled with."
    )
    secrets: tuple[Text, ...] = Field(
        default=(),
        max_length=20,
        description="Secrets whose keys become environment variables: LIVEKIT_URL, "
        "LIVEKIT_API_KEY, LIVEKIT_API_SECRET and GOOGLE_API_KEY, or any setting of the worker.",
    )
    env: tuple[Anything, ...] = Field(
        default=(), max_length=200, description="Environment variables, as a container has them."
    )
    resources: Anything | None = Field(
        default=None, description="Requests and limits. Two cores and 1 GiB carry ten calls."
    )
    node_selector: dict[str, str] | None = Field(
        default=None, description="Labels that a node needs."
    )
    tolerations: tuple[Anything, ...] = Field(
        default=(), max_length=50, description="Taints that are borne."
    )
    affinity: Anything | None = Field(default=None, description="Node and pod affinity.")
    topology_spread_constraints: tuple[Anything, ...] = Field(
        default=(), max_length=10, description="How pods spread over zones and nodes."
    )
    priority_class_name: Text | None = Field(default=None, description="Priority of the pods.")
    service_account_name: Text | None = Field(
        default=None, description="Service account; workers ask nothing of the API."
    )
    labels: dict[str, str] | None = Field(default=None, description="More labels of the pods.")
    annotations: dict[str, str] | None = Field(
        default=None, description="More annotations of the pods."
    )


class FleetSpec(Part):
    """A fleet of workers with one persona."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.autoscaling.mode != 'Manual' || has(self.replicas)",
            "'autoscaling.mode is Manual, and replicas is not set: set it, or set mode to Auto'",
            ".replicas",
        ),
        Rule(
            "!has(self.replicas) || self.autoscaling.mode != 'Auto'"
            " || oldSelf.autoscaling.mode != 'Auto'"
            " || (has(oldSelf.replicas) && self.replicas == oldSelf.replicas)",
            "'replicas cannot be set to ' + string(self.replicas) + ' while autoscaling.mode is "
            "Auto, in which the operator decides: set autoscaling.minReplicas and maxReplicas, or "
            "autoscaling.mode: Manual'",
            ".replicas",
        ),
    )

    agent_name: Text | None = Field(
        default=None,
        description="Name under which calls ask for the agent; the fleet's own where unset.",
    )
    livekit_url: Annotated[str, Field(pattern=r"^(ws|wss|http|https)://[^/\s]+")] | None = Field(
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
    autoscaling: Autoscaling = Field(default_factory=Autoscaling)
    drain: Drain = Field(default_factory=Drain)
    rollout: Rollout = Field(default_factory=Rollout)
    persona: Persona | None = Field(default=None)
    template: PodTemplate

    @property
    def slots(self) -> int:
        """Calls that a worker holds at once."""
        return self.slots_per_pod or DEFAULT_SLOTS

    @property
    def max_call_seconds(self) -> int:
        """How long calls on a worker that goes may finish."""
        return self.drain.max_call_seconds or DEFAULT_MAX_CALL_SECONDS
