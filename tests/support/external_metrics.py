"""Serve one external metric to Kubernetes' own autoscaler, as an adapter in a cluster does."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from kube_api import ApiError

from callfleet_rehearsal.emulator.certificates import make_certificates
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports

METRIC = "calls_wanted"
_GROUP, _VERSION = "external.metrics.k8s.io", "v1beta1"
_API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
_NAME = f"{_VERSION}.{_GROUP}"
_SERVICE = "external-metrics"


class Api(Protocol):
    """An API server."""

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask for a path, and give the answer."""


@dataclass(frozen=True)
class Site:
    """Where the metric is served.

    ``host`` is this machine as the API server reaches it: by its own loopback, unless it is in a
    node.
    """

    namespace: str
    folder: Path
    host: str = LOOPBACK


class ExternalMetric:
    """The metric; whoever sets ``value`` is believed at the autoscaler's next look."""

    def __init__(self, api: Api) -> None:
        self.value = 0
        self._api = api

    @property
    def is_served(self) -> bool:
        """Whether the API server hands requests on to us."""
        told = self._api.ask("GET", f"{_API_SERVICES}/{_NAME}")
        conditions = told.get("status", {}).get("conditions", [])
        return any(each["type"] == "Available" and each["status"] == "True" for each in conditions)

    def answer(self, path: str) -> dict[str, Any]:
        """Answer a request of the API server's."""
        if METRIC not in path:
            return {"kind": "APIResourceList", "apiVersion": "v1", "resources": []} | {
                "groupVersion": f"{_GROUP}/{_VERSION}"
            }
        item = {"metricName": METRIC, "metricLabels": {}, "value": str(self.value)}
        return {
            "kind": "ExternalMetricValueList",
            "apiVersion": f"{_GROUP}/{_VERSION}",
            "metadata": {},
            "items": [{**item, "timestamp": "2026-01-01T00:00:00Z"}],
        }


@contextlib.contextmanager
def external_metric(api: Api, site: Site) -> Iterator[ExternalMetric]:
    """Serve the metric and have the API server know of it, while the block runs."""
    metric = ExternalMetric(api)
    (port,) = free_ports(1)
    server = ThreadingHTTPServer((site.host, port), _handler(metric))
    context = make_certificates(site.folder, site.host).server
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        _register(api, site, port)
        yield metric
    finally:
        with contextlib.suppress(ApiError, OSError):
            api.ask("DELETE", f"{_API_SERVICES}/{_NAME}")
        server.shutdown()
        serving.join()
        server.server_close()


def autoscaler(fleet: str, *, calls_per_pod: int, most: int) -> dict[str, Any]:
    """Write an autoscaler of a fleet that follows the metric."""
    target = {"type": "AverageValue", "averageValue": str(calls_per_pod)}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": fleet},
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "callfleet.dev/v1alpha1",
                "kind": "VoiceFleet",
                "name": fleet,
            },
            "minReplicas": 1,
            "maxReplicas": most,
            "metrics": [
                {"type": "External", "external": {"metric": {"name": METRIC}, "target": target}}
            ],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        },
    }


def _register(api: Api, site: Site, port: int) -> None:
    spec: dict[str, Any] = {"ports": [{"port": port}]}
    if site.host == LOOPBACK:
        spec |= {"type": "ExternalName", "externalName": "localhost"}
    service = {"metadata": {"name": _SERVICE}, "spec": spec}
    api.ask("POST", f"/api/v1/namespaces/{site.namespace}/services", service)
    if site.host != LOOPBACK:
        slices = f"/apis/discovery.k8s.io/v1/namespaces/{site.namespace}/endpointslices"
        api.ask("POST", slices, _endpoint(site.host, port))
    at = {"name": _SERVICE, "namespace": site.namespace, "port": port}
    api_service = {
        "metadata": {"name": _NAME},
        "spec": {
            "group": _GROUP,
            "version": _VERSION,
            "service": at,
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
    api.ask("POST", _API_SERVICES, api_service)


def _endpoint(host: str, port: int) -> dict[str, Any]:
    """Say where a service leads that selects no pods."""
    return {
        "metadata": {"name": _SERVICE, "labels": {"kubernetes.io/service-name": _SERVICE}},
        "addressType": "IPv4",
        "ports": [{"port": port}],
        "endpoints": [{"addresses": [host]}],
    }


def _handler(metric: ExternalMetric) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = self.path.startswith(f"/apis/{_GROUP}")
            body = json.dumps(metric.answer(self.path)).encode() if known else b"{}"
            self.send_response(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
