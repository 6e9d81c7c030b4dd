"""Alerts on the fleet's own state: what will hurt callers if nobody looks. Pure."""

from collections.abc import Iterator

from callfleet_contract import metrics
from callfleet_contract import operator_metrics as operator
from callfleet_contract.metrics import LOOP_HELD_SECONDS
from callfleet_contract.slos import SLOS
from callfleet_dashboards.alerts.alert import FLEET, NUMBER, PERCENT, Alert, Severity
from callfleet_dashboards.livekit import JOB
from callfleet_dashboards.promql import BY, SHARED, bucket_label, counted_as, increase

HELD_TIMES = 3
UNATTRIBUTED_SHARE = 0.1
LEAST_TOKENS = 1000
DOLLARS_A_MINUTE = 0.10
LEAST_MINUTES = 2
"""Of calls, before their cost is judged: a greeting alone costs more a minute than a call does."""
FAILED_TICKS = 3
_OPERATOR = "The operator in {{ $labels.namespace }}: "


def alerts() -> Iterator[Alert]:
    """Give them."""
    yield from _of_money()
    yield from _of_processes()
    yield from _of_the_operator()
    yield _absent()
    yield Alert(
        "CallfleetWatchdog",
        Severity.NONE,
        "vector(1)",
        "",
        "Alerts are on their way.",
        "It fires always: whoever does not hear it any more hears no other alert either.",
    )


def _of_money() -> Iterator[Alert]:
    used = increase(metrics.TOKENS_TOTAL, "1h")
    unknown = increase(metrics.TOKENS_TOTAL, "1h", '{modality="unknown"}')
    yield Alert(
        "CallfleetTokenUnattributedHigh",
        Severity.WARNING,
        f"{unknown} / {used} > {UNATTRIBUTED_SHARE:g}\nand\n{used} > {LEAST_TOKENS}",
        "2m",
        "The model bills tokens without saying what for.",
        f"{FLEET}{PERCENT} of an hour's tokens have no modality; the estimated cost is as wrong.",
    )
    minutes = f"({increase(metrics.SPEECH_SECONDS_TOTAL, '1h')} / 60)"
    cost = increase(metrics.COST_USD_TOTAL, "1h")
    yield Alert(
        "CallfleetCostPerMinuteHigh",
        Severity.WARNING,
        f"{cost} / {minutes} > {DOLLARS_A_MINUTE:g}\nand\n{minutes} > {LEAST_MINUTES}",
        "2m",
        "Calls cost more a minute than they should.",
        f'{FLEET}{{{{ $value | printf "%.3f" }}}} USD a minute of calls, over an hour.',
    )


def _of_processes() -> Iterator[Alert]:
    bound = f'{{le="{bucket_label(LOOP_HELD_SECONDS)}"}}'
    stood_still = metrics.EVENT_LOOP_BLOCKED_SECONDS
    blocked = increase(stood_still, "10m", ending="_count", keep=("pod",))
    briefly = increase(stood_still, "10m", bound, "_bucket", ("pod",))
    yield Alert(
        "CallfleetLoopBlocked",
        Severity.WARNING,
        f"{blocked} - {briefly} > {HELD_TIMES}",
        "1m",
        "Something holds up the loop that calls run on.",
        f"{FLEET}{NUMBER} stand-stills of {LOOP_HELD_SECONDS * 1e3:.0f} ms or more in 10 minutes"
        "{{ with $labels.pod }} on pod {{ . }}{{ end }}: callers hear gaps.",
    )
    yield Alert(
        "CallfleetTargetDown",
        Severity.WARNING,
        f'up{{job=~"callfleet-.+|{JOB}"}} == 0',
        "1m",
        "A worker, the operator or LiveKit does not answer Prometheus.",
        "{{ $labels.job }} at {{ $labels.instance }} has not answered for a minute: either it is "
        "gone or so busy that callers hear it.",
    )
    yield Alert(
        "CallfleetTelemetryLost",
        Severity.WARNING,
        f"{increase(metrics.TELEMETRY_LOST_TOTAL, '10m', keep=('signal',))} > 0",
        "2m",
        "Traces, logs or metrics do not reach the collector.",
        f"{{{{ if $labels.fleet }}}}{FLEET}{{{{ else }}}}{_OPERATOR}{{{{ end }}}}"
        f"{NUMBER} items of {{{{ $labels.signal }}}} were lost in 10 minutes. Calls are not "
        "affected.",
    )


def _of_the_operator() -> Iterator[Alert]:
    yield Alert(
        "CallfleetReconcileErrors",
        Severity.WARNING,
        f"{increase(operator.RECONCILE_ERRORS_TOTAL, '10m')} > {FAILED_TICKS}",
        "1m",
        "The operator fails to look after a fleet.",
        f"{FLEET}{NUMBER} ticks ended in an error within 10 minutes: it neither grows nor shrinks.",
    )
    leading = operator.OPERATOR_LEADING.full_name
    yield Alert(
        "CallfleetOperatorAbsent",
        Severity.WARNING,
        # Each release has its own, and its own lease: one that leads says nothing of another.
        f"(max by (namespace) (max_over_time({leading}[6h])) == 1)\nunless\n"
        f"(max by (namespace) ({leading}) == 1)",
        "1m",
        "No operator looks after the fleets.",
        "No operator in namespace {{ $labels.namespace }} has held the lease for a minute. Calls "
        "go on, and so do workers; nothing grows, shrinks or is replaced.",
    )
    yield Alert(
        "CallfleetFleetDegraded",
        Severity.WARNING,
        f"max {BY} ({operator.DEGRADED.full_name}) == 1",
        "2m",
        "A fleet is not what was asked for.",
        f"{FLEET}its condition Degraded has been True for 2 minutes; `kubectl describe` says why.",
    )


def _absent() -> Alert:
    worker = f"sum {BY} ({metrics.CALL_SLOTS.full_name})"
    pods = f'max {BY} ({operator.PODS.full_name}{{state="accepting"}}) > 0'
    wanted = dict.fromkeys(f"sum {BY} ({counted_as(slo.all[0].metric)})" for slo in SLOS)
    told = [(worker, indicator) for indicator in wanted]
    return Alert(
        "CallfleetSliAbsent",
        Severity.WARNING,
        "\nor\n".join(
            f"({there}\nunless on ({', '.join(SHARED)})\n{missing})"
            for there, missing in (*told, (pods, worker))
        ),
        "2m",
        "An objective is not measured any more.",
        f"{FLEET}its workers run, and Prometheus has none of the series that an objective is "
        "judged by: a budget that nobody counts cannot burn.",
    )
