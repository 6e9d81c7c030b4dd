"""Budgets that burn wake somebody, and nothing else does: asked of Prometheus' own rule engine."""

import pytest
from promtool import Expected, Promtool, Series, labelled

from callfleet_contract.metric import Kind
from callfleet_contract.slos import SLOS, Above, Events, Slo
from callfleet_dashboards import burning, promql
from callfleet_dashboards.writing import RULES

HOUR = 60
MANY, FEW = 10.0, 0.2
"""A minute: fewer than twenty in an hour are too few to say anything."""
EACH = pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.key)


def traffic(slo: Slo, *, a_minute: float, bad: float) -> dict[str, float]:
    """Give what happens of each kind in a minute; of the bad ones, the first kind alone."""
    first, *_ = slo.bad
    rates: dict[str, float] = {}
    for term in slo.bad:
        share = bad if term is first else 0.0
        if isinstance(term, Above):
            bound = promql.bucket_label(term.limit)
            rates[labelled(f"{term.metric.full_name}_count")] = a_minute
            within = labelled(f"{term.metric.full_name}_bucket", le=bound)
            rates[within] = a_minute * (1 - share)
        else:
            rates[labelled(term.metric.full_name, **value_of(term))] = a_minute * share
    if slo.all.metric.kind is Kind.COUNTER:
        rates[labelled(slo.all.metric.full_name, **value_of(slo.all))] = a_minute * (1 - bad)
    return rates


def value_of(events: Events) -> dict[str, str]:
    return {label: str(values[0]) for label, values in events.only}


def over(rates: dict[str, float], *minutes: int) -> Series:
    """Have it go on for so long; a number more, and counters begin anew there."""
    return {
        series: " ".join(f"0+{rate:g}x{each}" for each in minutes) for series, rate in rates.items()
    }


def alerts(slo: Slo, minute: int, **fires: bool) -> list[Expected]:
    by_severity = {rule["labels"]["severity"]: str(rule["alert"]) for rule in burning.alerts(slo)}
    return [
        Expected(alert, minute, fires.get(severity, False))
        for severity, alert in by_severity.items()
    ]


def test_prometheus_can_load_them(promtool: Promtool) -> None:
    assert promtool.check(RULES) == ""


@EACH
def test_what_burns_a_budget_in_two_days_tells_within_the_hour(
    promtool: Promtool, slo: Slo
) -> None:
    burning_so = over(traffic(slo, a_minute=MANY, bad=min(1.0, 20 * slo.budget)), HOUR)
    told = alerts(slo, HOUR, critical=True, warning=True)
    assert promtool.complaint([RULES], burning_so, told) == ""


@EACH
def test_within_the_budget_nobody_is_told(promtool: Promtool, slo: Slo) -> None:
    well = over(traffic(slo, a_minute=MANY, bad=slo.budget / 2), 8 * HOUR)
    assert promtool.complaint([RULES], well, alerts(slo, 8 * HOUR)) == ""


@EACH
def test_few_events_tell_nobody_though_all_are_bad(promtool: Promtool, slo: Slo) -> None:
    few = over(traffic(slo, a_minute=FEW, bad=1.0), HOUR)
    assert promtool.complaint([RULES], few, alerts(slo, HOUR)) == ""


@EACH
def test_where_there_is_nothing_nobody_is_told(promtool: Promtool, slo: Slo) -> None:
    assert promtool.complaint([RULES], {}, alerts(slo, HOUR)) == ""


@EACH
def test_workers_that_begin_anew_tell_nobody(promtool: Promtool, slo: Slo) -> None:
    anew = over(traffic(slo, a_minute=MANY, bad=0.0), HOUR, 2 * HOUR)
    assert promtool.complaint([RULES], anew, alerts(slo, 3 * HOUR)) == ""


@EACH
def test_what_is_over_stops_to_page_soon(promtool: Promtool, slo: Slo) -> None:
    rates = traffic(slo, a_minute=MANY, bad=min(1.0, 20 * slo.budget))
    well = traffic(slo, a_minute=MANY, bad=0.0)
    both = {
        series: f"0+{rate:g}x{HOUR} {rate * HOUR + well[series]:g}+{well[series]:g}x{HOUR}"
        for series, rate in rates.items()
    }
    told = [each for each in alerts(slo, HOUR + 35) if each.alert.endswith("Page")]
    assert promtool.complaint([RULES], both, told) == ""
