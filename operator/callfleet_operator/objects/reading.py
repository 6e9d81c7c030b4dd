"""Read objects of the API server into what matters of them."""

from datetime import datetime
from typing import Any

from lightkube.models import core_v1, meta_v1
from lightkube.resources.apps_v1 import ControllerRevision
from lightkube.resources.core_v1 import Node, Pod
from pydantic import ValidationError

from callfleet_contract.fleet import names
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import FleetStatus
from callfleet_operator.objects.cordons import read_cordon
from callfleet_operator.objects.seen import Key, SeenFleet, SeenNode, SeenPod, SeenRevision

ADMISSION_PORT_NAME = "admission"
KEYS_VARIABLE = "CALLFLEET_ADMISSION__PUBLIC_KEYS"
_CRASHED = "CrashLoopBackOff"
_MOST_CHARACTERS = 300
"""Of what a kubelet says."""
_COMING = ("", "ContainerCreating", "PodInitializing")
_FINISHED = ("Succeeded", "Failed")
REMOVAL_TAINTS = (
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "node.cloudprovider.kubernetes.io/shutdown",
    "node.kubernetes.io/out-of-service",
    "cloud.google.com/impending-node-termination",
)
"""Taints of a node that is about to be taken away."""


def read_pod(pod: Pod) -> SeenPod | None:
    """Read a pod; None where it carries no fleet's name."""
    meta = _meta(pod.metadata)
    labels, spec = meta.labels or {}, pod.spec
    fleet = labels.get(names.FLEET_LABEL)
    if not fleet:
        return None
    worker = _worker(spec)
    status = pod.status or core_v1.PodStatus()
    owner = next((one for one in meta.ownerReferences or () if one.controller), None)
    return SeenPod(
        fleet=Key(meta.namespace or "", fleet),
        name=meta.name or "",
        uid=meta.uid or "",
        version=version_of(meta.resourceVersion),
        created_at=_instant(meta.creationTimestamp),
        revision=labels.get(names.REVISION_LABEL, ""),
        fleet_uid=owner.uid if owner else "",
        node=(spec.nodeName or "") if spec else "",
        address=status.podIP or "",
        port=_admission_port(worker),
        keys=_keys(worker),
        ready=any(one.type == "Ready" and one.status == "True" for one in status.conditions or ()),
        finished=status.phase in _FINISHED,
        deleting=meta.deletionTimestamp is not None,
        container=_container(status),
        ended_well=_ended_well(status),
        trouble=_trouble(status),
        cordon=read_cordon((meta.annotations or {}).get(names.CORDON_ANNOTATION)),
        labelled_accepting=labels.get(names.ACCEPTING_LABEL) == "true",
    )


def read_node(node: Node) -> SeenNode:
    """Read a node."""
    meta, spec = _meta(node.metadata), node.spec or core_v1.NodeSpec()
    tainted = any(taint.key in REMOVAL_TAINTS for taint in spec.taints or ())
    leaving = bool(spec.unschedulable) or tainted or meta.deletionTimestamp is not None
    conditions = (node.status.conditions if node.status else None) or ()
    ready = any(one.type == "Ready" and one.status == "True" for one in conditions)
    return SeenNode(meta.name or "", version_of(meta.resourceVersion), leaving, ready)


def read_fleet(raw: dict[str, Any]) -> SeenFleet:
    """Read a fleet; a spec that this operator cannot read is said, not raised."""
    meta = raw["metadata"]
    spec, unreadable = None, ""
    try:
        spec = FleetSpec.model_validate(raw.get("spec") or {})
    except ValidationError as error:
        unreadable = _sentences(error)
    return SeenFleet(
        key=Key(meta["namespace"], meta["name"]),
        uid=meta["uid"],
        version=version_of(meta.get("resourceVersion")),
        generation=int(meta.get("generation", 0)),
        created_at=_instant(meta.get("creationTimestamp")),
        spec=spec,
        unreadable=unreadable,
        deleting=bool(meta.get("deletionTimestamp")),
        undo=(meta.get("annotations") or {}).get(names.UNDO_ANNOTATION, ""),
        status=_status(raw.get("status") or {}),
    )


def read_revision(revision: ControllerRevision) -> SeenRevision | None:
    """Read a kept revision; None where it is of no fleet, or cannot be read any more."""
    meta = _meta(revision.metadata)
    labels = meta.labels or {}
    owner = next((one for one in meta.ownerReferences or () if one.controller), None)
    fleet, name = labels.get(names.FLEET_LABEL), labels.get(names.REVISION_LABEL)
    if not fleet or not name or owner is None:
        return None
    try:
        shape = FleetSpec.model_validate(revision.data or {})
    except ValidationError:
        return None
    return SeenRevision(
        fleet=Key(meta.namespace or "", fleet),
        fleet_uid=owner.uid,
        object_name=meta.name or "",
        name=name,
        number=revision.revision or 0,
        version=version_of(meta.resourceVersion),
        shape=shape,
    )


def version_of(text: str | None) -> int:
    """Read a resource version, which since Kubernetes 1.35 is a number that grows."""
    return int(text) if text and text.isdecimal() else 0


def _meta(meta: meta_v1.ObjectMeta | None) -> meta_v1.ObjectMeta:
    return meta if meta is not None else meta_v1.ObjectMeta()


def _instant(when: datetime | str | None) -> float:
    if when is None:
        return 0.0
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    return when.timestamp()


def _worker(spec: core_v1.PodSpec | None) -> core_v1.Container | None:
    containers = spec.containers if spec else []
    return next((one for one in containers if one.name == names.WORKER_CONTAINER), None)


def _admission_port(worker: core_v1.Container | None) -> int:
    ports = (worker.ports or []) if worker else []
    named = (port.containerPort for port in ports if port.name == ADMISSION_PORT_NAME)
    return next(named, names.ADMISSION_PORT)


def _keys(worker: core_v1.Container | None) -> tuple[str, ...]:
    env = (worker.env or []) if worker else []
    told = next((one.value for one in env if one.name == KEYS_VARIABLE and one.value), "")
    return tuple(key.strip() for key in told.split(",") if key.strip())


def _state(status: core_v1.PodStatus) -> core_v1.ContainerState:
    found = (one for one in status.containerStatuses or () if one.name == names.WORKER_CONTAINER)
    return getattr(next(found, None), "state", None) or core_v1.ContainerState()


def _container(status: core_v1.PodStatus) -> str:
    state = _state(status)
    if state.running is not None:
        return "running"
    if state.terminated is not None:
        return "terminated"
    return "waiting" if state.waiting is not None else ""


def _ended_well(status: core_v1.PodStatus) -> bool:
    terminated = _state(status).terminated
    return terminated is not None and terminated.exitCode == 0


def _trouble(status: core_v1.PodStatus) -> str:
    for one in (*(status.initContainerStatuses or ()), *(status.containerStatuses or ())):
        waiting = one.state.waiting if one.state else None
        if waiting is not None and (waiting.reason or "") not in _COMING:
            return _sentence(waiting, one)
    return ""


def _sentence(waiting: core_v1.ContainerStateWaiting, of: core_v1.ContainerStatus) -> str:
    """Say why a container waits as the kubelet does: with the image's, the secret's name."""
    reason, said = waiting.reason or "", " ".join((waiting.message or "").split())
    if "Image" in reason and of.image not in said:
        said = f"image {of.image}: {said}" if said else f"image {of.image}"
    ended = of.lastState.terminated if of.lastState else None
    if reason == _CRASHED and ended is not None:
        # What the kubelet says is how long it waits, which is other each time.
        why = " ".join((ended.message or "").split())
        said = f"exit code {ended.exitCode}" + (f", {why}" if why else "")
    return f"{reason}: {said}"[:_MOST_CHARACTERS] if said else reason


def _status(raw: dict[str, Any]) -> FleetStatus:
    try:
        return FleetStatus.model_validate(raw)
    except ValidationError:
        # Written by another version, or by hand: it is written anew.
        return FleetStatus()


def _sentences(error: ValidationError) -> str:
    said = [
        f"spec.{'.'.join(str(part) for part in one['loc'])} is {one['input']!r:.60}: {one['msg']}"
        for one in error.errors(include_url=False)
    ]
    return "; ".join(said)
