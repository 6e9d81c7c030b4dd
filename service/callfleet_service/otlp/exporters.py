"""Exporters and queues of OpenTelemetry's that count what they lose.

The library's queues drop the oldest when they are full and tell nobody; here the newest is not
taken in, and counted.
"""

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from callfleet_contract.telemetry import LossReason
from callfleet_service.otlp.losses import Losses
from callfleet_service.otlp.ways import Sent, Way


def send(way: Way, losses: Losses, batch: Any, items: int) -> bool:
    """Send a batch of so many items; what is not taken is counted."""
    losses.left(items)
    try:
        sent = way.send(batch)
    except Exception as error:  # noqa: BLE001 - of what else becomes of it, the library tells nobody
        sent = Sent(LossReason.REFUSED, f"it could not be written: {type(error).__name__}")
    finally:
        losses.settled(items)
    if sent.reason is not None:
        losses.lost(sent.reason, items, sent.error)
        return False
    if sent.rejected:
        losses.lost(LossReason.REFUSED, sent.rejected, sent.error)
    else:
        losses.taken()
    return True


class _Batches:
    """What exporters of spans and of log records do alike."""

    def __init__(self, way: Way, losses: Losses) -> None:
        self._way, self._losses = way, losses

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._way.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here."""
        del timeout_millis
        return True


class Spans(_Batches, SpanExporter):
    """Sends spans."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send some."""
        done = send(self._way, self._losses, spans, len(spans))
        return SpanExportResult.SUCCESS if done else SpanExportResult.FAILURE


class SpanQueue(BatchSpanProcessor):
    """Holds spans that have ended until they are sent."""

    def __init__(self, exporter: SpanExporter, losses: Losses, batch: int, seconds: float) -> None:
        super().__init__(
            exporter,
            max_queue_size=losses.most_waiting,
            max_export_batch_size=batch,
            schedule_delay_millis=seconds * 1000,
        )
        self._losses = losses

    def on_end(self, span: ReadableSpan) -> None:
        """Take one in."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled and self._losses.may_wait():
            super().on_end(span)


class Records(_Batches, LogRecordExporter):
    """Sends log records."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send some."""
        done = send(self._way, self._losses, batch, len(batch))
        return LogRecordExportResult.SUCCESS if done else LogRecordExportResult.FAILURE


class RecordQueue(BatchLogRecordProcessor):
    """Holds log records until they are sent."""

    def __init__(
        self, exporter: LogRecordExporter, losses: Losses, batch: int, seconds: float
    ) -> None:
        super().__init__(
            exporter,
            max_queue_size=losses.most_waiting,
            max_export_batch_size=batch,
            schedule_delay_millis=seconds * 1000,
        )
        self._losses = losses

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Take one in."""
        if self._losses.may_wait():
            super().on_emit(log_record)


class Points(MetricExporter):
    """Sends metrics; what one sending loses the next makes good, but for its instant."""

    def __init__(self, way: Way, losses: Losses) -> None:
        super().__init__()
        self._way, self._losses = way, losses

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any
    ) -> MetricExportResult:
        """Send all that there are now."""
        del timeout_millis
        points = sum(
            len(metric.data.data_points)
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        )
        done = send(self._way, self._losses, metrics_data, points)
        return MetricExportResult.SUCCESS if done else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits here."""
        del timeout_millis
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Give up what is being sent."""
        del timeout_millis
        self._way.close()
