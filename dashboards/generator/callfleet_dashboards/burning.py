"""Record how often objectives are missed, and alert on how fast their budgets burn. Pure.

Multi-window, multi-burn-rate alerts as in the SRE Workbook, chapter 5; names and labels of records
as Sloth writes them, so that boards made for it show these as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from callfleet_contract.slos import SLOS, WINDOW_DAYS, Slo, Urgency
from callfleet_dashboards.promql import SHARED, bad_rate, error_ratio, rate_of

Rule = dict[str, object]

SERVICE = "callfleet"
SHORTEST = "5m"
WINDOWS = (SHORTEST, "30m", "1h", "2h", "6h", "1d", "3d")
LEAST_EVENTS = 20
"""Fewer in the longer window burn no budget: one bad call of three says nothing of a fleet."""


@dataclass(frozen=True, slots=True)
class Burn:
    """A budget burns ``factor`` times too fast, over the long window and still over the short."""

    long: str
    short: str
    factor: float
    urgency: Urgency


BURNS = (
    Burn("1h", "5m", 14.4, Urgency.PAGE),
    Burn("6h", "30m", 6, Urgency.PAGE),
    Burn("1d", "2h", 3, Urgency.TICKET),
    Burn("3d", "6h", 1, Urgency.TICKET),
)
SEVERITIES = {Urgency.PAGE: "critical", Urgency.TICKET: "warning"}


def ratio_of(window: str) -> str:
    """Name the record of an error ratio."""
    return f"slo:sli_error:ratio_rate{window}"


def records(slo: Slo) -> Iterator[Rule]:
    """Record an objective's error ratios, its events, and what is left of its budget."""
    mine = {"sloth_service": SERVICE, "sloth_slo": slo.key}
    for window in WINDOWS:
        labels = {**mine, "sloth_window": window}
        yield _record(ratio_of(window), error_ratio(slo, window), labels)
    yield _record("slo:sli_events:rate5m", rate_of(slo.all, SHORTEST), mine)
    yield _record("slo:sli_bad_events:rate5m", bad_rate(slo, SHORTEST), mine)
    yield _record("slo:objective:ratio", f"vector({slo.objective:g})", mine)
    yield _record("slo:error_budget:ratio", f"vector(1 - {slo.objective:g})", mine)
    mine_only = f'{{sloth_slo="{slo.key}"}}'
    span = f"{WINDOW_DAYS}d"
    # Weighted by events: a bad night with three calls is no bad month.
    whole = (
        f"sum_over_time(slo:sli_bad_events:rate5m{mine_only}[{span}])\n/\n"
        f"sum_over_time(slo:sli_events:rate5m{mine_only}[{span}])"
    )
    yield _record(ratio_of(span), whole, {**mine, "sloth_window": span})
    left = f"1 - {ratio_of(span)}{mine_only} / {slo.budget:g}"
    yield _record("slo:error_budget_remaining:ratio", left, mine)


def alerts(slo: Slo) -> Iterator[Rule]:
    """Alert on an objective's burning budget, and on events that are missing."""
    for urgency in dict.fromkeys((slo.urgency, Urgency.TICKET)):
        burns = [burn for burn in BURNS if burn.urgency is urgency]
        yield {
            "alert": f"Callfleet{_words(slo.key)}Budget{_words(urgency)}",
            "expr": "\nor\n".join(_burning(slo, burn) for burn in burns),
            "labels": {"severity": SEVERITIES[urgency], "slo": slo.key},
            "annotations": {
                "summary": f"The error budget of “{slo.title}” burns too fast.",
                "description": (
                    "Fleet {{ $labels.namespace }}/{{ $labels.fleet }}: "
                    f"{{{{ $value | humanizePercentage }}}} of events are bad, and "
                    f"{slo.budget:.0%} may be, over {WINDOW_DAYS} days: {slo.why}."
                ),
            },
        }


def _burning(slo: Slo, burn: Burn) -> str:
    chosen = f'{{sloth_slo="{slo.key}"}}'
    limit = f"({burn.factor:g} * {slo.budget:g})"
    return (
        f"(\n  {ratio_of(burn.long)}{chosen} > {limit}\n"
        f"  and on ({', '.join(SHARED)})\n  {ratio_of(burn.short)}{chosen} > {limit}\n"
        f"  and on ({', '.join(SHARED)})\n"
        f"  {_count(slo, burn.long)} >= {LEAST_EVENTS}\n)"
    )


def _count(slo: Slo, window: str) -> str:
    return rate_of(slo.all, window).replace("rate(", "increase(")


def _record(name: str, expression: str, labels: dict[str, str]) -> Rule:
    return {"record": name, "expr": expression, "labels": labels}


def _words(key: str) -> str:
    return "".join(part.capitalize() for part in key.split("_"))


def groups() -> Iterator[dict[str, object]]:
    """Give all of it as groups of Prometheus' rules."""
    for slo in SLOS:
        yield {"name": f"callfleet-slo-{slo.key}", "rules": [*records(slo), *alerts(slo)]}
