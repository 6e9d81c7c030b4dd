"""Objectives lean on what is measured, and rules made from them name nothing else."""

import re
from typing import Any

import pytest
import yaml

from callfleet_contract import metrics, operator_metrics
from callfleet_contract.metric import Kind
from callfleet_contract.slos import SLOS, Above, Events, Slo, Urgency
from callfleet_dashboards import burning, promql
from callfleet_dashboards.alerts.alert import Severity
from callfleet_dashboards.writing import ALERTS, ROOT, SLO_RULES

WORDS = re.compile(r"\bcallfleet_[a-z_]+\b")
RECORDS = re.compile(r"\bslo:[a-z_]+:[a-z0-9_]+\b")
HEADINGS = ("## Meaning", "## Impact", "## Diagnosis", "## Mitigation")


def rules() -> list[dict[str, Any]]:
    files = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in (SLO_RULES, ALERTS)]
    groups = [group for file in files for group in file["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alert_rules() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


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
    endings = {Kind.HISTOGRAM: ("_bucket", "_count"), Kind.COUNTER: ("",), Kind.GAUGE: ("",)}
    known = {
        metric.full_name + ending
        for metric in (*metrics.CATALOGUE, *operator_metrics.CATALOGUE)
        for ending in endings.get(metric.kind, ())
    }
    assert set(WORDS.findall(rule["expr"])) <= known
    recorded = {each["record"] for each in rules() if "record" in each}
    assert set(RECORDS.findall(rule["expr"])) <= recorded


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.key)
def test_who_is_woken_by_an_objective_gets_a_ticket_by_it_as_well(slo: Slo) -> None:
    told = {alert.severity for alert in burning.alerts(slo)}
    pages = {Severity.CRITICAL} if slo.urgency is Urgency.PAGE else set[Severity]()
    assert told == {Severity.WARNING} | pages


@pytest.mark.parametrize(("limit", "written"), [(3, "3.0"), (0.15, "0.15"), (0.001, "0.001")])
def test_a_bound_is_written_as_workers_export_it(limit: float, written: str) -> None:
    assert promql.bucket_label(limit) == written


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_leads_to_a_runbook(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"Callfleet([A-Z][a-z]+)+", rule["alert"])
    assert rule["labels"]["severity"] in set(Severity)
    told = rule["annotations"]
    assert "{{" not in told["summary"]
    assert told["summary"].endswith(".")
    runbook = ROOT / "docs" / "runbooks" / told["runbook_url"].rpartition("/")[2]
    text = runbook.read_text(encoding="utf-8")
    assert text.startswith(f"# {runbook.stem}\n")
    found = [line for line in text.splitlines() if line in HEADINGS]
    assert found == list(HEADINGS)


def test_each_runbook_is_of_an_alert() -> None:
    known = {rule["annotations"]["runbook_url"].rpartition("/")[2] for rule in alert_rules()}
    there = {file.name for file in (ROOT / "docs" / "runbooks").glob("Callfleet*.md")}
    assert there == known


def test_names_of_alerts_are_different() -> None:
    names = [rule["alert"] for rule in alert_rules()]
    assert len(names) == len(set(names))
