"""Have a Prometheus scrape a fleet as the chart's PodMonitors say, found in a real API server.

What the Prometheus operator makes of a PodMonitor is written here as its ``promcfg.go`` does. The
Prometheus that is built here finds targets in files alone, so pods are written into one with the
labels that it would find in Kubernetes.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from helm import Helm, of_kind
from operator_cluster import OperatorCluster

from callfleet_rehearsal.stack.livekit import LiveKitServer, answers
from callfleet_rehearsal.stack.monitoring import rule_files
from callfleet_rehearsal.stack.monitoring.writing import prometheus_command
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment

SCRAPE_SECONDS = 2
OPERATORS_NAMESPACE = "callfleet"
_READY_SECONDS = 60.0
Object = dict[str, Any]


def start_prometheus(
    children: Children, program: Path, folder: Path, jobs: list[Object]
) -> tuple[str, Child]:
    """Start one with the project's rules, which it looks at more often than others do."""
    (port,) = free_ports(1)
    at = f"{LOOPBACK}:{port}"
    told = {
        "global": {
            "scrape_interval": f"{SCRAPE_SECONDS}s",
            "scrape_timeout": f"{SCRAPE_SECONDS}s",
            "evaluation_interval": f"{SCRAPE_SECONDS}s",
        },
        "storage": {"exemplars": {"max_exemplars": 10_000}},
        "rule_files": [str(_hurried(file, folder)) for file in rule_files()],
        "scrape_configs": jobs,
    }
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    command = prometheus_command(program, file, at)
    child = children.start("prometheus", command, inherited_environment())
    child.wait_until(partial(answers, f"http://{at}/-/ready"), _READY_SECONDS, "ready")
    return f"http://{at}", child


def _hurried(file: Path, folder: Path) -> Path:
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    for group in told["groups"]:
        group["interval"] = f"{SCRAPE_SECONDS}s"
    copy = folder / file.name
    copy.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    return copy


def jobs(helm: Helm, found: Path, fleet: str, operator: str, server: LiveKitServer) -> list[Object]:
    """Write what is scraped: pods of a fleet that a file lists, an operator at its URL, LiveKit."""
    told = helm.objects("callfleet", "--set", f"podMonitor.enabled=true,fleets.{fleet}.paused=true")
    monitors = {one["metadata"]["name"]: one["spec"] for one in of_kind(told, "PodMonitor")}
    workers, operators = monitors["callfleet-worker"], monitors["callfleet-operator"]
    endpoint = workers["podMetricsEndpoints"][0]
    # It runs beside the cluster here: what Kubernetes would say of its pod is said in its stead.
    labels = {
        "namespace": OPERATORS_NAMESPACE,
        "pod": "callfleet-operator",
        "__meta_kubernetes_pod_phase": "Running",
    }
    return [
        {
            "job_name": "workers",
            "file_sd_configs": [{"files": [str(found)], "refresh_interval": "1s"}],
            "honor_labels": endpoint.get("honorLabels", False),
            "relabel_configs": [*_chosen(workers["selector"], endpoint["port"]), *_own(endpoint)],
        },
        {
            "job_name": "operators",
            "static_configs": [{"targets": [_host(operator)], "labels": labels}],
            "honor_labels": operators["podMetricsEndpoints"][0].get("honorLabels", False),
            "relabel_configs": list(_own(operators["podMetricsEndpoints"][0])),
        },
        {
            "job_name": "livekit-server",
            "static_configs": [{"targets": [f"{LOOPBACK}:{server.metrics_port}"]}],
        },
    ]


def _host(url: str) -> str:
    return url.removeprefix("http://")


def _chosen(selector: Object, port: str) -> Iterator[Object]:
    yield _kept("__meta_kubernetes_pod_phase", "(Failed|Succeeded)", "drop")
    for each in selector["matchExpressions"]:
        label = each["key"].replace(".", "_").replace("/", "_")
        yield _kept(f"__meta_kubernetes_pod_label_{label}", f"({'|'.join(each['values'])})")
    yield _kept("__meta_kubernetes_pod_container_port_name", port)
    for source, label in (("namespace", "namespace"), ("pod_name", "pod")):
        yield {"source_labels": [f"__meta_kubernetes_{source}"], "target_label": label}


def _kept(source: str, regex: str, action: str = "keep") -> Object:
    return {"action": action, "source_labels": [source], "regex": regex}


def _own(endpoint: Object) -> Iterator[Object]:
    """Give the endpoint's own relabelings in the words of Prometheus."""
    words = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    for each in endpoint["relabelings"]:
        yield {words.get(name, name): value for name, value in each.items()}


@contextlib.asynccontextmanager
async def discovering(one: OperatorCluster, file: Path) -> AsyncIterator[None]:
    """Keep a file up to date with the pods that there are, while the block runs."""
    task = asyncio.create_task(_discover(one, file))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _discover(one: OperatorCluster, file: Path) -> None:
    while True:
        pods = await one.things("api/v1/pods")
        found = [target for pod in pods for target in _targets(pod)]
        written = file.with_suffix(".new")
        written.write_text(json.dumps(found), encoding="utf-8")
        written.replace(file)
        await asyncio.sleep(SCRAPE_SECONDS / 2)


def _targets(pod: Object) -> Iterator[Object]:
    """Give a pod's ports as Prometheus' own discovery of pods does."""
    metadata, address = pod["metadata"], pod.get("status", {}).get("podIP")
    if not address:
        return
    meta = {
        "namespace": metadata["namespace"],
        "pod_name": metadata["name"],
        "pod_phase": pod["status"]["phase"],
    }
    for label, value in metadata["labels"].items():
        meta[f"pod_label_{re.sub(r'[^a-zA-Z0-9_]', '_', label)}"] = value
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            named = {**meta, "pod_container_port_name": port.get("name", "")}
            yield {
                "targets": [f"{address}:{port['containerPort']}"],
                "labels": {f"__meta_kubernetes_{name}": value for name, value in named.items()},
            }
