"""Record how often objectives are missed, and alert on how fast their budgets burn. Pure.

Multi-window, multi-burn-rate alerts as in the SRE Workbook, chapter 5; names and labels of records
as Sloth writes them, so that boards made for it show these as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from callfleet_contract.slos import SLOS, WINDOW_DAYS, Slo, Urgency
from callfleet_dashboards.alerts.alert import FLEET, PERCENT, Alert, Severity
from callfleet_dashboards.files import SOON, Group
from callfleet_dashboards.promql import (
    SHARED,
    all_count,
    all_rate,
    bad_count,
    bad_rate,
    error_ratio,
)

Rule = dict[str, object]

SERVICE, SLO = "callfleet", "sloth_slo"
EVENTS = "slo:sli_events:rate5m"
BAD_EVENTS = "slo:sli_bad_events:rate5m"
OBJECTIVE = "slo:objective:ratio"
BUDGET = "slo:error_budget:ratio"
BUDGET_LEFT = "slo:error_budget_remaining:ratio"
SHORT_WINDOWS = ("1m", "5m", "30m", "1h")
LONG_WINDOWS = ("2h", "6h", "1d", "3d")
LONG_INTERVAL = "2m"
"""A page cannot wait for what a ticket can."""


@dataclass(frozen=True, slots=True)
class Burn:
    """A budget burns ``factor`` times too fast, over the long window and still over the short.

    Fewer events than ``least`` in the long one burn nothing, nor do fewer bad ones than
    ``least_bad``: one bad call of three says nothing of a fleet, nor do two of twenty.
    """

    long: str
    short: str
    factor: float
    urgency: Urgency
    least: int
    least_bad: int


BURNS = (
    # Not the book's: after a good hour, its fastest needs nine minutes of nothing but bad events.
    Burn("5m", "1m", 25, Urgency.PAGE, least=10, least_bad=5),
    Burn("1h", "5m", 14.4, Urgency.PAGE, least=20, least_bad=5),
    Burn("6h", "30m", 6, Urgency.PAGE, least=20, least_bad=5),
    Burn("1d", "2h", 3, Urgency.TICKET, least=20, least_bad=3),
    Burn("3d", "6h", 1, Urgency.TICKET, least=20, least_bad=3),
)
SEVERITIES = {Urgency.PAGE: Severity.CRITICAL, Urgency.TICKET: Severity.WARNING}


def ratio_of(window: str) -> str:
    """Name the record of an error ratio."""
    return f"slo:sli_error:ratio_rate{window}"


def short_records(slo: Slo) -> Iterator[Rule]:
    """Record an objective's error ratios over short windows, and its events."""
    yield from _ratios(slo, SHORT_WINDOWS)
    mine = _labels(slo)
    yield _record(EVENTS, all_rate(slo, "5m"), mine)
    yield _record(BAD_EVENTS, bad_rate(slo, "5m"), mine)


def long_records(slo: Slo) -> Iterator[Rule]:
    """Record an objective's error ratios over long windows, and what is left of its budget."""
    yield from _ratios(slo, LONG_WINDOWS)
    mine = _labels(slo)
    yield _record(OBJECTIVE, f"vector({slo.objective:g})", mine)
    yield _record(BUDGET, f"vector({slo.budget:g})", mine)
    span = f"{WINDOW_DAYS}d"
    # Weighted by events: a bad night with three calls is no bad month.
    whole = (
        f"sum_over_time({BAD_EVENTS}{_only(slo)}[{span}])\n/\n"
        f"(sum_over_time({EVENTS}{_only(slo)}[{span}]) > 0)"
    )
    yield _record(ratio_of(span), whole, {**mine, "sloth_window": span})
    left = f"1 - {ratio_of(span)}{_only(slo)} / {slo.budget:g}"
    yield _record(BUDGET_LEFT, left, mine)


def alert(slo: Slo, urgency: Urgency) -> Alert:
    """Alert on an objective's budget that burns fast enough for this urgency."""
    burns = [burn for burn in BURNS if burn.urgency is urgency]
    return Alert(
        f"{budget_name(slo)}{urgency.value.capitalize()}",
        SEVERITIES[urgency],
        "\nor\n".join(_burning(slo, burn) for burn in burns),
        "",
        f"The error budget of “{slo.title}” burns too fast.",
        f"{FLEET}{PERCENT} of events are bad, and {slo.budget:.0%} may be, over "
        f"{WINDOW_DAYS} days: {slo.why}.",
        runbook=budget_name(slo),
        labels=(("slo", slo.key),),
    )


def alerts(slo: Slo) -> tuple[Alert, ...]:
    """Give an objective's alerts; one that pages has a ticket for slow burning too."""
    return tuple(alert(slo, each) for each in dict.fromkeys((slo.urgency, Urgency.TICKET)))


def budget_name(slo: Slo) -> str:
    """Name what the alerts of an objective have in common."""
    return f"Callfleet{''.join(part.capitalize() for part in slo.key.split('_'))}Budget"


def _burning(slo: Slo, burn: Burn) -> str:
    limit = f"({burn.factor:g} * {slo.budget:g})"
    same = f"and on ({', '.join(SHARED)})"
    return (
        # Without its window's label, or a budget that burns in two ways would be two alerts.
        f"(\n  max without (sloth_window) ({ratio_of(burn.long)}{_only(slo)}) > {limit}\n"
        f"  {same}\n  {ratio_of(burn.short)}{_only(slo)} > {limit}\n"
        f"  {same}\n  {all_count(slo, burn.long)} >= {burn.least}\n"
        f"  {same}\n  {bad_count(slo, burn.long)} >= {burn.least_bad}\n)"
    )


def _ratios(slo: Slo, windows: tuple[str, ...]) -> Iterator[Rule]:
    for window in windows:
        labels = {**_labels(slo), "sloth_window": window}
        yield _record(ratio_of(window), error_ratio(slo, window), labels)


def _labels(slo: Slo) -> dict[str, str]:
    return {"sloth_service": SERVICE, SLO: slo.key}


def _only(slo: Slo) -> str:
    return f'{{{SLO}="{slo.key}"}}'


def _record(name: str, expression: str, labels: dict[str, str]) -> Rule:
    return {"record": name, "expr": expression, "labels": labels}


def groups() -> Iterator[Group]:
    """Give all of it as groups of Prometheus' rules."""
    for slo in SLOS:
        pages = [alert(slo, Urgency.PAGE).rule()] if slo.urgency is Urgency.PAGE else []
        ticket = alert(slo, Urgency.TICKET).rule()
        name = f"callfleet-slo-{slo.key}"
        yield Group(name, SOON, [*short_records(slo), *pages])
        yield Group(f"{name}-long", LONG_INTERVAL, [*long_records(slo), ticket])
