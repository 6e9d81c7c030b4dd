"""A release is installed, upgraded, rolled back and taken away, where nobody knows fleets yet."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import CRDS, ControlPlane, start_control_plane, start_controllers
from fleets import fleets_path
from helm import CHARTS, Helm, HelmError
from kube_api import ApiError, wait_until

import callfleet_tools
from callfleet_contract.fleet.names import CRD_NAME, SCHEMA_ANNOTATION
from callfleet_operator.crd import packaged
from callfleet_rehearsal.stack.processes import Children

CHART = str(CHARTS / "callfleet")
NAMESPACE = "voice"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
KEY = f"{SECRETS}/callfleet-operator-keys"
LISTED = (
    "/api/v1/namespaces/voice/secrets",
    "/api/v1/namespaces/voice/serviceaccounts",
    "/apis/apps/v1/namespaces/voice/deployments",
    "/apis/coordination.k8s.io/v1/namespaces/voice/leases",
    "/apis/networking.k8s.io/v1/namespaces/voice/networkpolicies",
    "/apis/policy/v1/namespaces/voice/poddisruptionbudgets",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/voice/roles",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/voice/rolebindings",
)
OF_THE_CLUSTER = (
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
)


@dataclass(frozen=True)
class Cluster:
    """A cluster without any definition of ours, and helm that speaks with it."""

    plane: ControlPlane
    helm: Helm

    def there(self, path: str) -> dict[str, Any] | None:
        """Give an object, or None where there is none."""
        try:
            return self.plane.ask("GET", path)
        except ApiError:
            return None

    def forget_definition(self) -> None:
        """Have no definition; it may be on its way already."""
        with contextlib.suppress(ApiError):
            self.plane.ask("DELETE", f"{CRDS}/{CRD_NAME}")
        wait_until(lambda: self.there(f"{CRDS}/{CRD_NAME}") is None)

    def left(self) -> list[str]:
        """Name what is there of a release, the definition aside."""
        found = [one for path in LISTED for one in self.plane.ask("GET", path)["items"]]
        for path in OF_THE_CLUSTER:
            everybodys = self.plane.ask("GET", path)["items"]
            found += [one for one in everybodys if "callfleet" in one["metadata"]["name"]]
        return sorted(one["metadata"]["name"] for one in found)

    def fleet(self, name: str = "support") -> dict[str, Any]:
        """Give a fleet's spec."""
        spec: dict[str, Any] = self.plane.ask("GET", fleets_path(NAMESPACE, name))["spec"]
        return spec


@pytest.fixture(scope="module")
def bare(
    tmp_path_factory: pytest.TempPathFactory, cluster_programs: dict[str, Path]
) -> Iterator[Cluster]:
    """A control plane of these tests' own: the others' has the definition already."""
    folder = tmp_path_factory.mktemp("bare")
    with Children(folder) as children:
        plane = start_control_plane(children, cluster_programs)
        start_controllers(children, cluster_programs["kube-controller-manager"], plane)
        plane.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        made = Cluster(plane, Helm(callfleet_tools.find("helm"), folder, plane.kubeconfig))
        made.forget_definition()
        yield made


@pytest.fixture
def cluster(bare: Cluster) -> Iterator[Cluster]:
    """The same, with nothing left of the test before."""
    yield bare
    for name in bare.helm("list", "--short").split():
        bare.helm("uninstall", name)
    bare.forget_definition()


def test_fleets_in_the_very_first_command_are_refused_with_the_way_on(cluster: Cluster) -> None:
    with pytest.raises(HelmError, match=r"does not know VoiceFleets yet.*then `helm upgrade` with"):
        cluster.helm("install", "callfleet", CHART, "--set", "fleets.support.paused=true")
    assert cluster.left() == []
    assert cluster.there(f"{CRDS}/{CRD_NAME}") is None


def test_an_upgrade_brings_fleets_and_keeps_the_operators_key(cluster: Cluster) -> None:
    cluster.helm("install", "callfleet", CHART)
    key = cluster.plane.ask("GET", KEY)["data"]
    cluster.helm("upgrade", "callfleet", CHART, "--set", "fleets.support.persona.voice=Kore")
    assert cluster.fleet()["persona"] == {"voice": "Kore"}
    assert cluster.plane.ask("GET", KEY)["data"] == key
    cluster.helm("rollback", "callfleet", "1")
    assert cluster.there(fleets_path(NAMESPACE, "support")) is None
    assert cluster.plane.ask("GET", KEY)["data"] == key


def test_a_key_that_is_being_changed_stays_as_its_user_wrote_it(cluster: Cluster) -> None:
    cluster.helm("install", "callfleet", CHART)
    both = {"private-key": "bmV3Cm9sZAo="}
    cluster.plane.merge(KEY, {"data": both})
    cluster.helm("upgrade", "callfleet", CHART, "--set", "operator.replicas=2")
    assert cluster.plane.ask("GET", KEY)["data"] == both


def test_an_upgrade_undoes_nothing_that_an_autoscaler_wrote(cluster: Cluster) -> None:
    manual = "fleets.support.autoscaling.mode=Manual"
    told = ("upgrade", "callfleet", CHART, "--set")
    cluster.helm("install", "callfleet", CHART)
    cluster.helm(*told, f"{manual},fleets.support.replicas=2")
    cluster.plane.merge(fleets_path(NAMESPACE, "support", "scale"), {"spec": {"replicas": 7}})
    with pytest.raises(HelmError, match=r"conflict with .*\.spec\.replicas"):
        cluster.helm(*told, f"{manual},fleets.support.replicas=2,slotsPerPod=12")
    cluster.helm(*told, f"{manual},slotsPerPod=12")
    assert cluster.fleet()["slotsPerPod"] == 12
    assert cluster.fleet()["replicas"] == 7


def test_new_keys_change_what_pods_are_made_of_and_the_same_ones_do_not(cluster: Cluster) -> None:
    told = ("upgrade", "--install", "callfleet", CHART)
    cluster.helm(*told)
    with_key = ("--set", "fleets.support.paused=true,model.keys={one}")
    cluster.helm(*told, *with_key)
    before = cluster.fleet()["template"]
    cluster.helm(*told, *with_key, "--set", "operator.replicas=2")
    assert cluster.fleet()["template"] == before
    cluster.helm(*told, "--set", "fleets.support.paused=true,model.keys={two,one}")
    assert cluster.fleet()["template"]["annotations"] != before["annotations"]
    secret = cluster.plane.ask("GET", f"{SECRETS}/callfleet-model")["data"]
    assert secret == {"GOOGLE_API_KEY": "dHdvLG9uZQ=="}


def test_the_definition_is_upgraded_with_the_chart_and_back(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.helm("install", "callfleet", str(previous_chart(tmp_path)))
    assert schema_number(cluster) == "1"
    cluster.helm("upgrade", "callfleet", CHART, "--set", "fleets.support.paused=true")
    assert schema_number(cluster) == str(packaged.our_number())
    cluster.helm("rollback", "callfleet", "1")
    assert schema_number(cluster) == "1"


def test_what_an_older_release_had_not_is_missed_by_name_and_brought_by_a_reset(
    cluster: Cluster, tmp_path: Path
) -> None:
    chart = previous_chart(tmp_path)
    (chart / "values.schema.json").unlink()
    (chart / "templates" / "monitors.yaml").unlink()
    values = chart / "values.yaml"
    had = yaml.safe_load(values.read_text(encoding="utf-8"))
    del had["podMonitor"]
    values.write_text(yaml.safe_dump(had), encoding="utf-8")
    cluster.helm("install", "callfleet", str(chart), "--set", "slotsPerPod=12")
    with pytest.raises(HelmError, match="missing property 'podMonitor'"):
        cluster.helm("upgrade", "callfleet", CHART, "--reuse-values")
    cluster.helm("upgrade", "callfleet", CHART, "--reset-then-reuse-values")
    assert "slotsPerPod: 12" in cluster.helm("get", "values", "callfleet")


def test_what_is_uninstalled_leaves_nothing_but_the_definition(cluster: Cluster) -> None:
    more = "networkPolicy.enabled=true,operator.podDisruptionBudget.enabled=true"
    cluster.helm("install", "callfleet", CHART, "--set", more)
    fleets = "worker.serviceAccount.create=true,model.keys={one},fleets.support.paused=true"
    cluster.helm("upgrade", "callfleet", CHART, "--set", f"{more},{fleets}")
    assert len(cluster.left()) == 16
    said = cluster.helm("uninstall", "callfleet")
    assert re.search(rf"CustomResourceDefinition\] {CRD_NAME}", said)
    assert cluster.left() == []
    assert cluster.there(f"{CRDS}/{CRD_NAME}") is not None
    assert cluster.there(fleets_path(NAMESPACE, "support")) is None
    cluster.helm("install", "callfleet", CHART, "--set", "fleets.support.paused=true")


def test_the_definition_goes_where_it_is_not_to_be_kept(cluster: Cluster) -> None:
    cluster.helm("install", "callfleet", CHART, "--set", "crds.keep=false")
    cluster.helm("uninstall", "callfleet")
    gone = cluster.there(f"{CRDS}/{CRD_NAME}")
    assert gone is None or gone["metadata"].get("deletionTimestamp")


def test_fleets_are_a_release_of_their_own_in_another_namespace(cluster: Cluster) -> None:
    cluster.helm("install", "callfleet", CHART)
    with pytest.raises(HelmError, match=r"exists and cannot be imported"):
        cluster.helm("install", "second", CHART)
    alone = "crds.enabled=false,operator.enabled=false,fleets.sales.paused=true"
    elsewhere = replace(cluster.helm, namespace="sales")
    elsewhere("install", "sales", CHART, "--create-namespace", "--set", alone)
    try:
        assert cluster.plane.ask("GET", fleets_path("sales", "sales"))["spec"]["paused"]
    finally:
        elsewhere("uninstall", "sales")


def test_livekits_keys_are_made_once(cluster: Cluster) -> None:
    chart = str(CHARTS / "livekit")
    cluster.helm("install", "livekit", chart)
    keys = cluster.plane.ask("GET", f"{SECRETS}/livekit-keys")["data"]
    cluster.helm("upgrade", "livekit", chart, "--set", "sip.enabled=true")
    assert cluster.plane.ask("GET", f"{SECRETS}/livekit-keys")["data"] == keys


def previous_chart(folder: Path) -> Path:
    """Make a chart as an earlier one was: another version, and a definition with a lower number."""
    chart = folder / "callfleet"
    shutil.copytree(CHART, chart)
    about = chart / "Chart.yaml"
    text = about.read_text(encoding="utf-8")
    about.write_text(re.sub(r"(?m)^version: .*$", "version: 0.0.9", text), encoding="utf-8")
    definition = chart / "templates" / "crd.yaml"
    text = definition.read_text(encoding="utf-8")
    older = text.replace(
        f"{SCHEMA_ANNOTATION}: '{packaged.our_number()}'", f"{SCHEMA_ANNOTATION}: '1'"
    )
    assert older != text
    definition.write_text(older, encoding="utf-8")
    return chart


def schema_number(cluster: Cluster) -> str:
    definition = cluster.plane.ask("GET", f"{CRDS}/{CRD_NAME}")
    return str(definition["metadata"]["annotations"][SCHEMA_ANNOTATION])
