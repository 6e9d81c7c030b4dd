"""Make a trace of each call from what it tells. Its id follows from the call's, see ``traces``.

    call
    ├─ model session            one a connection
    └─ turn                     as long as its caller waited
       ├─ uplink
       ├─ generate_live_content MODEL
       ├─ execute_tool NAME
       └─ playout

No room and no number; no word either, unless content was asked for.
"""

import time
from dataclasses import dataclass, field

from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    set_span_in_context,
)

from callfleet_contract.events import (
    BargeIn,
    CallEnded,
    CallEvent,
    CallStarted,
    EventsDropped,
    ModelSessionEvent,
    TokensUsed,
    ToolFinished,
    TurnMeasured,
)
from callfleet_contract.outcomes import CallOutcome, ModelSessionChange, TurnEnd
from callfleet_contract.traces import trace_id_of
from callfleet_service.otlp.identity import in_trace
from callfleet_worker.parent import genai
from callfleet_worker.parent.genai import GenAiMetrics, Usage
from callfleet_worker.parent.samples import was_answered
from callfleet_worker.parent.spanfacts import Calendar, Facts, facts_of, note

CALL, TURN, MODEL_SESSION = "call", "turn", "model session"
_BAD_OUTCOMES = (CallOutcome.DROPPED, CallOutcome.FAILED)
_BEGINS = (
    ModelSessionChange.OPENED,
    ModelSessionChange.RESUMED,
    ModelSessionChange.RECONNECT,
    ModelSessionChange.SWAPPED,
)
_MOST_TOOLS_HELD = 50


@dataclass(frozen=True, slots=True)
class Whose:
    """What all calls of a worker have in common."""

    agent: str = ""
    provider: str = genai.GEMINI


@dataclass(frozen=True, slots=True)
class _Tool:
    event: ToolFinished
    started_ns: int
    ended_ns: int


@dataclass(slots=True)
class _Traced:
    """A call that is open, and what waits for the turn that it belongs to."""

    tracer: Tracer
    calendar: Calendar
    span: Span
    session: Span | None = None
    model: str = ""
    tools: list[_Tool] = field(default_factory=list)
    stop_seconds: float | None = None
    whole: Usage = field(default_factory=Usage)
    since_turn: Usage = field(default_factory=Usage)

    def child(
        self,
        parent: Span,
        name: str,
        between_ns: tuple[int, int],
        facts: Facts,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Span:
        """Tell of a stretch between two instants of the steady clock."""
        start_ns, end_ns = between_ns
        span = self.tracer.start_span(
            name,
            set_span_in_context(parent),
            kind=kind,
            start_time=self.calendar.date_ns(start_ns),
            attributes=facts,
        )
        span.end(self.calendar.date_ns(max(start_ns, end_ns)))
        return span


class CallTraces:
    """Open spans of the calls that are open."""

    def __init__(
        self, tracer: Tracer, metrics: GenAiMetrics | None = None, whose: Whose | None = None
    ) -> None:
        self._tracer, self._metrics, self._whose = tracer, metrics, whose or Whose()
        self._calls: dict[str, _Traced] = {}

    def trace(self, event: CallEvent) -> str:
        """Add an event to its call's trace; give the trace's id."""
        call = self._calls.get(event.call_id)
        # Drops may be told after the end of their call, which must not open it again for ever.
        if call is None and not isinstance(event, EventsDropped):
            call = self._open(event)
        if call is not None:
            self._take(call, event)
        return trace_id_of(event.call_id)

    def close(self) -> None:
        """End what is still open, so that it is not lost."""
        for call in self._calls.values():
            self._settle(call)
            call.span.end(call.calendar.now_ns())
        self._calls.clear()

    def _open(self, event: CallEvent) -> _Traced:
        at_ns = event.at_ns if isinstance(event, CallStarted) else time.monotonic_ns()
        calendar = Calendar()
        facts: Facts = {
            "callfleet.call_id": event.call_id,
            genai.CONVERSATION: event.call_id,
            genai.PROVIDER: self._whose.provider,
        }
        if self._whose.agent:
            facts[genai.AGENT] = self._whose.agent
        with in_trace(trace_id_of(event.call_id)):
            span = self._tracer.start_span(
                CALL, kind=SpanKind.SERVER, start_time=calendar.date_ns(at_ns), attributes=facts
            )
        call = self._calls[event.call_id] = _Traced(self._tracer, calendar, span)
        return call

    def _take(self, call: _Traced, event: CallEvent) -> None:
        match event:
            case TurnMeasured():
                self._turn(call, event)
            case ToolFinished():
                self._hold(call, event)
            case TokensUsed():
                call.whole.add(event)
                call.since_turn.add(event)
            case ModelSessionEvent():
                self._session(call, event)
            case CallEnded():
                self._end(call, event)
            case _:
                if isinstance(event, BargeIn):
                    call.stop_seconds = event.stop_seconds
                note(call.span, event, call.calendar.now_ns())

    def _end(self, call: _Traced, event: CallEnded) -> None:
        self._settle(call)
        call.span.set_attributes(
            {
                "callfleet.outcome": event.outcome.value,
                "callfleet.reason": event.reason.value,
                **call.whole.counts,
            }
        )
        if event.outcome in _BAD_OUTCOMES:
            call.span.set_status(Status(StatusCode.ERROR, event.reason.value))
            call.span.set_attribute(genai.ERROR_TYPE, event.reason.value)
        call.span.end(call.calendar.now_ns())
        del self._calls[event.call_id]

    def _settle(self, call: _Traced) -> None:
        """Tell what waited for a turn that does not come any more."""
        for tool in call.tools:
            _tell_tool(call, call.span, tool)
        if self._metrics is not None:
            self._metrics.used(call.since_turn)
        if call.session is not None:
            call.session.end(call.calendar.now_ns())

    def _turn(self, call: _Traced, event: TurnMeasured) -> None:
        facts = facts_of(event)
        usage, call.since_turn = call.since_turn, Usage()
        stop_seconds, call.stop_seconds = call.stop_seconds, None
        if event.end is TurnEnd.INTERRUPTED and stop_seconds is not None:
            facts["callfleet.barge_in_stop_seconds"] = stop_seconds
        if self._metrics is not None:
            self._metrics.used(usage)
        if not was_answered(event):
            call.span.add_event(TURN, facts, call.calendar.now_ns())
            return
        facts["callfleet.response_seconds"] = event.response_seconds
        facts["callfleet.fleet_overhead_seconds"] = event.fleet_overhead_seconds
        turn = call.child(call.span, TURN, (event.speech_end_ns, event.first_played_ns), facts)
        call.child(turn, "uplink", (event.speech_end_ns, event.model_sent_ns), {})
        self._generation(call, turn, event, usage)
        call.child(turn, "playout", (event.first_model_audio_ns, event.first_played_ns), {})
        over_ns = event.first_played_ns + int(event.played_seconds * 1e9)
        own = [tool for tool in call.tools if event.speech_end_ns <= tool.started_ns <= over_ns]
        for tool in call.tools:
            _tell_tool(call, turn if tool in own else call.span, tool)
        call.tools.clear()

    def _generation(self, call: _Traced, turn: Span, event: TurnMeasured, usage: Usage) -> None:
        model = call.model or usage.model
        first_seconds = max(0.0, event.model_seconds - event.tool_seconds)
        facts: Facts = {
            genai.OPERATION: genai.GENERATE,
            genai.PROVIDER: self._whose.provider,
            genai.MODEL: model,
            genai.TTFC: first_seconds,
            "gen_ai.output.type": "speech",
            **usage.counts,
        }
        between_ns = (event.model_sent_ns, event.first_model_audio_ns)
        call.child(turn, f"{genai.GENERATE} {model}".strip(), between_ns, facts, SpanKind.CLIENT)
        if self._metrics is not None:
            whole_ns = event.first_played_ns - event.model_sent_ns
            seconds = whole_ns / 1e9 + event.played_seconds
            self._metrics.replied(model, seconds, first_seconds)

    def _hold(self, call: _Traced, event: ToolFinished) -> None:
        """Keep a tool's run until the turn is measured that waited for it."""
        ended_ns = time.monotonic_ns()
        call.tools.append(_Tool(event, ended_ns - int(event.seconds * 1e9), ended_ns))
        if len(call.tools) > _MOST_TOOLS_HELD:
            _tell_tool(call, call.span, call.tools.pop(0))
        if self._metrics is not None:
            error = "" if event.result == "ok" else event.result
            self._metrics.ran(event.tool, event.seconds, error)

    def _session(self, call: _Traced, event: ModelSessionEvent) -> None:
        call.model = event.model or call.model
        before, at_ns = call.session, call.calendar.now_ns()
        if event.change in _BEGINS:
            if before is not None:
                before.set_attribute("callfleet.ended_by", event.change.value)
                before.end(at_ns)
            call.session = self._tracer.start_span(
                MODEL_SESSION,
                set_span_in_context(call.span),
                kind=SpanKind.CLIENT,
                start_time=at_ns,
                attributes={
                    genai.PROVIDER: self._whose.provider,
                    genai.MODEL: call.model,
                    "callfleet.began_by": event.change.value,
                },
                links=[Link(before.get_span_context())] if before is not None else None,
            )
            return
        (before or call.span).add_event(event.change.value, timestamp=at_ns)
        if event.change is ModelSessionChange.CLOSED and before is not None:
            before.set_status(Status(StatusCode.ERROR, "no model is left"))
            before.set_attribute("callfleet.ended_by", event.change.value)
            before.end(at_ns)
            call.session = None


def _tell_tool(call: _Traced, parent: Span, tool: _Tool) -> None:
    event = tool.event
    facts: Facts = {
        genai.OPERATION: genai.EXECUTE_TOOL,
        genai.TOOL: event.tool,
        genai.TOOL_TYPE: "function",
        "callfleet.result": event.result,
    }
    if event.result != "ok":
        facts[genai.ERROR_TYPE] = event.result
    name = f"{genai.EXECUTE_TOOL} {event.tool}"
    call.child(parent, name, (tool.started_ns, tool.ended_ns), facts)
