"""Make a trace of each call from what it tells: a span for the call, one a turn, one a stage.

No room, no number, no word: a call is known by its id alone.
"""

import time
from dataclasses import dataclass, field

from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from callfleet_contract.events import (
    BargeIn,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallStarted,
    ModelSessionEvent,
    TokensUsed,
    ToolFinished,
    TurnMeasured,
)
from callfleet_contract.outcomes import CallOutcome
from callfleet_contract.traces import trace_id_of
from callfleet_service.otlp.identity import in_trace
from callfleet_worker.parent.samples import was_answered

CALL_SPAN = "call"
TURN_SPAN = "turn"
TOOL_SPAN = "tool"
STAGE_SPANS = ("uplink", "model", "playout")
_BAD_OUTCOMES = (CallOutcome.DROPPED, CallOutcome.FAILED)


@dataclass(slots=True)
class _Traced:
    span: Span
    tokens: dict[str, int] = field(default_factory=dict)


class CallTraces:
    """Open spans of the calls that are open."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._calls: dict[str, _Traced] = {}

    def trace(self, event: CallEvent) -> str:
        """Add an event to its call's trace; give the trace's id."""
        started_ns = event.at_ns if isinstance(event, CallStarted) else time.monotonic_ns()
        call = self._calls.get(event.call_id) or self._open(event.call_id, started_ns)
        match event:
            case TurnMeasured():
                self._turn(call.span, event)
            case ToolFinished():
                self._tool(call.span, event)
            case TokensUsed():
                name = f"gen_ai.usage.{event.direction}_tokens"
                call.tokens[name] = call.tokens.get(name, 0) + event.tokens
            case ModelSessionEvent():
                call.span.add_event("model session", {"callfleet.change": event.change.value})
            case BargeIn():
                call.span.add_event("barge-in", {"callfleet.stop_seconds": event.stop_seconds})
            case CallAnswered():
                call.span.set_attribute("callfleet.setup_seconds", event.setup_seconds)
            case CallEnded():
                self._end(call, event)
            case _:
                pass
        return trace_id_of(event.call_id)

    def close(self) -> None:
        """End what is still open, so that it is not lost."""
        for call in self._calls.values():
            call.span.end()
        self._calls.clear()

    def _open(self, call_id: str, at_ns: int) -> _Traced:
        with in_trace(trace_id_of(call_id)):
            span = self._tracer.start_span(
                CALL_SPAN, start_time=wall_ns(at_ns), attributes={"callfleet.call_id": call_id}
            )
        self._calls[call_id] = _Traced(span)
        return self._calls[call_id]

    def _end(self, call: _Traced, event: CallEnded) -> None:
        facts: dict[str, AttributeValue] = {
            "callfleet.outcome": event.outcome.value,
            "callfleet.reason": event.reason.value,
            **call.tokens,
        }
        call.span.set_attributes(facts)
        if event.outcome in _BAD_OUTCOMES:
            call.span.set_status(Status(StatusCode.ERROR, event.reason.value))
        call.span.end()
        del self._calls[event.call_id]

    def _child(
        self, parent: Span, name: str, between_ns: tuple[int, int], facts: dict[str, AttributeValue]
    ) -> Span:
        start_ns, end_ns = between_ns
        span = self._tracer.start_span(
            name, set_span_in_context(parent), start_time=wall_ns(start_ns), attributes=facts
        )
        span.end(wall_ns(max(start_ns, end_ns)))
        return span

    def _turn(self, call: Span, event: TurnMeasured) -> None:
        facts: dict[str, AttributeValue] = {
            "callfleet.turn": event.turn,
            "callfleet.end_reason": event.end.value,
            "callfleet.calls_active": event.calls_active,
            "callfleet.tool_seconds": event.tool_seconds,
            "callfleet.jitter_buffer_seconds": event.jitter_buffer_seconds,
            "callfleet.agent_rtt_seconds": event.agent_rtt_seconds,
            "callfleet.heard_seconds": event.heard_seconds,
            "callfleet.played_seconds": event.played_seconds,
        }
        if not was_answered(event):
            call.add_event(TURN_SPAN, facts)
            return
        facts["callfleet.response_seconds"] = event.response_seconds
        facts["callfleet.fleet_overhead_seconds"] = event.fleet_overhead_seconds
        instants = (
            event.speech_end_ns,
            event.model_sent_ns,
            event.first_model_audio_ns,
            event.first_played_ns,
        )
        turn = self._child(call, TURN_SPAN, (instants[0], instants[-1]), facts)
        for name, start_ns, end_ns in zip(STAGE_SPANS, instants, instants[1:], strict=False):
            if 0 < start_ns <= end_ns:
                self._child(turn, name, (start_ns, end_ns), {})

    def _tool(self, call: Span, event: ToolFinished) -> None:
        now_ns = time.monotonic_ns()
        facts: dict[str, AttributeValue] = {
            "gen_ai.tool.name": event.tool,
            "callfleet.result": event.result,
        }
        self._child(call, TOOL_SPAN, (now_ns - int(event.seconds * 1e9), now_ns), facts)


def wall_ns(monotonic_ns: int) -> int:
    """Turn an instant of the machine's steady clock into one of the calendar's."""
    return monotonic_ns + time.time_ns() - time.monotonic_ns()
