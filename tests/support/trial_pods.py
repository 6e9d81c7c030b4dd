"""Objects to try a real cluster with, all of the trial image."""

import urllib.request
from typing import Any

from trial_image import REFERENCE

LABELS = {"app": "web"}


def pod(name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _pod_spec(**more)}


def service() -> dict[str, Any]:
    spec = {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def deployment(replicas: int) -> dict[str, Any]:
    """Replicas spread over the nodes, as far as nodes take them."""
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": LABELS},
    }
    template = {
        "metadata": {"labels": LABELS},
        "spec": _pod_spec(topologySpreadConstraints=[spread]),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": LABELS},
            "template": template,
        },
    }


def fetched(url: str) -> str:
    """Fetch a page as this machine."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=30) as answer:
        return str(answer.read().decode())


def _pod_spec(**more: Any) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/index.html", "port": 8080}, "periodSeconds": 1}
    container = {
        "name": "trial",
        "image": REFERENCE,
        "imagePullPolicy": "Never",
        "readinessProbe": probe,
        "livenessProbe": {"exec": {"command": ["cat", "/serve.sh"]}},
        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True},
    }
    return {"containers": [container], "terminationGracePeriodSeconds": 60, **more}
