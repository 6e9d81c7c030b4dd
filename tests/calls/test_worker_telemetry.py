"""A worker sends a call's trace, its lines and its metrics to a collector, and stops without it."""

import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from collectors import Answer, Collector, facts, http_collector
from worker_stand import START_SECONDS, Caller, start_worker, until

from callfleet_contract import metrics
from callfleet_contract.traces import trace_id_of
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children


@pytest.fixture
async def caller(livekit_server: LiveKitServer) -> AsyncIterator[Caller]:
    async with Caller(livekit_server) as calling:
        yield calling


@pytest.fixture
def collector() -> Iterator[Collector]:
    with http_collector() as listening:
        yield listening


@pytest.mark.parametrize("calls_per_process", ["1", "2"])
async def test_a_call_arrives_whole_at_the_collector(
    children: Children,
    livekit_server: LiveKitServer,
    caller: Caller,
    collector: Collector,
    calls_per_process: str,
) -> None:
    worker = start_worker(
        children,
        livekit_server,
        CALLFLEET_SLOTS="2",
        CALLFLEET_CALLS_PER_PROCESS=calls_per_process,
        CALLFLEET_TELEMETRY__OTLP_ENDPOINT=collector.url,
        POD_NAMESPACE="voice",
        FLEET_NAME="support",
    )
    worker.child.wait_until(lambda: bool(worker.logged("ready")), START_SECONDS, "ready")
    room = await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs", room=room)), "running")
    await caller.hang_up(room)
    await worker.metric_becomes("callfleet_calls_active", 0)
    worker.signal(signal.SIGTERM)
    await worker.ends()
    (ended,) = worker.logged("call ended")
    trace_id = trace_id_of(ended["call_id"])
    assert {line["trace_id"] for line in worker.lines() if "call_id" in line} == {trace_id}
    assert {line["fleet"] for line in worker.lines()} == {"voice/support"}
    assert [span.trace_id.hex() for span in collector.all_spans() if span.name == "call"] == [
        trace_id
    ]
    sent = [
        facts(record.attributes) | {"event": record.body.string_value}
        for _, record in collector.lines()
        if record.trace_id.hex() == trace_id
    ]
    written = [line for line in worker.lines() if "call_id" in line]
    assert {"call runs", "call ended"} <= {line["event"] for line in sent}
    assert len(sent) == len(written)
    assert metrics.CALLS_TOTAL.full_name in collector.metrics()


async def test_a_collector_that_hangs_holds_up_neither_call_nor_end(
    children: Children, livekit_server: LiveKitServer, caller: Caller, collector: Collector
) -> None:
    collector.answer = lambda: Answer(hangs=True)
    worker = start_worker(
        children, livekit_server, CALLFLEET_TELEMETRY__OTLP_ENDPOINT=collector.url
    )
    worker.child.wait_until(lambda: bool(worker.logged("ready")), START_SECONDS, "ready")
    room = await caller.call(worker)
    await until(lambda: bool(worker.logged("call runs", room=room)), "running")
    await caller.hang_up(room)
    await worker.metric_becomes("callfleet_calls_active", 0)
    worker.signal(signal.SIGTERM)
    await worker.ends()
    assert not collector.let_go.is_set()
    assert worker.logged("the collector did not take the rest in time")
