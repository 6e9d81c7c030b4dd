"""A call's trace: its model's sessions, its turns and their stages, its tools where they belong."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from prometheus_client.openmetrics.exposition import generate_latest
from structlog.testing import capture_logs
from told_traces import ENDED, MODEL, S, Told, telling, turn

from callfleet_contract.events import (
    BargeIn,
    CallAnswered,
    CallStarted,
    EventsDropped,
    MediaPath,
    ModelSessionEvent,
    Said,
    TokensUsed,
    ToolFinished,
)
from callfleet_contract.outcomes import CallOutcome, ModelSessionChange, TurnEnd
from callfleet_contract.traces import trace_id_of
from callfleet_worker.parent.hearing import Hearing
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.samples import Sampler

told = pytest.fixture(telling)


def child_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def test_all_of_a_call_is_in_the_trace_that_its_id_names(told: Told) -> None:
    told.tell(CallStarted("AJ_a", "room", time.monotonic_ns()), turn(time.monotonic_ns()), ENDED)
    ids = {f"{span.context.trace_id:032x}" for span in told.exporter.get_finished_spans()}
    assert ids == {trace_id_of("AJ_a")}
    call = told.spans()["call"]
    assert call.parent is None
    assert call.attributes is not None
    assert call.attributes["gen_ai.conversation.id"] == "AJ_a"
    assert call.attributes["gen_ai.agent.name"] == "porter"


def test_a_tool_belongs_to_the_turn_that_waited_for_it(told: Told) -> None:
    now = time.monotonic_ns()
    told.tell(ToolFinished("AJ_a", "look_up", "ok", 0.2), turn(now - S), ENDED)
    spans = told.spans()
    tool = spans["execute_tool look_up"]
    assert child_of(tool) == spans["turn"].context.span_id
    assert (tool.attributes or {})["gen_ai.operation.name"] == "execute_tool"


def test_a_tool_that_no_turn_waited_for_belongs_to_the_call(told: Told) -> None:
    now = time.monotonic_ns()
    told.tell(ToolFinished("AJ_a", "tidy_up", "error", 0.2), turn(now + 60 * S))
    told.tell(ToolFinished("AJ_a", "say_goodbye", "ok", 0.2), ENDED)
    spans = told.spans()
    for name in ("tidy_up", "say_goodbye"):
        assert child_of(spans[f"execute_tool {name}"]) == spans["call"].context.span_id
    assert (spans["execute_tool tidy_up"].attributes or {})["error.type"] == "error"


def test_each_connection_to_a_model_is_a_span(told: Told) -> None:
    changes = ModelSessionChange
    told.tell(
        ModelSessionEvent("AJ_a", changes.OPENED, MODEL),
        ModelSessionEvent("AJ_a", changes.GO_AWAY, MODEL),
        ModelSessionEvent("AJ_a", changes.RESUMED, MODEL),
        ModelSessionEvent("AJ_a", changes.SWAPPED, "another"),
        ModelSessionEvent("AJ_a", changes.CLOSED, "another"),
        ENDED,
    )
    first, second, third = told.named("model session")
    call = told.spans()["call"]
    assert {child_of(one) for one in (first, second, third)} == {call.context.span_id}
    assert [event.name for event in first.events] == ["go_away"]
    facts = [one.attributes or {} for one in (first, second, third)]
    assert [one["callfleet.began_by"] for one in facts] == ["opened", "resumed", "swapped"]
    assert [one["callfleet.ended_by"] for one in facts] == ["resumed", "swapped", "closed"]
    assert [one["gen_ai.request.model"] for one in facts] == [MODEL, MODEL, "another"]
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert not third.status.is_ok
    assert first.end_time is not None
    assert second.start_time is not None
    assert first.end_time <= second.start_time


def test_a_reply_of_the_model_is_told_as_the_conventions_have_it(told: Told) -> None:
    told.tell(
        ModelSessionEvent("AJ_a", ModelSessionChange.OPENED, MODEL),
        TokensUsed("AJ_a", MODEL, "input", "audio", "billed", 100),
        TokensUsed("AJ_a", MODEL, "input", "audio", "cached", 30),
        TokensUsed("AJ_a", MODEL, "output", "text", "thoughts", 7),
        turn(time.monotonic_ns() - 5 * S),
        TokensUsed("AJ_a", MODEL, "output", "audio", "billed", 50),
        ENDED,
    )
    reply = told.spans()[f"generate_live_content {MODEL}"]
    facts = reply.attributes or {}
    assert facts["gen_ai.provider.name"] == "gcp.vertex_ai"
    assert facts["gen_ai.usage.input_tokens"] == 130
    assert facts["gen_ai.usage.cache_read.input_tokens"] == 30
    assert facts["gen_ai.usage.output_tokens"] == 7
    assert facts["gen_ai.usage.reasoning.output_tokens"] == 7
    assert facts["gen_ai.response.time_to_first_chunk"] == pytest.approx(1.0)
    whole = told.spans()["call"].attributes or {}
    assert whole["gen_ai.usage.output_tokens"] == 57


def test_metrics_of_the_conventions_go_out_beside_it(told: Told) -> None:
    told.tell(
        ModelSessionEvent("AJ_a", ModelSessionChange.OPENED, MODEL),
        TokensUsed("AJ_a", MODEL, "input", "audio", "billed", 100),
        ToolFinished("AJ_a", "look_up", "error", 0.2),
        turn(time.monotonic_ns() - 5 * S),
        TokensUsed("AJ_a", MODEL, "output", "audio", "billed", 50),
        ENDED,
    )
    durations = {
        point.attributes["gen_ai.operation.name"]: point
        for point in told.points("gen_ai.client.operation.duration")
    }
    assert durations["generate_live_content"].sum == pytest.approx(1.4 + 2.0)
    assert durations["generate_live_content"].attributes["gen_ai.request.model"] == MODEL
    assert durations["execute_tool"].attributes["error.type"] == "error"
    (first,) = told.points("gen_ai.client.operation.time_to_first_chunk")
    assert first.sum == pytest.approx(1.0)
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum
        for point in told.points("gen_ai.client.token.usage")
    }
    assert tokens == {"input": 100, "output": 50}


def test_names_of_tools_beyond_the_first_twenty_make_no_further_series(told: Told) -> None:
    told.tell(*(ToolFinished("AJ_a", f"tool {n}", "ok", 0.1) for n in range(50)))
    names = {
        point.attributes["gen_ai.tool.name"]
        for point in told.points("gen_ai.client.operation.duration")
    }
    assert len(names) == 21
    assert "other" in names


def test_a_reply_that_is_broken_off_says_how_soon_it_stopped(told: Told) -> None:
    broken_off = turn(time.monotonic_ns() - 5 * S, TurnEnd.INTERRUPTED)
    told.tell(BargeIn("AJ_a", 0.15), broken_off, replace(broken_off, turn=2), ENDED)
    first, second = told.named("turn")
    assert (first.attributes or {})["callfleet.barge_in_stop_seconds"] == 0.15
    assert "callfleet.barge_in_stop_seconds" not in (second.attributes or {})
    assert [event.name for event in told.spans()["call"].events] == ["barge-in"]


def test_what_is_said_stands_in_the_trace_as_the_conventions_have_it(told: Told) -> None:
    told.tell(Said("AJ_a", "user", "hello"), Said("AJ_a", "assistant", "how can I help"), ENDED)
    user, agent = told.spans()["call"].events
    assert user.name == "gen_ai.client.inference.operation.details"
    assert json.loads(str((user.attributes or {})["gen_ai.input.messages"])) == [
        {"role": "user", "parts": [{"type": "text", "content": "hello"}]}
    ]
    assert "how can I help" in str((agent.attributes or {})["gen_ai.output.messages"])


def test_what_is_said_is_in_no_line_and_no_metric(told: Told) -> None:
    registry = Registry(GEMINI_LIVE)
    with capture_logs() as lines:
        hearing = Hearing(registry, Sampler(), told.traces)
        hearing.heard(CallStarted("AJ_a", "room", time.monotonic_ns()))
        hearing.heard(Said("AJ_a", "user", "my name is Ada"))
        hearing.heard(ENDED)
    assert "Ada" in str(told.spans()["call"].events[0].attributes)
    assert "Ada" not in json.dumps(lines, default=str)
    assert "Ada" not in generate_latest(registry.prometheus).decode()


def test_drops_that_are_told_after_the_end_of_their_call_keep_nothing(told: Told) -> None:
    told.tell(CallStarted("AJ_a", "room", time.monotonic_ns()), ENDED, EventsDropped("AJ_a", 3))
    assert told.traces._calls == {}


def test_a_call_that_tells_without_end_keeps_a_bounded_amount(told: Told) -> None:
    told.tell(*(ToolFinished("AJ_a", "poll", "ok", 0.1) for _ in range(500)))
    assert len(told.traces._calls["AJ_a"].tools) == 50
    assert len(told.named("execute_tool poll")) == 450


def test_the_page_names_every_attribute_and_event_of_a_call(told: Told) -> None:
    now = time.monotonic_ns()
    told.tell(
        CallStarted("AJ_a", "room", now),
        CallAnswered("AJ_a", 0.5),
        MediaPath("AJ_a", "udp", "host"),
        ModelSessionEvent("AJ_a", ModelSessionChange.OPENED, MODEL),
        ModelSessionEvent("AJ_a", ModelSessionChange.GO_AWAY, MODEL),
        TokensUsed("AJ_a", MODEL, "input", "audio", "cached", 30),
        TokensUsed("AJ_a", MODEL, "output", "text", "thoughts", 7),
        ToolFinished("AJ_a", "look_up", "error", 0.2),
        BargeIn("AJ_a", 0.15),
        turn(now - S, TurnEnd.INTERRUPTED),
        Said("AJ_a", "user", "hello"),
        Said("AJ_a", "assistant", "hello"),
        replace(ENDED, outcome=CallOutcome.DROPPED),
    )
    page = (Path(__file__).resolve().parents[2] / "docs" / "telemetry.md").read_text("utf-8")
    spans = told.exporter.get_finished_spans()
    keys = {key for span in spans for key in span.attributes or {}}
    keys |= {key for span in spans for event in span.events for key in event.attributes or {}}
    named = {event.name for span in spans for event in span.events}
    assert len(keys) > 25
    short = {key: f"`.{key.removeprefix('gen_ai.usage.')}`" for key in keys}
    missing = {key for key in keys if f"`{key}`" not in page and short[key] not in page}
    assert missing == set()
    assert {name for name in named if f"`{name}`" not in page} == set()
