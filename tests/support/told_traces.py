"""What is told of one call to OpenTelemetry, kept in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from callfleet_contract.events import CallEnded, CallEvent, TurnMeasured
from callfleet_contract.outcomes import CallOutcome, CallReason, TurnEnd
from callfleet_service.otlp.identity import ChosenIds
from callfleet_worker.parent.genai import VERTEX, GenAiMetrics
from callfleet_worker.parent.spans import CallTraces, Whose

S = 1_000_000_000
MODEL = "gemini-x"
ENDED = CallEnded("AJ_a", "room", CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP, 12.0)


def turn(ended_ns: int, end: TurnEnd = TurnEnd.COMPLETED) -> TurnMeasured:
    """A turn whose caller fell silent at an instant, answered after a second and a half."""
    return TurnMeasured(
        call_id="AJ_a",
        room="room",
        turn=1,
        end=end,
        speech_end_ns=ended_ns,
        model_sent_ns=ended_ns + S // 10,
        first_model_audio_ns=ended_ns + S * 13 // 10,
        first_played_ns=ended_ns + S * 15 // 10,
        tool_seconds=0.2,
        jitter_buffer_seconds=0.04,
        agent_rtt_seconds=0.002,
        heard_seconds=1.0,
        played_seconds=2.0,
    )


@dataclass(slots=True)
class Told:
    """Spans and metrics of one worker."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    traces: Any = None

    def tell(self, *events: CallEvent) -> None:
        for event in events:
            self.traces.trace(event)

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


def telling() -> Iterator[Told]:
    one = Told()
    tracing = TracerProvider(id_generator=ChosenIds(), shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(one.exporter))
    measuring = MeterProvider([one.reader], shutdown_on_exit=False)
    metrics = GenAiMetrics(measuring.get_meter("t"), VERTEX)
    one.traces = CallTraces(tracing.get_tracer("t"), metrics, Whose("porter", VERTEX))
    yield one
    tracing.shutdown()
    measuring.shutdown()
