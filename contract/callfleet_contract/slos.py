"""The fleet's service level objectives, as data: rules, alerts, boards and docs are made from them.

An objective says which share of events must be good within ``WINDOW_DAYS``. An event is bad where a
histogram observed more than a limit, or where a counter counted it under certain labels. A limit is
one of its histogram's buckets: what Prometheus would have to interpolate is no promise.
"""

from dataclasses import dataclass
from enum import StrEnum

from callfleet_contract import metrics, operator_metrics
from callfleet_contract.metric import Kind, Metric
from callfleet_contract.outcomes import CUT_BY_INFRASTRUCTURE, CallOutcome, CallReason
from callfleet_contract.profiles import EXPECTED, ModelProfile

WINDOW_DAYS = 30

Labels = tuple[tuple[str, tuple[str, ...]], ...]
"""Label by label, the values that are meant; a label that is not named may have any."""


class Urgency(StrEnum):
    """Who is told when an objective's error budget burns."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Events:
    """What a metric counted, or how often it observed anything, under these labels.

    Where others tell of the same events, as ``also`` says, whoever tells of more is believed.
    """

    metric: Metric
    only: Labels = ()
    also: "Events | None" = None

    def __post_init__(self) -> None:
        """Refuse what the metric cannot count.

        Raises:
            ValueError: it has no such label, or the label has no such value; or it is a gauge.

        """
        if self.metric.kind not in (Kind.COUNTER, Kind.HISTOGRAM):
            message = f"{self.metric.name} counts nothing: it is a {self.metric.kind}"
            raise ValueError(message)
        known = dict(self.metric.labels)
        for label, values in self.only:
            if label not in known or not set(values) <= set(known[label]):
                message = (
                    f"{self.metric.name} has no {label} of {', '.join(values)}: see the catalogue"
                )
                raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Above:
    """What a histogram observed above a limit."""

    metric: Metric
    limit: float
    only: Labels = ()

    def __post_init__(self) -> None:
        """Refuse a limit that is between buckets.

        Raises:
            ValueError: no bucket of the metric ends there, or a label is not as ``Events`` wants.

        """
        Events(self.metric, self.only)
        if self.limit not in self.metric.buckets:
            message = (
                f"{self.metric.name} has no bucket that ends at {self.limit:g}: take one of "
                f"{', '.join(f'{bucket:g}' for bucket in self.metric.buckets)}"
            )
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Slo:
    """At least ``objective`` of ``all`` events are none of the ``bad`` ones.

    The first of all are those that workers themselves tell of.
    """

    key: str
    title: str
    objective: float
    bad: tuple[Events | Above, ...]
    all: tuple[Events, ...]
    urgency: Urgency
    why: str

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round(1 - self.objective, 6)

    @property
    def limit(self) -> float:
        """The limit above which events are bad, of those that have one.

        Raises:
            ValueError: none of them has one.

        """
        for each in self.bad:
            if isinstance(each, Above):
                return each.limit
        message = f"{self.key} has no limit: its bad events are counted as such"
        raise ValueError(message)


_CALLS_OF_FLEET = (
    "outcome",
    (CallOutcome.COMPLETED, CallOutcome.FAILED, CallOutcome.DROPPED),
)
"""Who left before a greeting, or never came, was not failed by the fleet."""

_FAILED: tuple[str, tuple[str, ...]] = ("outcome", (CallOutcome.FAILED, CallOutcome.DROPPED))
_OF_THEMSELVES: tuple[str, tuple[str, ...]] = (
    "reason",
    tuple(reason for reason in CallReason if reason not in CUT_BY_INFRASTRUCTURE),
)
"""Calls that were cut are ``CUT``'s."""


def turn_latency(profile: ModelProfile) -> Slo:
    """Give the objective of fleets whose model is of a profile. Turns that ran tools are left out.

    A ticket: what the model takes, the fleet cannot mend.
    """
    plain = (("profile", (profile,)), ("tools", ("none",)))
    expected = EXPECTED[profile]
    return Slo(
        f"turn_latency_{profile}",
        f"callers are answered in time (model: {profile})",
        0.95,
        (Above(metrics.TURN_RESPONSE_SECONDS, expected.seconds, plain),),
        (Events(metrics.TURN_RESPONSE_SECONDS, plain),),
        Urgency.TICKET,
        expected.why,
    )


TURN_LATENCY = {profile: turn_latency(profile) for profile in ModelProfile}
FLEET_OVERHEAD = Slo(
    "fleet_overhead",
    "the fleet adds little",
    0.99,
    (Above(metrics.FLEET_OVERHEAD_SECONDS, 0.15),),
    (Events(metrics.FLEET_OVERHEAD_SECONDS),),
    Urgency.PAGE,
    "what the fleet adds to a reply is what the fleet can mend",
)
CUT = Events(
    operator_metrics.CALLS_ENDED_BY_INFRASTRUCTURE_TOTAL,
    also=Events(metrics.CALLS_TOTAL, (("reason", CUT_BY_INFRASTRUCTURE),)),
)
"""The operator knows of more, as a worker that is gone tells of none. But it may be away, or there
may be none, and of a process that dies its worker tells."""
CALL_SUCCESS = Slo(
    "call_success",
    "calls are answered and end by their callers",
    0.99,
    (
        Above(metrics.CALL_SETUP_SECONDS, 3),
        Events(metrics.CALLS_TOTAL, (_FAILED, _OF_THEMSELVES)),
        CUT,
    ),
    (Events(metrics.CALLS_TOTAL, (_CALLS_OF_FLEET, _OF_THEMSELVES)), CUT),
    Urgency.PAGE,
    "a caller who hears nothing for three seconds hangs up, and one who is cut off calls again",
)
MEDIA = Slo(
    "media",
    "sound arrives whole",
    0.99,
    (Above(metrics.RTP_WINDOW_LOSS_RATIO, 0.01),),
    (Events(metrics.RTP_WINDOW_LOSS_RATIO),),
    Urgency.TICKET,
    "above one packet in a hundred, concealment is heard",
)
BARGE_IN = Slo(
    "barge_in",
    "the agent falls silent when spoken over",
    0.95,
    (Above(metrics.BARGE_IN_STOP_SECONDS, 0.3),),
    (Events(metrics.BARGE_IN_STOP_SECONDS),),
    Urgency.TICKET,
    "people stop when they are interrupted; who goes on is not listening",
)

SLOS: tuple[Slo, ...] = (
    *TURN_LATENCY.values(),
    FLEET_OVERHEAD,
    MEDIA,
    CALL_SUCCESS,
    BARGE_IN,
)
