"""Spans and metrics reach a collector over OTLP/HTTP, and carry no room and no word."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from collectors import Collector, facts, http_collector
from prometheus_client.openmetrics.exposition import generate_latest
from pydantic import SecretStr

from callfleet_contract import metrics
from callfleet_contract.events import (
    BargeIn,
    CallAnswered,
    CallEnded,
    CallStarted,
    ModelSessionEvent,
    TokensUsed,
    ToolFinished,
    TurnMeasured,
)
from callfleet_contract.outcomes import CallOutcome, CallReason, ModelSessionChange, TurnEnd
from callfleet_contract.traces import trace_id_of
from callfleet_worker.parent.hearing import Hearing
from callfleet_worker.parent.otlp import Otlp
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.samples import Sampler
from callfleet_worker.parent.spans import Whose
from callfleet_worker.settings import TelemetrySettings

MS = 1_000_000
ROOM = "call-_+15550100_x"
TURN = TurnMeasured(
    call_id="AJ_a",
    room=ROOM,
    turn=1,
    end=TurnEnd.COMPLETED,
    speech_end_ns=1000 * MS,
    model_sent_ns=1050 * MS,
    first_model_audio_ns=1450 * MS,
    first_played_ns=1480 * MS,
    tool_seconds=0.0,
    jitter_buffer_seconds=0.04,
    agent_rtt_seconds=0.002,
    heard_seconds=1.0,
    played_seconds=2.0,
)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with http_collector() as listening:
        yield listening


def tell_a_call(settings: TelemetrySettings, outcome: CallOutcome) -> Registry:
    registry = Registry(GEMINI_LIVE)
    otlp = Otlp.start(settings, registry, Whose())
    assert otlp is not None
    hearing = Hearing(registry, Sampler(), otlp)
    hearing.heard(CallStarted("AJ_a", ROOM, 900 * MS))
    hearing.heard(CallAnswered("AJ_a", 0.8))
    hearing.heard(ModelSessionEvent("AJ_a", ModelSessionChange.OPENED, "m"))
    hearing.heard(TURN)
    hearing.heard(replace(TURN, speech_end_ns=0))
    hearing.heard(ToolFinished("AJ_a", "look_up_order", "ok", 0.2))
    hearing.heard(BargeIn("AJ_a", 0.15))
    hearing.heard(TokensUsed("AJ_a", "m", "input", "audio", "billed", 100))
    hearing.heard(TokensUsed("AJ_a", "m", "input", "audio", "billed", 150))
    hearing.heard(CallEnded("AJ_a", ROOM, outcome, CallReason.CALLER_HUNG_UP, 12.0))
    hearing.refused()
    hearing.show(10, accepting=True)
    otlp.stop()
    return registry


def test_a_call_is_a_trace_with_its_turns_and_their_stages(collector: Collector) -> None:
    tell_a_call(TelemetrySettings(otlp_endpoint=collector.url), CallOutcome.COMPLETED)
    spans = collector.spans()
    reply, tool = "generate_live_content m", "execute_tool look_up_order"
    assert set(spans) == {"call", "model session", "turn", "uplink", reply, "playout", tool}
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["turn"].parent_span_id == spans["call"].span_id
    for stage in ("uplink", reply, "playout"):
        assert spans[stage].parent_span_id == spans["turn"].span_id
    durations = {
        name: (span.end_time_unix_nano - span.start_time_unix_nano) / MS
        for name, span in spans.items()
    }
    assert durations["turn"] == pytest.approx(480, abs=1)
    assert durations[reply] == pytest.approx(400, abs=1)
    told = facts(spans["call"].attributes)
    assert told["callfleet.call_id"] == "AJ_a"
    assert told["callfleet.outcome"] == "completed"
    assert told["gen_ai.usage.input_tokens"] == 250
    assert [event.name for event in spans["call"].events] == ["turn", "barge-in"]


def test_a_dropped_call_is_an_error(collector: Collector) -> None:
    tell_a_call(TelemetrySettings(otlp_endpoint=collector.url), CallOutcome.DROPPED)
    assert collector.spans()["call"].status.code == 2


def test_metrics_are_those_of_the_catalogue_with_its_buckets(collector: Collector) -> None:
    tell_a_call(TelemetrySettings(otlp_endpoint=collector.url), CallOutcome.COMPLETED)
    found = collector.metrics()
    ours = {name for name in found if not name.startswith("gen_ai.")}
    assert ours <= {metric.shown_as for metric in metrics.CATALOGUE}
    (point,) = found[metrics.TURN_RESPONSE_SECONDS.full_name].histogram.data_points
    assert tuple(point.explicit_bounds) == metrics.TURN_RESPONSE_SECONDS.buckets
    assert point.sum == pytest.approx(0.48)
    units = {name: found[name].unit for name in ours}
    assert units[metrics.TURN_RESPONSE_SECONDS.full_name] == "s"
    assert units[metrics.COST_USD_TOTAL.full_name] == "{USD}"
    assert units[metrics.CALL_SLOTS.full_name] == units[metrics.TOKENS_TOTAL.full_name] == ""
    tokens = found[metrics.TOKENS_TOTAL.full_name].sum
    assert tokens.is_monotonic
    assert [point.as_double or point.as_int for point in tokens.data_points] == [250]
    assert found[metrics.CALL_SLOTS.full_name].gauge.data_points[0].as_double == 10


def test_a_response_time_in_prometheus_leads_to_the_trace(collector: Collector) -> None:
    registry = tell_a_call(TelemetrySettings(otlp_endpoint=collector.url), CallOutcome.COMPLETED)
    trace_id = collector.spans()["call"].trace_id.hex()
    assert trace_id == trace_id_of("AJ_a")
    assert f'trace_id="{trace_id}"' in generate_latest(registry.prometheus).decode()


def test_no_room_and_no_number_leaves_the_worker(collector: Collector) -> None:
    tell_a_call(TelemetrySettings(otlp_endpoint=collector.url), CallOutcome.COMPLETED)
    assert collector.bodies
    assert not any(b"15550100" in body for body in collector.bodies)


def test_headers_and_the_service_name_are_sent(collector: Collector) -> None:
    settings = TelemetrySettings(
        otlp_endpoint=collector.url + "/",
        otlp_headers=SecretStr("authorization=Bearer t=1, x=2"),
        service_name="phones",
    )
    tell_a_call(settings, CallOutcome.COMPLETED)
    kinds = {type(request).__name__ for request, _ in collector.requests}
    assert kinds == {"ExportTraceServiceRequest", "ExportMetricsServiceRequest"}
    assert {headers["authorization"] for _, headers in collector.requests} == {"Bearer t=1"}
    assert {told["service.name"] for told in collector.resources()} == {"phones"}


def test_without_an_endpoint_nothing_is_started() -> None:
    assert Otlp.start(TelemetrySettings(), Registry(GEMINI_LIVE), Whose()) is None


def test_a_trace_that_is_open_at_the_end_is_sent_all_the_same(collector: Collector) -> None:
    otlp = Otlp.start(
        TelemetrySettings(otlp_endpoint=collector.url), Registry(GEMINI_LIVE), Whose()
    )
    assert otlp is not None
    otlp.trace(BargeIn("AJ_a", 0.1))
    otlp.stop()
    assert set(collector.spans()) == {"call"}
