"""What a collector does not take is counted, and whoever tells something never waits for it."""

import io
import logging
import threading
import time
from collections.abc import Iterator

import pytest
import structlog
from collectors import OK, Answer, Collector, facts, http_collector
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from sending_stand import AT_ONCE, HASTY, Lost, started, tell, until
from written_lines import writing

from callfleet_contract.telemetry import Signal
from callfleet_service.otlp.sending import Sending, headers_of
from callfleet_service.otlp.settings import OtlpSettings, Protocol


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with http_collector() as listening:
        yield listening


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    with writing() as stream:
        yield stream


def test_what_a_collector_takes_is_not_lost(collector: Collector, lost: Lost) -> None:
    sending = started(collector.url, lost)
    tell(sending, 12)
    sending.stop()
    assert len(collector.all_spans()) == 12
    assert not lost


def test_what_a_collector_answers_with_an_error_is_refused(
    collector: Collector, lost: Lost
) -> None:
    collector.answer = lambda: Answer(500)
    sending = started(collector.url, lost)
    tell(sending, 3)
    sending.stop()
    assert lost == {("traces", "refused"): 3}


def test_a_collector_that_asks_for_patience_gets_it_within_bounds(
    collector: Collector, lost: Lost
) -> None:
    answers = iter([Answer(429, {"Retry-After": "0"}), Answer(503, {"Retry-After": "0"})])
    collector.answer = lambda: next(answers, OK)
    sending = started(collector.url, lost)
    tell(sending, 3)
    sending.stop()
    assert len(collector.all_spans()) == 3
    assert not lost


def test_a_collector_that_asks_for_more_patience_than_there_is_has_refused(
    collector: Collector, lost: Lost
) -> None:
    collector.answer = lambda: Answer(429, {"Retry-After": "3600"})
    sending = started(collector.url, lost)
    tell(sending, 3)
    sending.stop()
    assert lost == {("traces", "refused"): 3}


@pytest.mark.parametrize("answer", [Answer(closes=True), Answer(hangs=True)])
def test_a_collector_that_hangs_or_hangs_up_is_unreachable(
    collector: Collector, lost: Lost, answer: Answer
) -> None:
    collector.answer = lambda: answer
    sending = started(collector.url, lost)
    tell(sending, 3)
    sending.stop()
    assert lost == {("traces", "unreachable"): 3}


@pytest.mark.parametrize("protocol", Protocol)
def test_a_collector_that_is_not_there_is_unreachable(lost: Lost, protocol: Protocol) -> None:
    sending = started("http://127.0.0.1:1", lost, otlp_protocol=protocol)
    tell(sending, 3)
    sending.stop()
    assert lost == {("traces", "unreachable"): 3}


def test_more_than_a_slow_collector_takes_is_counted_and_not_kept(
    collector: Collector, lost: Lost
) -> None:
    collector.answer = lambda: Answer(hangs=True)
    sending = started(collector.url, lost, HASTY)
    tell(sending, 5)
    until(lambda: sending.waiting(Signal.TRACES) == 0)
    tell(sending, 500)
    assert sending.waiting(Signal.TRACES) == HASTY.waiting
    assert lost == {("traces", "queue_full"): 500 - HASTY.waiting}
    sending.stop()
    assert not collector.let_go.is_set(), "it still hangs, and nobody waits for it"
    collector.let_go.set()
    until(lambda: not any(one.name.startswith("OtelBatch") for one in threading.enumerate()))


def test_what_is_under_way_when_a_program_ends_is_told_as_left(
    collector: Collector, lost: Lost, written: io.StringIO
) -> None:
    collector.answer = lambda: Answer(hangs=True)
    sending = started(collector.url, lost, HASTY)
    tell(sending, 5)
    until(lambda: sending.waiting(Signal.TRACES) == 0)
    tell(sending, 3)
    sending.stop()
    assert '"left": {"traces": 8}' in written.getvalue()


def test_a_part_that_is_not_taken_is_counted(collector: Collector, lost: Lost) -> None:
    part = ExportTracePartialSuccess(rejected_spans=2, error_message="too old")
    body = ExportTraceServiceResponse(partial_success=part).SerializeToString()
    collector.answer = lambda: Answer(200, {"Content-Type": "application/x-protobuf"}, body)
    sending = started(collector.url, lost, AT_ONCE)
    tell(sending, 3)
    sending.stop()
    assert lost == {("traces", "refused"): 2}


def test_a_collector_that_takes_all_and_answers_nonsense_has_taken_it(
    collector: Collector, lost: Lost
) -> None:
    collector.answer = lambda: Answer(200, {"Content-Type": "application/x-protobuf"}, b"\xff<")
    sending = started(collector.url, lost)
    tell(sending, 3)
    sending.stop()
    assert len(collector.all_spans()) == 3
    assert not lost


def test_why_a_collector_is_not_reached_is_told(lost: Lost, written: io.StringIO) -> None:
    sending = started("http://127.0.0.1:1", lost)
    tell(sending, 1)
    sending.stop()
    assert "Connection refused" in written.getvalue()


def test_metrics_that_are_refused_come_with_the_next_sending(
    collector: Collector, lost: Lost
) -> None:
    answers = iter([Answer(500)])
    collector.answer = lambda: next(answers, OK)
    sending = started(collector.url, lost, signals=(Signal.METRICS,), metrics_interval_seconds=1)
    assert sending.meter is not None
    sending.meter.create_counter("calls").add(3)
    until(lambda: bool(lost))
    sending.stop()
    assert lost == {("metrics", "refused"): 1}
    assert collector.metrics()["calls"].sum.data_points[0].as_int == 3


def test_a_line_arrives_in_the_schema_that_it_is_written_in(
    collector: Collector, lost: Lost, written: io.StringIO
) -> None:
    sending = started(collector.url, lost, signals=(Signal.LOGS,))
    trace_id = "669c95a5fb587f8b1bc9eaca5f0615b5"
    structlog.get_logger("callfleet.calls").warning(
        "call ended", call_id="AJ_a", trace_id=trace_id, seconds=1.5, names=["a"]
    )
    logging.getLogger("some.library").error("broken", exc_info=ValueError("x"))
    sending.stop()
    (ours, ended), (library, broken) = collector.lines()
    assert (ours, ended.body.string_value) == ("callfleet.calls", "call ended")
    assert (ended.severity_text, ended.trace_id.hex()) == ("WARNING", trace_id)
    assert facts(ended.attributes) == {"call_id": "AJ_a", "seconds": 1.5, "names": "['a']"}
    assert abs(ended.time_unix_nano - time.time_ns()) < 3600e9
    assert library == "some.library"
    assert "ValueError: x" in facts(broken.attributes)["exception.stacktrace"]
    assert written.getvalue().count("\n") == 2


def test_a_line_with_half_a_character_arrives_and_costs_no_other(
    collector: Collector, lost: Lost, written: io.StringIO
) -> None:
    del written
    sending = started(collector.url, lost, AT_ONCE, signals=(Signal.LOGS,))
    log = structlog.get_logger("callfleet.calls")
    log.warning("no file \udcff", path="/srv/\udcff")
    log.warning("ready")
    sending.stop()
    (_, half), (_, whole) = collector.lines()
    assert (half.body.string_value, facts(half.attributes)["path"]) == ("no file ?", "/srv/?")
    assert whole.body.string_value == "ready"
    assert not lost


def test_losses_are_told_once_and_not_to_the_collector(
    collector: Collector, lost: Lost, written: io.StringIO
) -> None:
    answers = iter([Answer(500), Answer(500)])
    collector.answer = lambda: next(answers, OK)
    sending = started(collector.url, lost, signals=(Signal.LOGS,))
    log = structlog.get_logger("callfleet.calls")
    for expected in (1, 2):
        log.info("turn")
        until(lambda expected=expected: lost["logs", "refused"] == expected)
    log.info("turn")
    until(lambda: len(collector.lines()) == 1)
    sending.stop()
    told = written.getvalue()
    assert told.count("telemetry is lost") == 1
    assert told.count('"the collector takes telemetry again"') == 1
    assert [record.body.string_value for _, record in collector.lines()] == ["turn"]


def test_who_sends_is_said_by_its_pod_and_by_whoever_deploys_it(
    collector: Collector, lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {
        "POD_NAMESPACE": "voice",
        "POD_NAME": "support-1",
        "POD_UID": "u-1",
        "NODE_NAME": "node1",
        "CONTAINER_NAME": "worker",
        "FLEET_NAME": "support",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod,k8s.node.name=mine",
    }
    for name, said in here.items():
        monkeypatch.setenv(name, said)
    sending = started(collector.url, lost, service_name="phones")
    tell(sending, 1)
    sending.stop()
    (told,) = collector.resources()
    assert told["service.name"] == "phones"
    assert told["service.version"]
    assert (told["service.instance.id"], told["k8s.pod.uid"]) == ("u-1", "u-1")
    assert (told["k8s.namespace.name"], told["k8s.pod.name"]) == ("voice", "support-1")
    assert (told["k8s.container.name"], told["callfleet.fleet"]) == ("worker", "voice/support")
    assert (told["k8s.node.name"], told["deployment.environment.name"]) == ("mine", "prod")


def test_headers_are_read_as_pairs_or_as_opentelemetry_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=a%20b")
    assert headers_of("a=1, b = 2=3 ,nothing") == {"a": "1", "b": "2=3"}
    assert headers_of("") == {"x-token": "a b"}


def test_without_an_endpoint_nothing_is_started(lost: Lost) -> None:
    assert Sending.start(OtlpSettings(), lost.count) is None
