"""Send spans and metrics over OTLP/HTTP, made from the same events that feed Prometheus.

Made in the parent, so that calls' processes stay light and nothing depends on their ending well.
"""

from typing import Self

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Counter, Histogram, Meter
from opentelemetry.metrics import _Gauge as Gauge
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import format_trace_id

from callfleet_contract import metrics
from callfleet_contract.events import CallEvent
from callfleet_contract.metric import Kind, Metric
from callfleet_service.metrics import package_version
from callfleet_worker.parent.samples import Sample
from callfleet_worker.parent.spans import CallTraces
from callfleet_worker.settings import TelemetrySettings

_SCOPE = "callfleet"
# A collector that is away must not hold up a worker that goes.
_SEND_SECONDS = 2.0


def headers_of(written: str) -> dict[str, str]:
    """Read ``name=value,name=value``."""
    pairs = (pair.partition("=") for pair in written.split(",") if "=" in pair)
    return {name.strip(): value.strip() for name, _, value in pairs}


class Otlp:
    """What goes to the collector."""

    def __init__(self, tracing: TracerProvider, measuring: MeterProvider) -> None:
        self._tracing = tracing
        self._measuring = measuring
        self._traces = CallTraces(tracing.get_tracer(_SCOPE))
        meter = measuring.get_meter(_SCOPE)
        self._instruments = {
            metric.name: _instrument(meter, metric) for metric in metrics.CATALOGUE
        }

    @classmethod
    def start(cls, settings: TelemetrySettings) -> Self | None:
        """Start sending to the endpoint; without one there is nothing to start."""
        if settings.otlp_endpoint is None:
            return None
        base = settings.otlp_endpoint.rstrip("/")
        secret = settings.otlp_headers
        headers = headers_of(secret.get_secret_value()) if secret is not None else {}
        resource = Resource.create(
            {SERVICE_NAME: settings.service_name, SERVICE_VERSION: package_version()}
        )
        spans = OTLPSpanExporter(f"{base}/v1/traces", headers=headers, timeout=_SEND_SECONDS)
        points = OTLPMetricExporter(f"{base}/v1/metrics", headers=headers, timeout=_SEND_SECONDS)
        tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracing.add_span_processor(BatchSpanProcessor(spans))
        reader = PeriodicExportingMetricReader(
            points, export_interval_millis=settings.metrics_interval_seconds * 1000
        )
        measuring = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        return cls(tracing, measuring)

    def trace(self, event: CallEvent) -> dict[str, str]:
        """Add an event to its call's trace, and name the trace."""
        return {"trace_id": format_trace_id(self._traces.trace(event).trace_id)}

    def feed(self, sample: Sample) -> None:
        """Add a sample."""
        labels = dict(zip(sample.metric.label_names, sample.labels, strict=True))
        instrument = self._instruments[sample.metric.name]
        if isinstance(instrument, Histogram):
            instrument.record(sample.value, labels)
        elif isinstance(instrument, Counter):
            instrument.add(sample.value, labels)

    def set(self, metric: Metric, value: float) -> None:
        """Set a gauge."""
        gauge = self._instruments[metric.name]
        if isinstance(gauge, Gauge):
            gauge.set(value)

    def stop(self) -> None:
        """Send the rest. Blocks for as long as the collector takes."""
        self._traces.close()
        self._tracing.shutdown()
        self._measuring.shutdown()


def _instrument(meter: Meter, metric: Metric) -> Counter | Histogram | Gauge:
    match metric.kind:
        case Kind.COUNTER:
            return meter.create_counter(metric.full_name, description=metric.help)
        case Kind.HISTOGRAM:
            return meter.create_histogram(
                metric.full_name,
                description=metric.help,
                explicit_bucket_boundaries_advisory=metric.buckets,
            )
        case Kind.GAUGE | Kind.INFO:
            return meter.create_gauge(metric.full_name, description=metric.help)
