"""Send what a program tells to its collector, in the background.

Whatever the collector does, nobody who tells something waits: there is a queue for each signal, of
bounded length, and a thread that sends. What does not fit or is not taken is counted.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import structlog
from opentelemetry.metrics import Meter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_HEADERS
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.trace import NoOpTracer, Tracer
from opentelemetry.util.re import parse_env_headers

from callfleet_contract.telemetry import Signal
from callfleet_service import logs
from callfleet_service.metrics import package_version
from callfleet_service.otlp.exporters import Points, RecordQueue, Records, SpanQueue, Spans
from callfleet_service.otlp.identity import ChosenIds
from callfleet_service.otlp.lines import LineSender
from callfleet_service.otlp.losses import LOGGER, Count, Losses
from callfleet_service.otlp.resource import resource
from callfleet_service.otlp.settings import OtlpSettings, Protocol
from callfleet_service.otlp.ways import Collector, GrpcWay, HttpWay, Way
from callfleet_service.whereabouts import Whereabouts

SCOPE = "callfleet"
# A long call has more to tell than 128 events, but not without end.
_SPAN_LIMITS = SpanLimits(max_events=1000)
_log = structlog.get_logger(LOGGER)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, and for how long."""

    send_seconds: float = 10.0
    """One batch may take so long, with all its tries."""
    waiting: int = 2048
    """So many spans may wait, and as many log lines: about 5 MB of each."""
    batch: int = 512
    every_seconds: float = 2.0
    """So often what waits is sent, or when a batch is full."""
    stop_seconds: float = 3.0
    """A program that ends gives a collector so long to take the rest."""


DEFAULT_LIMITS = Limits()


class Sending:
    """What goes to the collector. Without a signal its part does nothing."""

    def __init__(
        self,
        settings: OtlpSettings,
        ways: Callable[[Signal], Way],
        count: Count,
        limits: Limits,
    ) -> None:
        who = resource(settings.service_name, Whereabouts.read())
        self._limits = limits
        self._losses = {one: Losses(one, count, limits.waiting) for one in settings.signals}
        self._stops: dict[Signal, Callable[[], object]] = {}
        self._ways = {signal: ways(signal) for signal in settings.signals}
        self.tracer: Tracer = NoOpTracer()
        self.meter: Meter | None = None
        for signal, losses in self._losses.items():
            way = self._ways[signal]
            match signal:
                case Signal.TRACES:
                    self._send_traces(who, way, losses)
                case Signal.METRICS:
                    self._send_metrics(who, way, losses, settings.metrics_interval_seconds)
                case Signal.LOGS:
                    self._send_logs(who, way, losses)

    @classmethod
    def start(
        cls, settings: OtlpSettings, count: Count, limits: Limits = DEFAULT_LIMITS
    ) -> Self | None:
        """Start sending to the endpoint; without one there is nothing to start.

        Raises:
            CannotStartError: the authorities that vouch for the collector cannot be read.

        """
        if settings.otlp_endpoint is None:
            return None
        secret = settings.otlp_headers
        written = secret.get_secret_value() if secret is not None else ""
        collector = Collector(settings.otlp_endpoint, headers_of(written), limits.send_seconds)
        way = GrpcWay if settings.otlp_protocol is Protocol.GRPC else HttpWay
        return cls(settings, lambda signal: way(signal, collector), count, limits)

    def waiting(self, signal: Signal) -> int:
        """Tell how much of a signal waits to be sent."""
        return self._losses[signal].waiting if signal in self._losses else 0

    def stop(self) -> None:
        """Send the rest, for as long as that may take. What is left is counted and told."""
        logs.send_also(None)
        stopping = [
            threading.Thread(target=stop, name=f"stop {signal}", daemon=True)
            for signal, stop in self._stops.items()
        ]
        for thread in stopping:
            thread.start()
        until = time.monotonic() + self._limits.stop_seconds
        for thread in stopping:
            thread.join(max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in stopping):
            left = {one.value: losses.unsent for one, losses in self._losses.items()}
            _log.warning("the collector did not take the rest in time", left=left)
            for way in self._ways.values():
                way.close()

    def _send_traces(self, who: Resource, way: Way, losses: Losses) -> None:
        provider = TracerProvider(
            resource=who, shutdown_on_exit=False, id_generator=ChosenIds(), span_limits=_SPAN_LIMITS
        )
        limits = self._limits
        queue = SpanQueue(Spans(way, losses), losses, limits.batch, limits.every_seconds)
        provider.add_span_processor(queue)
        self.tracer = provider.get_tracer(SCOPE, package_version())
        self._stops[Signal.TRACES] = provider.shutdown

    def _send_metrics(self, who: Resource, way: Way, losses: Losses, seconds: float) -> None:
        reader = PeriodicExportingMetricReader(
            Points(way, losses), export_interval_millis=seconds * 1000
        )
        provider = MeterProvider([reader], resource=who, shutdown_on_exit=False)
        self.meter = provider.get_meter(SCOPE, package_version())
        self._stops[Signal.METRICS] = provider.shutdown

    def _send_logs(self, who: Resource, way: Way, losses: Losses) -> None:
        provider = LoggerProvider(resource=who, shutdown_on_exit=False)
        limits = self._limits
        provider.add_log_record_processor(
            RecordQueue(Records(way, losses), losses, limits.batch, limits.every_seconds)
        )
        logs.send_also(LineSender(provider).send)
        self._stops[Signal.LOGS] = provider.shutdown


def headers_of(written: str) -> Mapping[str, str]:
    """Read ``name=value,name=value``; where nothing is written, OTEL_EXPORTER_OTLP_HEADERS."""
    variable = "" if written else os.environ.get(OTEL_EXPORTER_OTLP_HEADERS, "")
    if variable:
        headers, pairs = parse_env_headers(variable, liberal=True), variable.split(",")
    else:
        pairs = written.split(",")
        found = (pair.partition("=") for pair in pairs if "=" in pair)
        headers = {name.strip(): value.strip() for name, _, value in found}
    left_out = sum(bool(pair.strip()) for pair in pairs) - len(headers)
    if left_out:
        _log.warning(
            "headers for the collector are left out: write name=value, with commas between",
            left_out=left_out,
        )
    return headers
