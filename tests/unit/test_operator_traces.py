"""Ticks that do something are told as traces, every action with its reason; idle ones are not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog
from collectors import Collector, facts, http_collector
from operator_stand import fleet, stand, until
from structlog.testing import LogCapture

from callfleet_contract.fleet.status import Limit, Why
from callfleet_operator.planning.actions import Create, Plan, Reason
from callfleet_operator.settings import TelemetrySettings
from callfleet_operator.telling.ticks import SLOW_SECONDS, Did, TickTold

QUICK_NS = 1_000_000


@pytest.fixture
def collector() -> Iterator[Collector]:
    with http_collector() as listening:
        yield listening


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    capture = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture.entries
    structlog.reset_defaults()


async def test_a_tick_that_acts_is_a_trace_down_to_its_actions(
    collector: Collector, lines: list[dict[str, Any]]
) -> None:
    telemetry = TelemetrySettings(otlp_endpoint=collector.url)
    async with stand(telemetry=telemetry) as one:
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "both take calls")
    created = [span for span in collector.all_spans() if span.name == "create pod"]
    assert len(created) == 2
    trace = [span for span in collector.all_spans() if span.trace_id == created[0].trace_id]
    spans = {span.name: span for span in trace}
    assert set(spans) == {"tick", "observe", "plan", "apply", "report", "create pod"}
    assert created[0].parent_span_id == spans["apply"].span_id
    for step in ("observe", "plan", "apply", "report"):
        assert spans[step].parent_span_id == spans["tick"].span_id
    told = facts(spans["tick"].attributes)
    assert told["callfleet.fleet"] == "voice/talkers"
    assert (told["callfleet.desired_pods"], told["callfleet.actions"]) == (2, 2)
    assert told["callfleet.limited_by"]
    assert facts(created[0].attributes)["callfleet.reason"]
    changed = [line for line in lines if line["event"] == "pod changed"]
    assert {line["trace_id"] for line in changed} == {spans["tick"].trace_id.hex()}
    assert {line["fleet"] for line in changed} == {"voice/talkers"}


async def test_ticks_after_which_nothing_is_other_than_before_are_not_told(
    collector: Collector,
) -> None:
    telemetry = TelemetrySettings(otlp_endpoint=collector.url)
    async with stand(telemetry=telemetry) as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "it takes calls")
        await one.ticks(6)
    ticks = [span for span in collector.all_spans() if span.name == "tick"]
    assert 1 <= len(ticks) <= 3


async def test_the_operators_metrics_go_to_the_collector_and_a_fleet_that_is_gone_leaves_none(
    collector: Collector,
) -> None:
    telemetry = TelemetrySettings(otlp_endpoint=collector.url, metrics_interval_seconds=600)
    async with stand(telemetry=telemetry) as one:
        await one.kube.put("voicefleets", fleet("talkers"))
        await until(lambda: one.status().get("accepting") == 1, "it takes calls")
    found = collector.metrics()
    (desired,) = found["callfleet_desired_pods"].gauge.data_points
    assert facts(desired.attributes) == {"namespace": "voice", "fleet": "talkers"}
    assert found["callfleet_reconcile_seconds"].histogram.data_points
    assert {told["service.name"] for told in collector.resources()} == {"callfleet-operator"}


def plan(**more: Any) -> Plan:
    nothing: Any = None
    told: dict[str, Any] = {"desired": 2, "why": next(iter(Why)), "limited_by": next(iter(Limit))}
    return Plan(
        actions=(),
        message="",
        rollout=nothing,
        conditions=(),
        memory=nothing,
        **told | more,
    )


IDLE = TickTold(0, QUICK_NS, plan=plan())


@pytest.mark.parametrize(
    "told",
    [
        replace(IDLE, did=[Did(Create(1, "r", Reason.DEMAND), 0, 1)]),
        replace(IDLE, problems=(object(),)),
        replace(IDLE, error="KeyError"),
        replace(IDLE, ended_ns=int(SLOW_SECONDS * 1e9) + 1),
        replace(IDLE, plan=plan(desired=3)),
        replace(IDLE, plan=plan(limited_by=list(Limit)[-1])),
    ],
    ids=["acts", "meets a problem", "fails", "is slow", "decides otherwise", "is limited"],
)
def test_a_tick_is_told_that_somebody_may_look_for(told: TickTold) -> None:
    assert told.is_worth_telling(IDLE.decided)


def test_a_tick_that_only_looks_is_not_told_again() -> None:
    assert IDLE.is_worth_telling(())
    assert not IDLE.is_worth_telling(IDLE.decided)
