"""What the charts render for a matrix of values: as it was kept, and as Kubernetes takes it.

``WRITE_GOLDEN=1 pytest tests/chart`` writes what is kept anew; read what changed.
"""

import os
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from helm import Helm, Object, of_kind

from callfleet_operator.crd import packaged

HERE = Path(__file__).parent
MATRIX = sorted(HERE.glob("values/*/*.yaml"))
KUBERNETES = ("1.34", "1.35", "1.36")
OF_OTHERS = {"PodMonitor", "PrometheusRule", "VoiceFleet"}
"""Kinds that a cluster learns of by a definition; tests against a real API server judge fleets."""
KEPT_ELSEWHERE = ("\nkind: CustomResource", "\nkind: PrometheusRule", "\n    grafana_dashboard:")
"""Signs of what is a copy of another file of the project, and is held against that."""


def named(file: Path) -> str:
    return f"{file.parent.name}-{file.stem}"


@pytest.mark.parametrize("values", MATRIX, ids=named)
def test_a_chart_renders_what_it_did_before(helm: Helm, values: Path) -> None:
    chart = values.parent.name
    text = helm.render(chart, "--values", str(values), "--kube-version", "1.36.0")
    parts = text.split("---\n")
    rendered = "---\n".join(one for one in parts if not any(sign in one for sign in KEPT_ELSEWHERE))
    golden = HERE / "golden" / chart / values.name
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(rendered, encoding="utf-8")
    assert rendered == golden.read_text(encoding="utf-8")


def test_nothing_is_kept_of_values_that_are_no_more() -> None:
    kept = {named(file) for file in HERE.glob("golden/*/*.yaml")}
    assert kept == {named(file) for file in MATRIX}


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", MATRIX, ids=named)
def test_three_versions_of_kubernetes_know_every_field(
    helm: Helm, values: Path, version: str
) -> None:
    chart = values.parent.name
    told = ("--values", str(values), "--kube-version", f"{version}.0")
    for one in helm.objects(chart, *told):
        if one["kind"] not in OF_OTHERS:
            assert kubernetes_validate.validate(one, version, strict=True) == version


def test_a_field_that_kubernetes_does_not_know_would_be_seen() -> None:
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "typ": "b"}
    with pytest.raises(kubernetes_validate.ValidationError, match="typ"):
        kubernetes_validate.validate(secret, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize("keep", [True, False])
def test_the_definition_is_the_operators_own(helm: Helm, *, keep: bool) -> None:
    objects = helm.objects("callfleet", "--set", f"crds.keep={str(keep).lower()}")
    (definition,) = of_kind(objects, "CustomResourceDefinition")
    annotations: dict[str, Any] = definition["metadata"]["annotations"]
    assert annotations.pop("helm.sh/resource-policy", "") == ("keep" if keep else "")
    del definition["metadata"]["labels"]
    assert definition == packaged.definition()


def test_the_rights_are_those_that_the_operators_page_lists(helm: Helm) -> None:
    page = (HERE.parents[1] / "docs" / "operator.md").read_text(encoding="utf-8")
    listed = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["rules"]
    everywhere = helm.objects("callfleet")
    given = [rule for kind in ("Role", "ClusterRole") for rule in rules(everywhere, kind)]
    assert sorted(map(str, given)) == sorted(map(str, listed))


def test_rights_on_pods_end_at_the_namespaces_that_are_named(helm: Helm) -> None:
    objects = helm.objects("callfleet", "--set", "operator.namespaces={voice,other}")
    everywhere = [each for rule in rules(objects, "ClusterRole") for each in rule["resources"]]
    assert sorted(everywhere) == ["customresourcedefinitions", "nodes"]
    pods = [one for one in of_kind(objects, "Role") if "pods" in str(one["rules"])]
    assert [one["metadata"]["namespace"] for one in pods] == ["voice", "other"]


def rules(objects: list[Object], kind: str) -> list[Object]:
    return [rule for one in of_kind(objects, kind) for rule in one["rules"]]
