"""One registry, built from the catalogue, that stays small whatever calls say."""

from itertools import product

from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from callfleet_contract import metrics
from callfleet_contract.metric import Kind
from callfleet_contract.metrics import TOOL_NAMES
from callfleet_contract.profiles import ModelProfile
from callfleet_service.metrics import EXEMPLAR_CHARACTERS, exemplar
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.samples import Sample
from callfleet_worker.parent.toolnames import OTHER

SERIES_PER_POD = 1500


def text(registry: Registry) -> str:
    return generate_latest(registry.prometheus).decode()


def test_every_metric_of_the_catalogue_is_there_under_its_name() -> None:
    shown = text(Registry(GEMINI_LIVE))
    for metric in metrics.CATALOGUE:
        suffix = "_info" if metric.kind is Kind.INFO else ""
        assert f"# HELP {metric.full_name}{suffix} " in shown


def test_a_pod_has_at_most_fifteen_hundred_series_when_all_has_happened() -> None:
    registry = Registry(GEMINI_LIVE)
    tools = (*(f"tool{number}" for number in range(TOOL_NAMES)), OTHER)
    for metric in metrics.CATALOGUE:
        for labels in product(*((values or tools) for _, values in metric.labels)):
            registry.feed(Sample(metric, 1.0, tuple(str(label) for label in labels)))
    series = [line for line in text(registry).splitlines() if not line.startswith("#")]
    assert 500 < len(series) <= SERIES_PER_POD
    assert not any("_created" in line for line in series)


def test_what_never_happened_is_nought_so_that_the_first_time_is_an_increase() -> None:
    shown = text(Registry(GEMINI_LIVE))
    assert 'callfleet_calls_total{outcome="dropped",reason="process_died"} 0.0' in shown
    assert 'callfleet_media_paths_total{protocol="tcp",type="relay"} 0.0' in shown
    assert 'callfleet_event_loop_held_total{tool="none"} 0.0' in shown
    assert "callfleet_tool_calls_total{" not in shown


def test_a_tool_that_is_known_is_nought_until_it_is_called() -> None:
    registry = Registry(GEMINI_LIVE)
    registry.expect_tool("look_up")
    registry.feed(Sample(metrics.TOOL_CALLS_TOTAL, 1.0, ("look_up", "ok")))
    registry.expect_tool("look_up")
    shown = text(registry)
    assert 'callfleet_tool_calls_total{result="ok",tool="look_up"} 1.0' in shown
    assert 'callfleet_tool_calls_total{result="error",tool="look_up"} 0.0' in shown
    assert 'callfleet_tool_call_seconds_count{tool="look_up"} 0.0' in shown
    assert 'callfleet_event_loop_held_total{tool="look_up"} 0.0' in shown


def test_a_worker_begins_with_its_own_profile_and_no_other() -> None:
    shown = text(Registry(GEMINI_LIVE, ModelProfile.IDEAL))
    assert (
        'callfleet_turn_response_seconds_count{load_band="10",profile="ideal",tools="none"} 0.0'
        in shown
    )
    assert 'profile="measured"' not in shown


def test_a_response_time_leads_to_its_call_and_its_trace() -> None:
    registry = Registry(GEMINI_LIVE)
    facts = {"trace_id": "f" * 32, "call_id": "AJ_x"}
    registry.feed(Sample(metrics.TURN_RESPONSE_SECONDS, 0.45, ("10", "ideal", "none")), facts)
    shown = generate_openmetrics(registry.prometheus).decode()
    assert 'call_id="AJ_x"' in shown
    assert f'trace_id="{"f" * 32}"' in shown


def test_an_exemplar_keeps_what_fits_and_never_more() -> None:
    facts = {"trace_id": "f" * 32, "call_id": "x" * 100, "n": "1", "empty": ""}
    kept = exemplar(facts)
    assert kept == {"trace_id": "f" * 32, "n": "1"}
    assert sum(len(name) + len(value) for name, value in kept.items()) <= EXEMPLAR_CHARACTERS


def test_a_gauge_is_set_and_a_counter_is_not() -> None:
    registry = Registry(GEMINI_LIVE)
    registry.set(metrics.CALLS_ACTIVE, 3)
    registry.set(metrics.EVENTS_REFUSED_TOTAL, 3)
    assert "callfleet_calls_active 3.0" in text(registry)
    assert "callfleet_events_refused_total 0.0" in text(registry)
