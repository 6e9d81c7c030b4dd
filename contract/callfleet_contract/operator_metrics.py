"""Every metric that an operator exports, once; see ``metrics`` for those of workers.

``callfleet_admission_report_age_seconds`` and the like are about the fleet as a whole: nothing is
labelled by pod, or a thousand pods would be as many series.
"""

from callfleet_contract.fleet.status import Limit, RolloutPhase
from callfleet_contract.metric import Kind, Metric
from callfleet_contract.metrics import BUILD_INFO, TELEMETRY_LOST_TOTAL

POD_STATES = ("accepting", "starting", "draining", "unheard", "ending", "finished")
WRITES = ("create", "patch", "delete", "status", "event", "lease")
RESULTS = ("done", "conflict", "gone", "refused", "busy", "unreachable")
_FLEET: tuple[tuple[str, tuple[str, ...]], ...] = (("namespace", ()), ("fleet", ()))

OPERATOR_LEADING = Metric(
    "operator_leading", Kind.GAUGE, "1 while this operator acts, 0 while it waits for the lease."
)
PODS = Metric(
    "pods",
    Kind.GAUGE,
    "Pods of a fleet: accepting calls, starting, draining, unheard (their reports are missing), "
    "ending (deleted, their calls may finish) or finished.",
    (*_FLEET, ("state", POD_STATES)),
)
DESIRED_PODS = Metric("desired_pods", Kind.GAUGE, "Accepting pods that are wanted.", _FLEET)
FLEET_SLOTS = Metric("fleet_slots", Kind.GAUGE, "Calls that accepting workers hold.", _FLEET)
FLEET_FREE_SLOTS = Metric(
    "fleet_free_slots",
    Kind.GAUGE,
    "Calls that accepting workers would take now: their slots, less their own calls.",
    _FLEET,
)
FLEET_CALLS = Metric("fleet_calls", Kind.GAUGE, "Calls in progress on the fleet.", _FLEET)
LIMITED_BY = Metric(
    "limited_by",
    Kind.GAUGE,
    "1 for what keeps the number of pods from what was wanted, else 0.",
    (*_FLEET, ("limit", tuple(Limit))),
)
ROLLOUT_PHASE = Metric(
    "rollout_phase",
    Kind.GAUGE,
    "1 for the phase that the rollout is in, else 0.",
    (*_FLEET, ("phase", tuple(RolloutPhase))),
)
DEGRADED = Metric("fleet_degraded", Kind.GAUGE, "1 while the fleet's Degraded is True.", _FLEET)
CALLS_BLOCKED_TOTAL = Metric(
    "calls_blocked_total",
    Kind.COUNTER,
    "Offers that workers passed on because no slot was free.",
    (*_FLEET, ("reason", ("no_slot",))),
)
CALLS_ENDED_BY_INFRASTRUCTURE_TOTAL = Metric(
    "calls_ended_by_infrastructure_total",
    Kind.COUNTER,
    "Calls that ended because a worker, its process, its pod or its node did. Stays 0.",
    _FLEET,
)
ADMISSION_REPORT_AGE_SECONDS = Metric(
    "admission_report_age_seconds",
    Kind.GAUGE,
    "Age of the oldest last report of a worker that has ever been heard.",
    _FLEET,
)
ADMISSION_REPORTS_IGNORED_TOTAL = Metric(
    "admission_reports_ignored_total",
    Kind.COUNTER,
    "Reports that were not believed: of another pod, of an earlier boot, or older than the last.",
    (*_FLEET, ("reason", ("another_pod", "old_boot", "unreadable"))),
)
RECONCILE_SECONDS = Metric(
    "reconcile_seconds",
    Kind.HISTOGRAM,
    "Time of one tick of a fleet: to look, to decide, to act and to say so.",
    (("step", ("observe", "plan", "apply", "report")),),
    (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
RECONCILE_ERRORS_TOTAL = Metric(
    "reconcile_errors_total", Kind.COUNTER, "Ticks of a fleet that ended in an error.", _FLEET
)
DECISIONS_TOTAL = Metric(
    "decisions_total",
    Kind.COUNTER,
    "Actions decided on, by what and why.",
    (
        *_FLEET,
        ("action", ("created", "cordoned", "uncordoned", "reminded", "relabelled", "deleted")),
        ("reason", ()),
    ),
)
API_WRITES_TOTAL = Metric(
    "api_writes_total",
    Kind.COUNTER,
    "Requests that change something in the cluster, by how they ended.",
    (("what", WRITES), ("result", RESULTS)),
)
EXHAUSTED_TO_CREATED_SECONDS = Metric(
    "exhausted_to_created_seconds",
    Kind.HISTOGRAM,
    "From the report that no slot is free to the API server's answer that pods are made.",
    (),
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DRAIN_SECONDS = Metric(
    "drain_seconds",
    Kind.HISTOGRAM,
    "From the order to take no more calls to the deletion of the idle pod.",
    _FLEET,
    (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200),
)
POD_START_SECONDS = Metric(
    "pod_start_seconds",
    Kind.HISTOGRAM,
    "From the creation of a pod to its worker's first report that it takes calls.",
    _FLEET,
    (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600),
)

CATALOGUE: tuple[Metric, ...] = (
    BUILD_INFO,
    TELEMETRY_LOST_TOTAL,
    *(
        value
        for value in list(globals().values())
        if isinstance(value, Metric) and value not in (BUILD_INFO, TELEMETRY_LOST_TOTAL)
    ),
)
