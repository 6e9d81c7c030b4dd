"""How many workers a fleet is to have: the part of a ``VoiceFleet`` that scales it. Pure."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from callfleet_contract.fleet.kinds import Part, Percent, Rule

MOST_PODS = 5000
DEFAULT_FALLBACK_REPLICAS = 5

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
    replicas: Count | None = Field(
        default=None,
        description=f"Accepting pods that are held then. Unset, {DEFAULT_FALLBACK_REPLICAS}, or "
        "maxReplicas where that is less.",
    )
    behavior: FallbackBehavior = Field(
        default=FallbackBehavior.CURRENT_IF_HIGHER,
        description="CurrentIfHigher holds at least replicas and grows by what was last heard; "
        "Static holds replicas, or what there is where that is more. Neither shrinks.",
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
    fallback: Fallback = Field(
        default_factory=Fallback, description="What to hold on to when workers cannot be heard."
    )


class Autoscaling(Part):
    """How many workers accept calls."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.minReplicas <= self.maxReplicas",
            "minReplicas is %s, more than maxReplicas, %s: lower the one or raise the other",
            ".minReplicas",
            ("self.minReplicas", "self.maxReplicas"),
        ),
        Rule(
            "!has(self.maxTotalPods) || self.maxReplicas <= self.maxTotalPods",
            "maxTotalPods is %s, less than maxReplicas, %s: draining pods need room beside the "
            "accepting ones, so set it to half as many again",
            ".maxTotalPods",
            ("self.maxTotalPods", "self.maxReplicas"),
        ),
        Rule(
            "!has(self.metrics.fallback.replicas)"
            " || self.metrics.fallback.replicas <= self.maxReplicas",
            "metrics.fallback.replicas is %s, more than maxReplicas, %s: lower the one or raise "
            "the other",
            ".metrics.fallback.replicas",
            ("self.metrics.fallback.replicas", "self.maxReplicas"),
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
    headroom: Headroom = Field(
        default_factory=Headroom,
        description="How many slots are kept free, so that nobody waits.",
    )
    scale_up: ScaleUp = Field(default_factory=ScaleUp, description="How fast the fleet may grow.")
    scale_down: ScaleDown = Field(
        default_factory=ScaleDown,
        description="How slowly the fleet shrinks. No call is ended by it.",
    )
    metrics: Reports = Field(
        default_factory=Reports,
        description="How much is trusted in what workers say of themselves.",
    )

    @property
    def most_pods(self) -> int:
        """Accepting and draining pods at most."""
        if self.max_total_pods is not None:
            return self.max_total_pods
        return max(self.max_replicas + 1, self.max_replicas * 3 // 2)

    @property
    def fallback_replicas(self) -> int:
        """Accepting pods that are held where workers cannot be heard."""
        told = self.metrics.fallback.replicas
        return min(DEFAULT_FALLBACK_REPLICAS, self.max_replicas) if told is None else told
