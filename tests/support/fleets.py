"""Make fleets on an API server: the least that a user has to write, and more."""

from typing import Any

from kube_api import KubeApi

from callfleet_contract.fleet.names import API_VERSION, KIND, PLURAL

IMAGE = "registry.invalid/callfleet-worker:1.0.0"


def fleet(name: str = "support", **spec: Any) -> dict[str, Any]:
    """Write a fleet; what is said of its spec comes on top of the image."""
    template = {"image": IMAGE, **spec.pop("template", {})}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"template": template, **spec},
    }


def fleets_path(namespace: str, name: str = "", subresource: str = "") -> str:
    """Give the path of a namespace's fleets, of one of them, or of a part of one."""
    parts = [f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}", name, subresource]
    return "/".join(part for part in parts if part)


def create_fleet(api: KubeApi, namespace: str, name: str = "support", **spec: Any) -> Any:
    """Create a fleet, and give what the API server made of it."""
    return api.ask("POST", fleets_path(namespace), fleet(name, **spec))


def say_status(api: KubeApi, namespace: str, name: str = "support", **status: Any) -> Any:
    """Write a status, as the operator does."""
    path = fleets_path(namespace, name, "status")
    return api.merge(path, {"status": status})
