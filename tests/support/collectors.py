"""Collectors to send to: over HTTP or gRPC, that take what comes, or behave badly on purpose."""

import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SERVICES: dict[str, tuple[Any, Any]] = {
    "trace.v1.TraceService": (ExportTraceServiceRequest, ExportTraceServiceResponse),
    "metrics.v1.MetricsService": (ExportMetricsServiceRequest, ExportMetricsServiceResponse),
    "logs.v1.LogsService": (ExportLogsServiceRequest, ExportLogsServiceResponse),
}
PATHS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP collector answers; ``closes`` is no answer at all."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    closes: bool = False
    hangs: bool = False


OK = Answer()


def facts(attributes: Any) -> dict[str, Any]:
    """Read attributes as a dictionary."""
    found = {}
    for one in attributes:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind) if kind else None
        if kind == "array_value":
            value = [getattr(each, each.WhichOneof("value")) for each in value.values]
        found[one.key] = value
    return found


@dataclass(slots=True)
class Collector:
    """All that came, decoded when asked for."""

    url: str = ""
    requests: list[tuple[Any, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answer: Callable[[], Answer] = lambda: OK
    let_go: threading.Event = field(default_factory=threading.Event)

    def add(self, request: Any, headers: dict[str, str]) -> None:
        self.requests.append((request, headers))
        self.bodies.append(request.SerializeToString())

    def all_spans(self) -> list[Span]:
        return [
            span
            for request, _ in self.requests
            if isinstance(request, ExportTraceServiceRequest)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def spans(self) -> dict[str, Span]:
        return {span.name: span for span in self.all_spans()}

    def metrics(self) -> dict[str, Any]:
        return {
            metric.name: metric
            for request, _ in self.requests
            if isinstance(request, ExportMetricsServiceRequest)
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def lines(self) -> list[tuple[str, LogRecord]]:
        """Log records, each with its logger's name."""
        return [
            (scope.scope.name, record)
            for request, _ in self.requests
            if isinstance(request, ExportLogsServiceRequest)
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def resources(self) -> list[dict[str, Any]]:
        found: list[Resource] = []
        for request, _ in self.requests:
            for name in ("resource_spans", "resource_metrics", "resource_logs"):
                found += [one.resource for one in getattr(request, name, ())]
        return [facts(one.attributes) for one in found]


@contextmanager
def http_collector(tls: ssl.SSLContext | None = None) -> Iterator[Collector]:
    """Listen on loopback; ``answer`` says what each request is answered."""
    received = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = received.answer()
            if answer.hangs:
                received.let_go.wait()
            if answer.closes or answer.hangs:
                self.close_connection = True
                return
            if answer.status == OK.status:
                headers = {name.lower(): said for name, said in self.headers.items()}
                received.add(PATHS[self.path].FromString(body), headers)
            self.send_response(answer.status)
            for name, said in answer.headers.items():
                self.send_header(name, said)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        received.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Refusal(Exception):  # noqa: N818 - what a collector does, and no error of a test's
    """A gRPC collector answers with this status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code.name)
        self.code = code


@contextmanager
def grpc_collector(respond: Callable[[str], Any] | None = None) -> Iterator[Collector]:
    """Be a real gRPC server; ``respond`` gives another response than an empty one, or refuses."""
    received = Collector()

    def handler_of(service: str) -> Any:
        request_kind, response_kind = SERVICES[service]

        def export(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                response = respond(service) if respond is not None else None
            except Refusal as refusal:
                context.abort(refusal.code, "not now")
            metadata = {one.key: one.value for one in context.invocation_metadata()}
            received.add(request, metadata)
            return response or response_kind()

        method = grpc.unary_unary_rpc_method_handler(
            export, request_kind.FromString, lambda response: response.SerializeToString()
        )
        name = f"opentelemetry.proto.collector.{service}"
        return grpc.method_handlers_generic_handler(name, {"Export": method})

    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers([handler_of(service) for service in SERVICES])
    received.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield received
    finally:
        server.stop(grace=None).wait()
