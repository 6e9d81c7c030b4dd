"""The ways to a collector: OTLP over HTTP or gRPC. Each says what became of a batch.

The exporters of OpenTelemetry say no more than that a batch failed. Over HTTP a hook of the
connection sees the answer; over gRPC the call is made here, with the library's own retries.
"""

import json
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from callfleet_contract.telemetry import LossReason, Signal
from callfleet_service.errors import CannotStartError
from callfleet_service.otlp.answers import MOST_WORDS, Witness

# The exporter takes these for yes.
_LEADS_ELSEWHERE = range(300, 400)
_CA_VARIABLES = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "SSL_CERT_FILE")
_GRPC_RETRIES = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.5s",
                    "maxBackoff": "4s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"],
                },
            }
        ]
    }
)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch: taken as a whole, in part, or not."""

    reason: LossReason | None = None
    error: str = ""
    rejected: int = 0
    """So many of a batch that was taken were not."""


class Way(Protocol):
    """Sends batches of one signal, as its exporters are given them."""

    def send(self, batch: Any) -> Sent:
        """Send a batch, trying again for as long as it may take."""

    def close(self) -> None:
        """Give up what is being sent."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Where a collector is, and how it is spoken to."""

    endpoint: str
    headers: Mapping[str, str]
    send_seconds: float


@dataclass(frozen=True, slots=True)
class _Kind:
    path: str
    exporter: Any
    response: Any
    rejected: str
    encode: Callable[[Any], Any]
    method: str


_KINDS = {
    Signal.TRACES: _Kind(
        "v1/traces",
        OTLPSpanExporter,
        ExportTraceServiceResponse,
        "rejected_spans",
        encode_spans,
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    ),
    Signal.METRICS: _Kind(
        "v1/metrics",
        OTLPMetricExporter,
        ExportMetricsServiceResponse,
        "rejected_data_points",
        encode_metrics,
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    ),
    Signal.LOGS: _Kind(
        "v1/logs",
        OTLPLogExporter,
        ExportLogsServiceResponse,
        "rejected_log_records",
        encode_logs,
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    ),
}


def ca_file(endpoint: str) -> str | None:
    """Name the file with the authorities that are believed, where one is set and asked for.

    Raises:
        CannotStartError: it cannot be used: nothing would ever be sent.

    """
    variable = next((name for name in _CA_VARIABLES if os.environ.get(name)), None)
    if variable is None or urlsplit(endpoint).scheme != "https":
        return None
    path = os.environ[variable]
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        message = (
            f"the collector's certificate cannot be checked against {path!r} ({error}): set "
            f"{variable} to a PEM file with its authority, or unset it"
        )
        raise CannotStartError(message) from error
    return path


def _partly(kind: _Kind, response: Any) -> Sent:
    said = response.partial_success
    return Sent(error=said.error_message[:MOST_WORDS], rejected=int(getattr(said, kind.rejected)))


class HttpWay:
    """OTLP over HTTP, by OpenTelemetry's own exporter: it retries, and heeds Retry-After."""

    def __init__(self, signal: Signal, collector: Collector) -> None:
        self._kind, self._seconds = _KINDS[signal], collector.send_seconds
        ca = ca_file(collector.endpoint)
        self._witness = Witness(ca)
        session = requests.Session()
        session.headers["Accept-Encoding"] = "identity"
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._witness)
        self._exporter = self._kind.exporter(
            endpoint=f"{collector.endpoint.rstrip('/')}/{self._kind.path}",
            certificate_file=ca,
            headers=dict(collector.headers),
            timeout=collector.send_seconds,
            session=session,
        )

    def send(self, batch: Any) -> Sent:
        """Send a batch."""
        self._witness.begin(self._seconds)
        done = self._exporter.export(batch)
        answer = self._witness.answer
        if answer is None:
            return Sent(LossReason.UNREACHABLE, self._witness.trouble)
        if done.name != "SUCCESS" or answer.status_code in _LEADS_ELSEWHERE:
            hint = ": set the endpoint that it leads to" if answer.is_redirect else ""
            said = f"HTTP {answer.status_code} {answer.reason}"[:MOST_WORDS]
            return Sent(LossReason.REFUSED, said + hint)
        return self._read(answer)

    def close(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()

    def _read(self, answer: requests.Response) -> Sent:
        if "protobuf" not in answer.headers.get("Content-Type", ""):
            return Sent()
        try:
            return _partly(self._kind, self._kind.response.FromString(answer.content))
        except Exception:  # noqa: BLE001 - it took the batch, whatever it writes below that
            return Sent()


class GrpcWay:
    """OTLP over gRPC."""

    def __init__(self, signal: Signal, collector: Collector) -> None:
        # What it has to say is in its errors; it would write it to standard error as well.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        import grpc  # noqa: PLC0415 - 18 MB of it, for those alone who ask for it

        self._kind, self._seconds = _KINDS[signal], collector.send_seconds
        self._metadata = tuple((name.lower(), said) for name, said in collector.headers.items())
        self._away = (
            grpc.StatusCode.CANCELLED,
            grpc.StatusCode.DEADLINE_EXCEEDED,
            grpc.StatusCode.UNAVAILABLE,
        )
        self._error = grpc.RpcError
        where = urlsplit(collector.endpoint)
        address = where.netloc.rpartition("@")[2]  # of users it knows nothing, and errors quote it
        options = (("grpc.enable_retries", 1), ("grpc.service_config", _GRPC_RETRIES))
        if where.scheme == "https":
            ca = ca_file(collector.endpoint)
            roots = Path(ca).read_bytes() if ca else None
            credentials = grpc.ssl_channel_credentials(roots)
            self._channel = grpc.secure_channel(address, credentials, options=options)
        else:
            self._channel = grpc.insecure_channel(address, options=options)
        self._call = self._channel.unary_unary(
            self._kind.method,
            request_serializer=lambda batch: self._kind.encode(batch).SerializeToString(),
            response_deserializer=self._kind.response.FromString,
        )

    def send(self, batch: Any) -> Sent:
        """Send a batch."""
        try:
            response = self._call(batch, timeout=self._seconds, metadata=self._metadata)
        except self._error as error:
            code = error.code()
            reason = LossReason.UNREACHABLE if code in self._away else LossReason.REFUSED
            return Sent(reason, f"gRPC {code.name}: {error.details()}"[:MOST_WORDS])
        except ValueError:
            return Sent(LossReason.UNREACHABLE, "this program ends")  # the channel is closed
        return _partly(self._kind, response)

    def close(self) -> None:
        """Give up what is being sent."""
        self._channel.close()
