"""Make a pod of a revision. Pure.

From birth a pod tells autoscalers of nodes to leave it alone, and has a grace period long enough
for its calls: whatever deletes it, they may finish.
"""

from typing import Any

from lightkube.resources.core_v1 import Pod

from callfleet_contract.fleet import names
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.grace import grace
from callfleet_operator.objects.environment import WRITABLE_FOLDER, close_seconds, environment
from callfleet_operator.objects.making import make
from callfleet_operator.objects.owners import owner_reference
from callfleet_operator.objects.reading import ADMISSION_PORT_NAME
from callfleet_operator.objects.seen import Key, SeenRevision

_LIVE_PERIOD_SECONDS = 10
_READY_PERIOD_SECONDS = 2
_START_SECONDS = 300
_LEAVE_ALONE = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}


def build_pod(revision: SeenRevision, name: str, keys: tuple[str, ...]) -> Pod:
    """Make one pod; ``keys`` are the public keys of those whose orders its worker obeys.

    Raises:
        MisfitError: the template holds something that fits into no pod.

    """
    shape, fleet = revision.shape, revision.fleet
    template = shape.template
    return make(
        Pod,
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": fleet.namespace,
                "labels": {**(template.labels or {}), **labels(fleet, revision.name)},
                "annotations": {**(template.annotations or {}), **_LEAVE_ALONE},
                "ownerReferences": [owner_reference(fleet, revision.fleet_uid)],
            },
            "spec": _without_none(
                {
                    "containers": [_worker(shape, fleet, keys)],
                    "volumes": [
                        {"name": "state", "emptyDir": {"sizeLimit": "16Mi"}},
                        {"name": "scratch", "emptyDir": {}},
                        *template.volumes,
                    ],
                    "terminationGracePeriodSeconds": grace_seconds(shape),
                    "restartPolicy": "Always",
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "imagePullSecrets": [{"name": one} for one in template.image_pull_secrets],
                    "nodeSelector": template.node_selector,
                    "tolerations": list(template.tolerations),
                    "affinity": template.affinity,
                    "topologySpreadConstraints": _spread(shape, fleet),
                    "priorityClassName": template.priority_class_name,
                    "serviceAccountName": template.service_account_name,
                }
            ),
        },
    )


def labels(fleet: Key, revision: str) -> dict[str, str]:
    """Give the labels that a pod is born with."""
    return {
        "app.kubernetes.io/name": "callfleet-worker",
        "app.kubernetes.io/instance": fleet.name,
        "app.kubernetes.io/managed-by": "callfleet-operator",
        names.FLEET_LABEL: fleet.name,
        names.REVISION_LABEL: revision,
        names.ACCEPTING_LABEL: "true",
    }


def grace_seconds(shape: FleetSpec) -> int:
    """Say how long a deleted pod may take to go."""
    return grace(shape.max_call_seconds, close_seconds(shape)).total_seconds


def _worker(shape: FleetSpec, fleet: Key, keys: tuple[str, ...]) -> dict[str, Any]:
    template = shape.template
    agent_name = shape.agent_name or fleet.name
    return _without_none(
        {
            "name": names.WORKER_CONTAINER,
            "image": template.image,
            "imagePullPolicy": template.image_pull_policy,
            "env": environment(shape, fleet.name, agent_name, keys),
            "envFrom": [{"secretRef": {"name": one}} for one in template.secrets],
            "resources": template.resources,
            "ports": [
                {"name": "http", "containerPort": names.HTTP_PORT},
                {"name": ADMISSION_PORT_NAME, "containerPort": names.ADMISSION_PORT},
            ],
            "startupProbe": _probe("live", _READY_PERIOD_SECONDS, _START_SECONDS),
            "livenessProbe": _probe("live", _LIVE_PERIOD_SECONDS, 3 * _LIVE_PERIOD_SECONDS),
            "readinessProbe": _probe("ready", _READY_PERIOD_SECONDS, 3 * _READY_PERIOD_SECONDS),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "state", "mountPath": names.STATE_FOLDER},
                {"name": "scratch", "mountPath": WRITABLE_FOLDER},
                *template.volume_mounts,
            ],
        }
    )


def _probe(which: str, period_seconds: int, fails_after_seconds: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": f"/healthz/{which}", "port": "http"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": fails_after_seconds // period_seconds,
    }


def _spread(shape: FleetSpec, fleet: Key) -> list[dict[str, Any]]:
    given = shape.template.topology_spread_constraints
    if given:
        return [dict(one) for one in given]
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {names.FLEET_LABEL: fleet.name}},
        }
    ]


def _without_none(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value not in (None, [])}
