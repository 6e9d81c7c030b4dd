"""Alerts that no objective's budget tells in time, or at all. Pure.

A page needs a caller who suffers now, and something that the fleet can mend; the rest are tickets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from callfleet_contract import metrics
from callfleet_contract import operator_metrics as operator
from callfleet_contract.metric import Metric
from callfleet_contract.outcomes import CallReason
from callfleet_dashboards.promql import BY

RUNBOOKS = "https://github.com/callfleet/callfleet/blob/main/docs/runbooks"
_FLEET = "Fleet {{ $labels.namespace }}/{{ $labels.fleet }}: "
_NUMBER = '{{ $value | printf "%.0f" }}'
_UNATTRIBUTED_SHARE = 0.1
_FAILING_SHARE, _FAILING_CALLS = 0.05, 3
_HELD_SECONDS = 0.25
_DOLLARS_A_MINUTE = 0.10


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: ``lasts`` is how long its expression has to hold, as Prometheus writes it."""

    name: str
    severity: str
    expression: str
    lasts: str
    summary: str
    description: str

    def rule(self) -> dict[str, object]:
        """Write it as a rule of Prometheus."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasts,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}/{self.name}.md",
            },
        }


def _increase(metric: Metric, window: str, chosen: str = "", ending: str = "") -> str:
    return f"sum {BY} (increase({metric.full_name}{ending}{chosen}[{window}]))"


def alerts() -> Iterator[Alert]:
    """Give them all."""
    yield from _of_callers()
    yield from _of_the_fleet()


def _of_callers() -> Iterator[Alert]:
    yield Alert(
        "CallfleetNoCapacity",
        "critical",
        f"{_increase(operator.CALLS_BLOCKED_TOTAL, '2m')} > 0",
        "2m",
        "Callers find no free slot.",
        f"{_FLEET}{_NUMBER} offers were passed on in 2 minutes because no slot was free.",
    )
    no_model = f"{CallReason.MODEL_UNAVAILABLE}|{CallReason.MODEL_REFUSED_KEY}"
    failed = _increase(metrics.CALLS_TOTAL, "5m", f'{{reason=~"{no_model}"}}')
    yield Alert(
        "CallfleetModelConnectFailing",
        "critical",
        f"{failed} >= {_FAILING_CALLS}\nand\n"
        f"{failed} / {_increase(metrics.CALLS_TOTAL, '5m')} > {_FAILING_SHARE:g}",
        "5m",
        "Calls fail because the model cannot be reached.",
        f"{_FLEET}{_NUMBER} calls in 5 minutes ended with an apology for want of a model.",
    )
    yield Alert(
        "CallfleetCallsEndedByInfrastructure",
        "critical",
        f"{_increase(operator.CALLS_ENDED_BY_INFRASTRUCTURE_TOTAL, '5m')} > 0",
        "0s",
        "Calls were cut off by the death of a worker, its pod or its node.",
        f"{_FLEET}{_NUMBER} calls were cut off within 5 minutes.",
    )


def _of_the_fleet() -> Iterator[Alert]:
    bound = f'{{le="{_HELD_SECONDS}"}}'
    blocked = _increase(metrics.EVENT_LOOP_BLOCKED_SECONDS, "10m", ending="_count")
    briefly = _increase(metrics.EVENT_LOOP_BLOCKED_SECONDS, "10m", bound, "_bucket")
    yield Alert(
        "CallfleetLoopBlocked",
        "warning",
        f"{blocked} - {briefly} > 3",
        "5m",
        "Something holds up the loop that calls run on.",
        f"{_FLEET}{_NUMBER} stand-stills of {_HELD_SECONDS * 1e3:.0f} ms or more in 10 minutes: "
        "callers hear gaps.",
    )
    unknown = _increase(metrics.TOKENS_TOTAL, "1h", '{modality="unknown"}')
    yield Alert(
        "CallfleetTokenUnattributedHigh",
        "warning",
        f"{unknown} / {_increase(metrics.TOKENS_TOTAL, '1h')} > {_UNATTRIBUTED_SHARE:g}",
        "15m",
        "The model bills tokens without saying what for.",
        f"{_FLEET}{{{{ $value | humanizePercentage }}}} of an hour's tokens have no modality; "
        "the estimated cost is as wrong.",
    )
    minutes = f"({_increase(metrics.SPEECH_SECONDS_TOTAL, '1h')} / 60)"
    yield Alert(
        "CallfleetCostPerMinuteHigh",
        "warning",
        f"{_increase(metrics.COST_USD_TOTAL, '1h')} / {minutes} > {_DOLLARS_A_MINUTE:g}",
        "15m",
        "Calls cost more a minute than they should.",
        f'{_FLEET}{{{{ $value | printf "%.3f" }}}} USD a minute of calls, over an hour; long '
        "calls without compression bill their whole context again in each turn.",
    )
    yield Alert(
        "CallfleetReconcileErrors",
        "warning",
        f"{_increase(operator.RECONCILE_ERRORS_TOTAL, '10m')} > 3",
        "5m",
        "The operator fails to look after a fleet.",
        f"{_FLEET}{_NUMBER} ticks ended in an error within 10 minutes.",
    )
    yield Alert(
        "CallfleetWatchdog",
        "none",
        "vector(1)",
        "0s",
        "Alerts are on their way.",
        "It fires always: whoever does not hear it any more hears no other alert either.",
    )


def groups() -> Iterator[dict[str, object]]:
    """Give them as a group of Prometheus' rules."""
    yield {"name": "callfleet-alerts", "rules": [alert.rule() for alert in alerts()]}
