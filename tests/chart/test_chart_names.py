"""Names, labels and gaps: what a user may call things, and what the chart cannot do without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm import CHARTS, Helm, HelmError, Object, of_kind

from callfleet_charts.values import read
from callfleet_contract.fleet.crd import MOST_NAME_CHARACTERS

HERE = Path(__file__).parent
MATRIX = sorted(HERE.glob("values/*/*.yaml"))
MOST_CHARACTERS_OF_A_RELEASE = 53
MOST_CHARACTERS_OF_A_LABEL = 63
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
OF_ROLES = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
FLEET = "fleets.support.paused=true"


def template(helm: Helm, values: Path, release: str, namespace: str) -> list[Object]:
    chart = str(CHARTS / values.parent.name)
    told = ("--values", str(values), "--namespace", namespace)
    return [one for one in yaml.safe_load_all(helm("template", release, chart, *told)) if one]


@pytest.mark.parametrize("values", MATRIX, ids=lambda one: f"{one.parent.name}-{one.stem}")
@pytest.mark.parametrize("word", ["no", "123", "1e3", "0x1f"])
def test_what_yaml_takes_for_a_number_is_a_good_name_of_a_release_and_a_namespace(
    helm: Helm, values: Path, word: str
) -> None:
    for one in template(helm, values, word, word):
        about = one["metadata"]
        assert about["labels"]["app.kubernetes.io/instance"] == word
        assert isinstance(about["name"], str)
        if one["kind"] not in CLUSTER_WIDE:
            assert isinstance(about["namespace"], str)
        for subject in one.get("subjects", []):
            assert subject["namespace"] == word


@pytest.mark.parametrize("values", MATRIX, ids=lambda one: f"{one.parent.name}-{one.stem}")
def test_the_longest_names_of_release_and_namespace_are_none_too_long(
    helm: Helm, values: Path
) -> None:
    release, namespace = "r" * MOST_CHARACTERS_OF_A_RELEASE, "n" * MOST_CHARACTERS_OF_A_LABEL
    for one in template(helm, values, release, namespace):
        about = one["metadata"]
        if one["kind"] not in OF_ROLES:
            assert len(about["name"]) <= MOST_CHARACTERS_OF_A_LABEL
        assert all(len(label) <= MOST_CHARACTERS_OF_A_LABEL for label in about["labels"].values())


def test_namespaces_that_begin_alike_have_rights_of_their_own(helm: Helm) -> None:
    alike = ["n" * 62 + end for end in "ab"]
    values = HERE / "values" / "callfleet" / "default.yaml"
    first, second = (template(helm, values, "callfleet", namespace) for namespace in alike)
    names = {one["metadata"]["name"] for one in of_kind(first, "ClusterRole")}
    assert names.isdisjoint(one["metadata"]["name"] for one in of_kind(second, "ClusterRole"))


def test_a_fleet_may_have_as_long_a_name_as_the_definition_lets_it(helm: Helm) -> None:
    longest = "f" * MOST_NAME_CHARACTERS
    objects = helm.objects("callfleet", "--set", f"fleets.{longest}.paused=true")
    (fleet,) = of_kind(objects, "VoiceFleet")
    assert fleet["metadata"]["name"] == longest
    with pytest.raises(HelmError, match="invalid propertyName"):
        helm.render("callfleet", "--set", f"fleets.{longest}f.paused=true")


def test_nothing_is_said_twice_where_several_values_name_one_label(
    helm: Helm, tmp_path: Path
) -> None:
    one = {"team": "common"}
    own = "kubectl.kubernetes.io/default-container"
    told: dict[str, Any] = {
        "commonLabels": one,
        "operator": {"podLabels": {"team": "operator"}, "podAnnotations": {own: "mine"}},
        "podMonitor": {"enabled": True, "additionalLabels": {"team": "monitor"}},
        "fleets": {"support": {}},
    }
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(told), encoding="utf-8")
    text = helm.render("callfleet", "--values", str(values))
    for each in text.split("\n---\n"):
        assert not list(said_twice(yaml.compose(each)))
    objects = [one for one in yaml.safe_load_all(text) if one]
    (deployment,) = of_kind(objects, "Deployment")
    pod = deployment["spec"]["template"]["metadata"]
    assert (pod["labels"]["team"], pod["annotations"][own]) == ("operator", "mine")
    monitors = of_kind(objects, "PodMonitor")
    assert {one["metadata"]["labels"]["team"] for one in monitors} == {"monitor"}


def said_twice(node: yaml.Node | None) -> Iterator[str]:
    """Find keys that one map has twice, of which parsers take the last."""
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from (key for key in keys if keys.count(key) > 1)
        for _, inner in node.value:
            yield from said_twice(inner)
    elif isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            yield from said_twice(inner)


@pytest.mark.parametrize(
    ("chart", "told", "says"),
    [
        ("callfleet", "fullnameOverride=My fleet", "at '/fullnameOverride': .*not match"),
        ("callfleet", "operator.resources.request.cpu=1", "at '/operator/resources': additional"),
        ("callfleet", "operator.affinity.nodeAfinity.a=1", "at '/operator/affinity': additional"),
        ("callfleet", "test.tolerations[0].keyy=a", "at '/test/tolerations/0': additional"),
        ("callfleet", "worker.image.repository=", "at '/worker/image/repository': minLength"),
        ("livekit", "server.resources.request.cpu=1", "at '/server/resources': additional"),
    ],
)
def test_what_kubernetes_would_refuse_later_is_refused_with_its_place(
    helm: Helm, chart: str, told: str, says: str
) -> None:
    with pytest.raises(HelmError, match=says):
        helm.render(chart, "--set", told)


@pytest.mark.parametrize(
    ("chart", "told", "says"),
    [
        ("callfleet", "livekit.apiSecret=" + "a" * 32, "livekit.apiKey is not: set both"),
        ("callfleet", "model.keys={a},model.vertex.project=b", "set one of the two"),
        ("callfleet", "operator.serviceAccount.create=false", "serviceAccount.name is not set"),
        (
            "callfleet",
            "operator.env[0].name=CALLFLEET_OPERATOR_LOG__LEVEL",
            "CALLFLEET_OPERATOR_LOG__LEVEL, which this chart sets: say it as operator.log",
        ),
        ("callfleet", r"commonLabels.app\.kubernetes\.io/name=a", "take it out of commonLabels"),
        ("callfleet", r"operator.podLabels.app\.kubernetes\.io/name=a", "operator.podLabels"),
        ("livekit", "server.config.port=null", "server.config.port is not set"),
        ("livekit", "server.config.keys.a=b", "name them as keys.apiKey"),
        ("livekit", "server.config.redis.address=a", "set redis.enabled to false"),
    ],
)
def test_halves_and_contradictions_are_refused_with_a_cure(
    helm: Helm, chart: str, told: str, says: str
) -> None:
    with pytest.raises(HelmError, match=says):
        helm.render(chart, "--set", told)


@pytest.mark.parametrize("chart", ["callfleet", "livekit"])
def test_a_section_that_an_older_release_had_not_is_missed_by_its_name(
    helm: Helm, chart: str
) -> None:
    values = read((CHARTS / chart / "values.yaml").read_text(encoding="utf-8"))
    for one in values:
        if one.is_section:
            with pytest.raises(HelmError, match=f"missing property '{one.path[-1]}'"):
                helm.render(chart, "--set", f"{one.name}=null")


@pytest.mark.parametrize(
    "value", ["model.cidrs", "model.tcpPorts", "apiServer.cidrs", "livekit.udpPorts"]
)
def test_a_list_whose_absence_would_open_a_policy_cannot_be_absent(helm: Helm, value: str) -> None:
    told = f"networkPolicy.enabled=true,networkPolicy.{value}=null,{FLEET}"
    with pytest.raises(HelmError, match=f"missing property '{value.split('.')[1]}'"):
        helm.render("callfleet", "--set", told)


@pytest.mark.parametrize(
    "value", ["operator.resources", "operator.podLabels", "commonLabels", "fleetDefaults", "fleets"]
)
def test_null_takes_away_what_a_chart_can_do_without(helm: Helm, value: str) -> None:
    assert helm.objects("callfleet", "--set", f"{FLEET},{value}=null")


def test_the_test_runs_on_a_node_of_its_users_choice(helm: Helm) -> None:
    told = f"test.nodeSelector.pool=calls,test.tolerations[0].key=calls,{FLEET}"
    (pod,) = of_kind(helm.objects("callfleet", "--set", told), "Pod")
    assert pod["spec"]["nodeSelector"] == {"pool": "calls"}
    assert pod["spec"]["tolerations"] == [{"key": "calls"}]
