"""Objectives lean on what is measured, and rules made from them name nothing else."""

import re
from typing import Any

import pytest
import yaml

from callfleet_contract import metrics
from callfleet_contract.metric import Kind
from callfleet_contract.slos import SLOS, Above, Events, Slo, Urgency
from callfleet_dashboards import burning, promql
from callfleet_dashboards.writing import RULES

WORDS = re.compile(r"\bcallfleet_[a-z_]+\b")
RECORDS = re.compile(r"\bslo:[a-z_]+:[a-z0-9_]+\b")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_a_limit_between_buckets_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no bucket that ends at 0\.12: take one of 0\.005, "):
        Above(metrics.FLEET_OVERHEAD_SECONDS, 0.12)


@pytest.mark.parametrize("only", [(("room", ("a",)),), (("outcome", ("splendid",)),)])
def test_labels_that_nothing_has_are_refused(only: promql.Labels) -> None:
    with pytest.raises(ValueError, match="calls_total has no"):
        Events(metrics.CALLS_TOTAL, only)


def test_what_counts_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="calls_active counts nothing: it is a gauge"):
        Events(metrics.CALLS_ACTIVE)


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.key)
def test_an_objective_can_burn_fast_enough_to_tell_somebody(slo: Slo) -> None:
    assert 0 < slo.budget < 1
    factors = [burn.factor for burn in burning.BURNS if burn.urgency is slo.urgency]
    assert all(factor * slo.budget < 1 for factor in factors)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("record") or rule["alert"])
def test_a_rule_names_only_metrics_of_the_catalogue_and_records_that_there_are(
    rule: dict[str, Any],
) -> None:
    endings = {Kind.HISTOGRAM: ("_bucket", "_count"), Kind.COUNTER: ("",)}
    known = {
        metric.full_name + ending
        for metric in metrics.CATALOGUE
        for ending in endings.get(metric.kind, ())
    }
    assert set(WORDS.findall(rule["expr"])) <= known
    recorded = {each["record"] for each in rules() if "record" in each}
    assert set(RECORDS.findall(rule["expr"])) <= recorded


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.key)
def test_who_is_woken_by_an_objective_gets_a_ticket_by_it_as_well(slo: Slo) -> None:
    told = {rule["labels"]["severity"] for rule in burning.alerts(slo)}
    pages = slo.urgency is Urgency.PAGE
    assert told == ({"critical", "warning"} if pages else {"warning"})


@pytest.mark.parametrize(("limit", "written"), [(3, "3.0"), (0.15, "0.15"), (0.001, "0.001")])
def test_a_bound_is_written_as_workers_export_it(limit: float, written: str) -> None:
    assert promql.bucket_label(limit) == written
