"""What the charts render is what a real API server takes, word for word, definition and all."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from control_plane import ControlPlane
from helm import CHARTS, Helm, Object
from kube_api import ApiError
from kubectl import Kubectl

import callfleet_tools

MATRIX = sorted((Path(__file__).parents[1] / "chart" / "values").glob("*/*.yaml"))
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
NAMESPACES = {"voice": RESTRICTED, "voice-staging": RESTRICTED, "livekit": {}}
"""Those that the matrix names. Nothing on the network of its host, as LiveKit is, is restricted."""


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    """Helm, without a cluster: kubectl does the asking."""
    return Helm(callfleet_tools.find("helm"), tmp_path)


@pytest.fixture(scope="module")
def namespaces(control_plane: ControlPlane) -> Iterator[None]:
    """The namespaces that the matrix names."""
    for name, labels in NAMESPACES.items():
        metadata = {"name": name, "labels": labels}
        control_plane.ask("POST", "/api/v1/namespaces", {"metadata": metadata})
    yield
    for name in NAMESPACES:
        control_plane.ask("DELETE", f"/api/v1/namespaces/{name}")


def dry_run(kubectl: Kubectl, objects: list[Object]) -> str:
    """Have the API server judge objects, strictly, and give what it says against them."""
    strict = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    said = ""
    for namespace in NAMESPACES:
        there = [one for one in objects if one["metadata"].get("namespace", "voice") == namespace]
        if there:
            own = replace(kubectl, namespace=namespace)
            said += own("apply", *strict, "-f", "-", given=yaml.safe_dump_all(there)).stderr
    return said


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("values", MATRIX, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_api_server_takes_all_that_is_rendered(
    helm: Helm, kubectl: Kubectl, values: Path
) -> None:
    chart = values.parent.name
    own = replace(helm, namespace="livekit") if chart == "livekit" else helm
    # As it is, certificates and all: the API server reads them.
    text = own("template", chart, str(CHARTS / chart), "--values", str(values))
    objects = [one for one in yaml.safe_load_all(text) if one]
    of_kubernetes = [one for one in objects if one["kind"] not in ("PodMonitor", "PrometheusRule")]
    assert dry_run(kubectl, of_kubernetes) == ""


@pytest.mark.usefixtures("namespaces")
def test_pods_that_could_do_more_than_restricted_ones_would_be_seen(
    helm: Helm, kubectl: Kubectl
) -> None:
    (deployment,) = [one for one in helm.objects("callfleet") if one["kind"] == "Deployment"]
    del deployment["spec"]["template"]["spec"]["securityContext"]
    assert 'would violate PodSecurity "restricted' in dry_run(kubectl, [deployment])


@pytest.mark.usefixtures("namespaces")
def test_the_api_server_would_not_take_what_the_definition_does_not_know(
    helm: Helm, kubectl: Kubectl, control_plane: ControlPlane
) -> None:
    objects = helm.objects("callfleet", "--set", "fleets.a.paused=true,operator.enabled=false")
    (fleet,) = [one for one in objects if one["kind"] == "VoiceFleet"]
    fleet["spec"]["template"]["imag"] = "a"
    assert ".spec.template.imag: field not declared in schema" in dry_run(kubectl, [fleet])
    with pytest.raises(ApiError):
        control_plane.ask("GET", "/apis/callfleet.dev/v1alpha1/namespaces/voice/voicefleets/a")
