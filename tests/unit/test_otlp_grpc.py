"""Over gRPC all signals arrive, and what a collector does not take is counted."""

import grpc
import pytest
from collectors import Refusal, grpc_collector
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from pydantic import SecretStr
from sending_stand import AT_ONCE, Lost, started, tell

from callfleet_contract.telemetry import Signal
from callfleet_service import logs
from callfleet_service.otlp.sending import Limits
from callfleet_service.otlp.settings import Protocol


@pytest.fixture
def lost() -> Lost:
    return Lost()


def test_all_three_signals_arrive_over_grpc(lost: Lost) -> None:
    with grpc_collector() as collector:
        sending = started(
            collector.url,
            lost,
            otlp_protocol=Protocol.GRPC,
            signals=tuple(Signal),
            otlp_headers=SecretStr("Authorization=Bearer t"),
        )
        tell(sending, 1)
        assert sending.meter is not None
        sending.meter.create_counter("calls").add(3)
        for sink in logs._sinks:
            sink({"event": "turn", "logger": "callfleet.calls", "call_id": "AJ_a"})
        sending.stop()
    assert set(collector.spans()) == {"span 0"}
    assert collector.metrics()["calls"].sum.data_points[0].as_int == 3
    assert [record.body.string_value for _, record in collector.lines()] == ["turn"]
    assert {headers["authorization"] for _, headers in collector.requests} == {"Bearer t"}
    assert not lost


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "refused"),
        (grpc.StatusCode.UNAUTHENTICATED, "refused"),
        (grpc.StatusCode.UNAVAILABLE, "unreachable"),
    ],
)
def test_what_is_not_taken_over_grpc_is_counted(
    lost: Lost, code: grpc.StatusCode, reason: str
) -> None:
    def refuse(_: str) -> None:
        raise Refusal(code)

    with grpc_collector(refuse) as collector:
        sending = started(collector.url, lost, otlp_protocol=Protocol.GRPC)
        tell(sending, 2)
        sending.stop()
    assert lost == {("traces", reason): 2}


def test_a_busy_grpc_collector_is_asked_again(lost: Lost) -> None:
    codes = iter([grpc.StatusCode.RESOURCE_EXHAUSTED])

    def respond(_: str) -> None:
        code = next(codes, None)
        if code is not None:
            raise Refusal(code)

    with grpc_collector(respond) as collector:
        limits = Limits(send_seconds=20, every_seconds=0.05, stop_seconds=20)
        sending = started(collector.url, lost, limits, otlp_protocol=Protocol.GRPC)
        tell(sending, 2)
        sending.stop()
    assert len(collector.all_spans()) == 2
    assert not lost


def test_a_part_that_is_not_taken_over_grpc_is_counted(lost: Lost) -> None:
    part = ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    with grpc_collector(lambda _: ExportTraceServiceResponse(partial_success=part)) as collector:
        sending = started(collector.url, lost, AT_ONCE, otlp_protocol=Protocol.GRPC)
        tell(sending, 2)
        sending.stop()
    assert lost == {("traces", "refused"): 1}


def test_what_cannot_be_written_for_a_collector_is_counted_as_well(lost: Lost) -> None:
    with grpc_collector() as collector:
        sending = started(collector.url, lost, AT_ONCE, otlp_protocol=Protocol.GRPC)
        sending.tracer.start_span("half a character: \ud83d").end()
        tell(sending, 2)
        sending.stop()
    assert lost == {("traces", "refused"): 3}
