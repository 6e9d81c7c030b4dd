"""Read a pod as a kubelet does, and know what of it the stand-in can do. Pure.

Strict: what it cannot do is an error and is never passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Object = dict[str, Any]
# What is heeded, and what makes no difference here: there is no isolation and no real node.
_POD_FIELDS = frozenset(
    {
        *("containers", "volumes", "restartPolicy", "terminationGracePeriodSeconds", "nodeName"),
        *("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints"),
        *("serviceAccountName", "serviceAccount", "automountServiceAccountToken"),
        *("enableServiceLinks", "securityContext", "imagePullSecrets", "priority"),
        *("priorityClassName", "preemptionPolicy", "schedulerName", "dnsPolicy"),
    }
)
_CONTAINER_FIELDS = frozenset(
    {
        *("name", "image", "imagePullPolicy", "command", "args", "env", "envFrom", "resources"),
        *("ports", "securityContext", "volumeMounts", "startupProbe", "livenessProbe"),
        *("readinessProbe", "terminationMessagePath", "terminationMessagePolicy"),
    }
)
_VOLUMES = frozenset({"emptyDir"})
_PROBES = frozenset({"httpGet", "tcpSocket"})


class BeyondStandInError(Exception):
    """A pod asks for something that a kubelet can do and its stand-in cannot: teach it."""


class ConfigError(Exception):
    """A container cannot be started as it is written, as a kubelet would say it."""


@dataclass(frozen=True, slots=True)
class Image:
    """What an image brings: what it runs, and its own environment.

    ``listens_by`` are variables that are told the pod's address: pods have no network of their own
    here, so that a server which took all addresses would stand in the way of every other pod.
    """

    entrypoint: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    listens_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod runs."""

    node: str
    host_ip: str
    pod_ip: str
    mounts: Mapping[str, Path]
    """Path in the container, and the folder that stands for it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """How a container is asked for its health."""

    port: int
    path: str | None
    """None: that it can be connected to is enough."""
    period_seconds: float
    timeout_seconds: float
    delay_seconds: float
    failures: int
    successes: int


def check(pod: Object) -> None:
    """See that nothing is asked for that this stand-in cannot do.

    Raises:
        BeyondStandInError: something is.

    """
    spec = pod["spec"]
    _only(_POD_FIELDS, spec, "spec")
    if len(spec["containers"]) != 1:
        message = f"spec.containers has {len(spec['containers'])}: the stand-in runs one"
        raise BeyondStandInError(message)
    _only(_CONTAINER_FIELDS, container_of(pod), "spec.containers[0]")
    for volume in spec.get("volumes", []):
        _only(_VOLUMES | {"name"}, volume, "spec.volumes[]")
    for mount in container_of(pod).get("volumeMounts", []):
        _only({"name", "mountPath", "readOnly"}, mount, "spec.containers[0].volumeMounts[]")


def container_of(pod: Object) -> Object:
    """Give the one container."""
    only: Object = pod["spec"]["containers"][0]
    return only


def probe_of(pod: Object, which: str) -> Probe | None:
    """Read the startupProbe, livenessProbe or readinessProbe of the container.

    Raises:
        BeyondStandInError: it asks in a way that is not known here.

    """
    told = container_of(pod).get(which)
    if told is None:
        return None
    kinds = [each for each in ("httpGet", "tcpSocket", "exec", "grpc") if each in told]
    if not _PROBES.issuperset(kinds):
        message = f"{which} asks by {', '.join(kinds)}: the stand-in knows httpGet and tcpSocket"
        raise BeyondStandInError(message)
    way = told[kinds[0]]
    return Probe(
        port=_port(pod, way["port"]),
        path=way.get("path", "/") if kinds[0] == "httpGet" else None,
        period_seconds=told["periodSeconds"],
        timeout_seconds=told["timeoutSeconds"],
        delay_seconds=told.get("initialDelaySeconds", 0),
        failures=told["failureThreshold"],
        successes=told["successThreshold"],
    )


def _only(known: "frozenset[str] | set[str]", told: Object, path: str) -> None:
    more = {name for name, value in told.items() if value not in (None, [], {})} - known
    if more - {"name"}:
        message = f"{path} has {', '.join(sorted(more))}: the stand-in does not know it"
        raise BeyondStandInError(message)


def _port(pod: Object, port: int | str) -> int:
    if isinstance(port, int):
        return port
    for each in container_of(pod).get("ports", []):
        if each.get("name") == port:
            return int(each["containerPort"])
    message = f"a probe asks port {port!r}, which is none of the container's"
    raise ConfigError(message)
