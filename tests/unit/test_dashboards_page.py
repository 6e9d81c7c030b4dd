"""The page of metrics is the catalogue, whole and in words that Prometheus' users expect."""

import pytest

from callfleet_contract import metrics, operator_metrics
from callfleet_contract.metric import Kind, Metric
from callfleet_contract.slos import WINDOW_DAYS
from callfleet_dashboards import page
from callfleet_dashboards.writing import METRICS, ROOT

ALL = (*metrics.CATALOGUE, *operator_metrics.CATALOGUE)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_wants_it_and_is_on_the_page(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.kind is not Kind.HISTOGRAM or metric.unit != "1"
    assert metric.help.endswith(".")
    assert f"| `{metric.shown_as}` | {metric.kind} |" in METRICS.read_text(encoding="utf-8")


def test_a_row_says_unit_labels_and_buckets() -> None:
    metric = Metric(
        "wait_seconds",
        Kind.HISTOGRAM,
        "Waits | of any kind.",
        (("why", ("a", "b")), ("tool", ())),
        (0.5, 1),
    )
    assert page.table([metric]).splitlines()[-1] == (
        "| `callfleet_wait_seconds` | histogram | s | `why`: a, b; `tool` "
        "| Waits \\| of any kind. Buckets: 0.5 1. |"
    )


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("turn_response_seconds", "seconds"),
        ("speech_seconds_total", "seconds"),
        ("rtp_window_loss_ratio", "ratio"),
        ("cost_usd_total", "usd"),
        ("calls_active", "1"),
    ],
)
def test_the_unit_is_in_the_name(name: str, unit: str) -> None:
    (metric,) = [metric for metric in ALL if metric.name == name]
    assert metric.unit == unit


def test_prometheus_is_said_to_have_to_keep_what_budgets_are_reckoned_from() -> None:
    told = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
    assert f"`storage.tsdb.retention.time: {WINDOW_DAYS}d`" in told
