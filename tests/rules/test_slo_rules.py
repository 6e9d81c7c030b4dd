"""Budgets that burn wake somebody, and nothing else does: asked of Prometheus' own rule engine."""

from pathlib import Path

import pytest
from promtool import Course, Expected, Grows, Promtool, Value, first_then, labelled, over

from callfleet_contract.metric import Kind
from callfleet_contract.slos import CALL_SUCCESS, SLOS, Above, Events, Slo, Urgency
from callfleet_dashboards import burning, promql
from callfleet_dashboards.alerts.alert import Severity
from callfleet_dashboards.files import rule_file
from callfleet_dashboards.writing import ALERTS, SLO_RULES

HOUR = 60
MANY, FEW = 10.0, 0.1
"""A minute: fewer than twenty in an hour, and ten in five minutes, are too few to say anything."""
EACH = pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.key)
PAGING = pytest.mark.parametrize(
    "slo", [slo for slo in SLOS if slo.urgency is Urgency.PAGE], ids=lambda slo: slo.key
)


def traffic(slo: Slo, *, a_minute: float, bad: float) -> Course:
    """Give what happens of each kind in a minute; of the bad ones, the first kind alone."""
    first, *_ = slo.bad
    rates: dict[str, float] = {}
    for term in slo.bad:
        share = bad if term is first else 0.0
        if isinstance(term, Above):
            bound = promql.bucket_label(term.limit)
            labels = value_of(term)
            rates[labelled(f"{term.metric.full_name}_count", **labels)] = a_minute
            within = labelled(f"{term.metric.full_name}_bucket", le=bound, **labels)
            rates[within] = a_minute * (1 - share)
        else:
            rates[labelled(term.metric.full_name, **value_of(term))] = a_minute * share
    told, *_ = slo.all
    if told.metric.kind is Kind.COUNTER:
        rates[labelled(told.metric.full_name, **value_of(told))] = a_minute * (1 - bad)
    return {name: Grows(rate) for name, rate in rates.items()}


def value_of(events: Events | Above) -> dict[str, str]:
    return {label: str(values[0]) for label, values in events.only}


def of(slo: Slo, promtool: Promtool) -> Path:
    """Write an objective's own rules: those of others would only take time."""
    own = (
        group for group in burning.groups() if group.name.removesuffix("-long").endswith(slo.key)
    )
    file = promtool.folder / "rules.yaml"
    file.write_text(rule_file(own, "a test"), encoding="utf-8")
    return file


def alerts(slo: Slo, minute: int, *fires: Severity) -> list[Expected]:
    return [Expected(alert.name, minute, alert.severity in fires) for alert in burning.alerts(slo)]


BOTH = (Severity.CRITICAL, Severity.WARNING)


def test_prometheus_can_load_them(promtool: Promtool) -> None:
    assert promtool.check(SLO_RULES, ALERTS) == ""


@EACH
def test_what_burns_a_budget_in_two_days_tells_within_the_hour(
    promtool: Promtool, slo: Slo
) -> None:
    burning_so = over(traffic(slo, a_minute=MANY, bad=min(1.0, 20 * slo.budget)), HOUR)
    assert promtool.complaint([of(slo, promtool)], burning_so, alerts(slo, HOUR - 1, *BOTH)) == ""


@PAGING
def test_what_was_well_for_hours_and_is_bad_now_wakes_somebody_within_two_minutes(
    promtool: Promtool, slo: Slo
) -> None:
    well, ill = (traffic(slo, a_minute=MANY, bad=bad) for bad in (0.0, 1.0))
    told = first_then(well, 2 * HOUR, ill, 10)
    (page, _) = alerts(slo, 2 * HOUR + 2, Severity.CRITICAL)
    assert promtool.complaint([of(slo, promtool)], told, [page]) == ""


@PAGING
def test_a_few_bad_ones_after_good_hours_wake_nobody(promtool: Promtool, slo: Slo) -> None:
    well, ill = (traffic(slo, a_minute=MANY, bad=bad) for bad in (0.0, 0.1))
    told = first_then(well, 2 * HOUR, ill, 10)
    (page, _) = alerts(slo, 2 * HOUR + 5)
    assert promtool.complaint([of(slo, promtool)], told, [page]) == ""


def test_calls_that_are_cut_are_calls_though_no_worker_is_left_to_count_them(
    promtool: Promtool,
) -> None:
    cut = {labelled("callfleet_calls_ended_by_infrastructure_total"): Grows(MANY)}
    (page, _) = alerts(CALL_SUCCESS, 8, Severity.CRITICAL)
    whole = Value('slo:sli_error:ratio_rate5m{sloth_slo="call_success"}', 8, 1)
    rules = [of(CALL_SUCCESS, promtool)]
    assert promtool.complaint(rules, over(cut, 10), [page, whole]) == ""


@pytest.mark.parametrize(
    ("by_operator", "share"), [(None, 0.5), (MANY, 0.5), (3 * MANY, 0.75), (0.0, 0.5)]
)
def test_a_call_that_is_cut_counts_once_whoever_tells_of_it(
    promtool: Promtool, by_operator: float | None, share: float
) -> None:
    """Workers tell of ten a minute; the operator is away, or tells of as many, more or none."""
    counted = "callfleet_calls_total"
    course: dict[str, Grows] = {
        labelled(counted, outcome="completed", reason="caller_hung_up"): Grows(MANY),
        labelled(counted, outcome="dropped", reason="process_died"): Grows(MANY),
    }
    if by_operator is not None:
        told = labelled("callfleet_calls_ended_by_infrastructure_total", pod="operator-1")
        course[told] = Grows(by_operator)
    (page, _) = alerts(CALL_SUCCESS, 8, Severity.CRITICAL)
    bad = Value('slo:sli_error:ratio_rate5m{sloth_slo="call_success"}', 8, share)
    rules = [of(CALL_SUCCESS, promtool)]
    assert promtool.complaint(rules, over(course, 10), [page, bad]) == ""


@pytest.mark.parametrize("ended", [0.0, MANY])
def test_calls_that_are_late_and_fail_or_have_not_ended_yet_are_no_more_than_all(
    promtool: Promtool, ended: float
) -> None:
    course = {
        labelled("callfleet_call_setup_seconds_count"): Grows(MANY),
        labelled("callfleet_call_setup_seconds_bucket", le="3.0"): Grows(0),
        labelled("callfleet_calls_total", outcome="failed", reason="media_lost"): Grows(ended),
    }
    bad = Value('slo:sli_error:ratio_rate5m{sloth_slo="call_success"}', 8, 1)
    assert promtool.complaint([of(CALL_SUCCESS, promtool)], over(course, 10), [bad]) == ""


@EACH
def test_within_the_budget_nobody_is_told(promtool: Promtool, slo: Slo) -> None:
    well = over(traffic(slo, a_minute=MANY, bad=slo.budget / 2), 4 * HOUR)
    assert promtool.complaint([of(slo, promtool)], well, alerts(slo, 4 * HOUR - 1)) == ""


@EACH
def test_few_events_tell_nobody_though_all_are_bad(promtool: Promtool, slo: Slo) -> None:
    few = over(traffic(slo, a_minute=FEW, bad=1.0), HOUR)
    assert promtool.complaint([of(slo, promtool)], few, alerts(slo, HOUR - 1)) == ""


@EACH
def test_two_bad_ones_among_few_tell_nobody(promtool: Promtool, slo: Slo) -> None:
    """Of 24 in four hours 2.4 are bad: that is more than any budget allows, and chance."""
    few = over(traffic(slo, a_minute=FEW, bad=0.1), 4 * HOUR)
    assert promtool.complaint([of(slo, promtool)], few, alerts(slo, 4 * HOUR - 1)) == ""


@EACH
def test_where_there_is_nothing_nobody_is_told(promtool: Promtool, slo: Slo) -> None:
    assert promtool.complaint([of(slo, promtool)], {}, alerts(slo, HOUR)) == ""


@EACH
def test_a_fleet_that_nobody_called_yet_has_used_up_nothing_that_could_be_said(
    promtool: Promtool, slo: Slo
) -> None:
    idle = over(traffic(slo, a_minute=0.0, bad=0.0), 10)
    left = Value(f'{burning.BUDGET_LEFT}{{sloth_slo="{slo.key}"}}', 9, None)
    counted = Value(f'{burning.EVENTS}{{sloth_slo="{slo.key}"}}', 9, 0)
    assert promtool.complaint([of(slo, promtool)], idle, [left, counted]) == ""


@EACH
def test_workers_that_begin_anew_tell_nobody(promtool: Promtool, slo: Slo) -> None:
    anew = over(traffic(slo, a_minute=MANY, bad=0.0), HOUR, 2 * HOUR)
    assert promtool.complaint([of(slo, promtool)], anew, alerts(slo, 3 * HOUR - 1)) == ""


@EACH
def test_what_is_over_stops_to_page_soon(promtool: Promtool, slo: Slo) -> None:
    ill = traffic(slo, a_minute=MANY, bad=min(1.0, 20 * slo.budget))
    told = first_then(ill, HOUR, traffic(slo, a_minute=MANY, bad=0.0), HOUR)
    pages = [each for each in alerts(slo, HOUR + 35) if each.alert.endswith("Page")]
    assert promtool.complaint([of(slo, promtool)], told, pages) == ""
