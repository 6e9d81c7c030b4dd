"""What a fake API server knows of kinds and paths. Pure but for the answers that it makes."""

from aiohttp import web

Kind = tuple[str, str, str]
"""Group, version and plural."""
_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
KINDS = {
    ("", "v1", "pods"): ("Pod", True),
    ("", "v1", "nodes"): ("Node", False),
    ("", "v1", "events"): ("Event", True),
    ("", "v1", "namespaces"): ("Namespace", False),
    ("apps", "v1", "controllerrevisions"): ("ControllerRevision", True),
    ("policy", "v1", "poddisruptionbudgets"): ("PodDisruptionBudget", True),
    ("coordination.k8s.io", "v1", "leases"): ("Lease", True),
    ("callfleet.dev", "v1alpha1", "voicefleets"): ("VoiceFleet", True),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions"): (
        "CustomResourceDefinition",
        False,
    ),
}


def kind_of(plural: str) -> Kind:
    return next(kind for kind in KINDS if kind[2] == plural)


def route(path: str) -> tuple[Kind, str, str, str] | None:
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        group, rest = "", parts[1:]
    else:
        group, rest = (parts[1], parts[2:]) if len(parts) > 1 else ("", [])
    if len(rest) < 2:
        return None
    version, rest = rest[0], rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    kind = (group, version, rest[0])
    if kind not in KINDS:
        return None
    return kind, namespace, rest[1] if len(rest) > 1 else "", rest[2] if len(rest) > 2 else ""


def discovery(path: str) -> web.Response:
    groups = sorted({kind[0] for kind in KINDS if kind[0]})
    parts = [part for part in path.split("/") if part]
    if parts == ["api"]:
        return web.json_response({"kind": "APIVersions", "versions": ["v1"]})
    if parts == ["apis"]:
        listed = []
        for group in groups:
            version = next(kind[1] for kind in KINDS if kind[0] == group)
            one = {"groupVersion": f"{group}/{version}", "version": version}
            listed.append({"name": group, "versions": [one], "preferredVersion": one})
        return web.json_response({"kind": "APIGroupList", "groups": listed})
    group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[2])
    resources = [
        {
            "name": plural,
            "singularName": name.lower(),
            "kind": name,
            "namespaced": namespaced,
            "verbs": _VERBS,
            "shortNames": [],
        }
        for (its_group, its_version, plural), (name, namespaced) in KINDS.items()
        if (its_group, its_version) == (group, version)
    ]
    return web.json_response({"kind": "APIResourceList", "resources": resources})


def refusal(code: int, reason: str, message: str = "") -> web.Response:
    """Refuse as the API server does."""
    return web.json_response(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": reason,
            "message": message or reason,
            "code": code,
            "metadata": {},
        },
        status=code,
    )
