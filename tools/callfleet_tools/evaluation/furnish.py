"""Furnish a cluster: images, LiveKit, operator, emulator; a second time, what has changed since."""

import base64
from collections.abc import Mapping

from callfleet_tools.evaluation import helm, values
from callfleet_tools.evaluation.given import CALLFLEET, FLEET, LIVEKIT, Evaluation
from callfleet_tools.evaluation.images import provide
from callfleet_tools.node import Cluster, NodeError
from callfleet_tools.node.bringing import Tell, timed

READY_SECONDS = 300
_DEFINITION = "crd/voicefleets.callfleet.dev"
_FLEETS = "/apis/callfleet.dev/v1alpha1/voicefleets"
_STANDARDS = {LIVEKIT: "privileged", CALLFLEET: "restricted"}
"""By which of the Pod Security standards each namespace goes."""
_DEPLOYMENTS = {
    LIVEKIT: (LIVEKIT, f"{LIVEKIT}-redis"),
    CALLFLEET: (f"{CALLFLEET}-operator", f"{CALLFLEET}-emulator"),
}


def furnish(
    cluster: Cluster,
    tell: Tell = lambda _what, _seconds: None,
    *,
    fleet: bool = False,
) -> Evaluation:
    """Have LiveKit, an operator and an emulator run on a cluster; ``fleet``, a fleet as well.

    Images are made and loaded where they are not there yet, so that a change of code is brought in
    by doing it again. All of it runs when this returns.

    Raises:
        ToolError: something cannot be had, made or installed; the message says what to do.

    """
    images = provide(cluster, tell)
    with timed("charts", tell):
        _namespaces(cluster)
        node = cluster.layout.places[0].name
        helm.upgrade(cluster, helm.Release(LIVEKIT, "livekit", values.livekit(images, node)))
        keys = _keys(cluster)
        _install(cluster, images, keys, fleet=fleet)
    with timed("pods ready", tell):
        for namespace, names in _DEPLOYMENTS.items():
            for name in names:
                _ready(cluster, namespace, "rollout", "status", f"deployment/{name}")
    if fleet:
        with timed("fleet ready", tell):
            _ready(cluster, CALLFLEET, "wait", "--for=condition=Available", f"vf/{FLEET}")
    return Evaluation(
        cluster=cluster,
        livekit_url=f"ws://{cluster.layout.places[0].address}:7880",
        api_key=keys.api_key,
        api_secret=keys.api_secret,
        images=images,
        emulator_url=f"https://{CALLFLEET}-emulator.{CALLFLEET}.svc:8443",
        emulator_ca=_secret(cluster, CALLFLEET, f"{CALLFLEET}-emulator")["ca.crt"],
    )


def _install(
    cluster: Cluster, images: Mapping[str, str], keys: values.Keys, *, fleet: bool
) -> None:
    node = cluster.layout.places[0].name
    # Helm makes no object of a kind that the same command defines.
    known = cluster.api.gives(_FLEETS)
    for with_fleet in dict.fromkeys((fleet and known, fleet)):
        told = values.callfleet(images, node, keys, fleet=with_fleet)
        helm.upgrade(cluster, helm.Release(CALLFLEET, "callfleet", told))
        _ready(cluster, CALLFLEET, "wait", "--for=condition=Established", _DEFINITION)


def _namespaces(cluster: Cluster) -> None:
    for name, standard in _STANDARDS.items():
        if not cluster.api.gives(f"/api/v1/namespaces/{name}"):
            cluster.kubectl("create", "namespace", name)
        enforced = f"pod-security.kubernetes.io/enforce={standard}"
        cluster.kubectl("label", "--overwrite", "namespace", name, enforced)


def _keys(cluster: Cluster) -> values.Keys:
    made = _secret(cluster, LIVEKIT, f"{LIVEKIT}-keys")
    return values.Keys(made["LIVEKIT_API_KEY"], made["LIVEKIT_API_SECRET"])


def _secret(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    told = cluster.api.ask("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
    return {key: base64.b64decode(text).decode() for key, text in told["data"].items()}


def _ready(cluster: Cluster, namespace: str, *command: str) -> None:
    """Wait for something, and where it does not come, say what its pods are at."""
    here = f"--namespace={namespace}"
    try:
        cluster.kubectl(here, *command, f"--timeout={READY_SECONDS}s")
    except NodeError as error:
        pods = cluster.kubectl(here, "get", "pods", "--output=wide").rstrip()
        message = (
            f"{command[-1]} in {namespace} is not ready after {READY_SECONDS} s:\n{pods}\n"
            f"`kubectl -n {namespace} describe pods` says why"
        )
        raise NodeError(message) from error
