"""The resource's definition is what its model says, and says all that a user has to know."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from callfleet_contract.fleet.crd import crd
from callfleet_contract.fleet.spec import Autoscaling, FleetSpec, PodTemplate
from callfleet_operator.crd import generate, packaged, page
from callfleet_tools.generated import END

SHAPES_PODS = ("agentName", "livekitURL", "slotsPerPod", "persona", "template")
SHAPES_PODS_BELOW = (("drain", "maxCallSeconds"),)

Schema = dict[str, Any]


def definition() -> Schema:
    schema: Schema = crd(1)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def spec() -> Schema:
    found: Schema = definition()["properties"]["spec"]
    return found


def walk(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every field of a schema, with its path."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from walk(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from walk(schema[key], f"{path}[]")


def test_the_files_are_up_to_date() -> None:
    assert generate.main(["--check"]) == 0
    assert page.main(["--check"]) == 0
    assert packaged.definition() == crd(packaged.our_number())


def test_a_definition_that_changed_has_a_larger_number() -> None:
    assert generate.next_number(None) == 1
    assert generate.next_number(crd(7)) == 7
    changed = crd(7)
    changed["spec"]["scope"] = "Cluster"
    assert generate.next_number(changed) == 8


@pytest.mark.parametrize("told", [None, "", "seven", "-1", "٣", 3])
def test_a_definition_without_a_number_has_none(told: object) -> None:
    annotations = {} if told is None else {"callfleet.dev/schema": told}
    assert packaged.number_of({"metadata": {"annotations": annotations}}) is None
    assert packaged.number_of({}) is None


def test_a_stale_file_or_page_is_not_what_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "voicefleets.yaml"
    stale.write_text(packaged.FILE.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    monkeypatch.setattr(packaged, "FILE", stale)
    assert generate.main(["--check"]) == 1
    assert "run python -m callfleet_operator.crd.generate" in capsys.readouterr().err
    monkeypatch.setattr(page, "PAGE", tmp_path / "fleet.md")
    page.PAGE.write_text(f"above\n{page.BEGIN}\nold\n{END}\nbelow\n", encoding="utf-8")
    assert page.main(["--check"]) == 1
    assert page.main([]) == 0
    assert page.main(["--check"]) == 0
    written = page.PAGE.read_text(encoding="utf-8")
    assert written.startswith("above\n")
    assert written.endswith("\nbelow\n")
    assert "| `slotsPerPod` | a whole number from 1 to 200 | unset |" in written


def test_what_shapes_a_pod_has_no_default() -> None:
    fields = spec()["properties"]
    shaping = {name: fields[name] for name in SHAPES_PODS}
    shaping |= {
        ".".join(path): fields[path[0]]["properties"][path[1]] for path in SHAPES_PODS_BELOW
    }
    defaulted = [
        f"{name}{path}"
        for name, field in shaping.items()
        for path, each in walk(field)
        if "default" in each
    ]
    assert defaulted == [], "a newer operator would roll every fleet"


def test_what_steers_the_operator_shows_its_default() -> None:
    optional = {"maxTotalPods", "externalSessionLimit", "leadTimeSeconds", "replicas"}
    for part in ("autoscaling", "rollout"):
        for path, field in walk(spec()["properties"][part], part):
            if path.rpartition(".")[2] not in optional and not path.endswith("[]"):
                assert "default" in field, path


def test_the_status_has_no_default() -> None:
    status = definition()["properties"]["status"]
    assert [path for path, field in walk(status) if "default" in field] == []


def test_every_field_says_what_it_is_for() -> None:
    for path, field in walk(definition()):
        if path.endswith("[]") or path == ".metadata":
            continue
        assert field.get("description", "").endswith("."), path
        assert "``" not in field["description"], path


def test_the_schema_is_structural() -> None:
    for path, field in walk(definition()):
        assert "type" in field or field.get("x-kubernetes-int-or-string"), path
        assert field.get("type") != "null", path
        assert "$ref" not in field, path
        assert isinstance(field.get("additionalProperties", {}), dict), path


def test_texts_and_lists_have_an_end() -> None:
    """Rules are refused by the API server where it cannot say what they cost."""
    for path, field in walk(spec()):
        if "x-kubernetes-validations" in field and field.get("type") == "string":
            assert "maxLength" in field, path
        if field.get("type") == "array" and not path.endswith("matchLabelKeys"):
            assert "maxItems" in field, path


def test_the_model_reads_what_the_schema_lets_pass() -> None:
    told = {"template": {"image": "worker:1", "env": [{"name": "A", "value": "b"}]}, "new": 1}
    read = FleetSpec.model_validate(told)
    assert read.template == PodTemplate(image="worker:1", env=({"name": "A", "value": "b"},))
    assert read.slots == 10


def test_the_model_says_what_to_write_where_a_text_has_another_shape() -> None:
    with pytest.raises(ValidationError, match=r"write one like wss://livekit\.example\.com"):
        FleetSpec.model_validate({"livekitURL": "example.com", "template": {"image": "a"}})


def test_what_is_held_without_reports_is_never_more_than_the_fleet_may_have() -> None:
    assert Autoscaling(max_replicas=3).fallback_replicas == 3
    assert Autoscaling().fallback_replicas == 5
    told = Autoscaling.model_validate({"metrics": {"fallback": {"replicas": 0}}})
    assert told.fallback_replicas == 0
