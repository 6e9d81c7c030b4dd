"""The generator of the charts reads what the sources say, and refuses what it cannot carry."""

import pytest
import yaml

from callfleet_charts import definition, readme, rights
from callfleet_charts.schema import fleet, schema
from callfleet_charts.values import ValuesError, read
from callfleet_operator.crd import packaged

VALUES = """
# Words about the file, which belong to no value.

# -- What runs.
part:
  # -- How many of it,
  # on two lines.
  # @schema {type: integer, minimum: 1, maximum: 9}
  number: 1
  # -- Labels | of it.
  # @schema {type: object, additionalProperties: {type: string}}
  labels: {app: a}
"""


def test_a_value_has_its_place_its_words_and_what_it_takes() -> None:
    part, number, labels = read(VALUES)
    assert part.is_section
    assert (number.name, number.text) == ("part.number", "How many of it, on two lines.")
    assert number.default == 1
    assert labels.schema == {"type": "object", "additionalProperties": {"type": "string"}}


def test_keys_of_a_map_that_is_one_value_are_none_themselves() -> None:
    (value,) = read("# -- Any.\n# @schema {type: object}\nconfig:\n  port: 1\n  more: {a: b}\n")
    assert value.name == "config"


def test_the_schema_refuses_what_is_no_value() -> None:
    made = schema(read(VALUES), {})
    assert made["additionalProperties"] is False
    assert made["properties"]["part"]["additionalProperties"] is False
    assert made["properties"]["part"]["properties"]["number"]["maximum"] == 9


def test_the_schema_asks_for_what_templates_cannot_do_without() -> None:
    made = schema(
        read(f"{VALUES}  # -- A name.\n  # @schema {{type: string, minLength: 1}}\n  name: a\n"), {}
    )
    assert made["required"] == ["part"]
    assert made["properties"]["part"]["required"] == ["number", "name"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: 1\n", "a has no text"), ("# -- A list.\na: []\n", "say what it takes with `# @schema`")],
)
def test_a_value_that_is_not_told_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValuesError, match=says):
        schema(read(text), {})


def test_a_fleet_in_the_values_is_one_of_the_definition() -> None:
    made = fleet(packaged.definition())
    assert "required" not in made
    assert made["additionalProperties"] is False
    headroom = made["properties"]["autoscaling"]["properties"]["headroom"]["properties"]
    assert headroom["answerSLO"]["exclusiveMinimum"] == 0.5
    assert headroom["minIdleSlots"]["minimum"] == 0
    template = made["properties"]["template"]["properties"]
    assert template["env"]["items"]["required"] == ["name"]
    assert template["resources"]["properties"]["requests"]["additionalProperties"]["type"]


def test_the_table_has_a_row_for_each_value_and_keeps_the_page_around_it() -> None:
    page = f"# A chart\n\n{readme.BEGIN}\nold\n{readme.END}\nthe end\n"
    made = readme.page(page, read(VALUES))
    assert "| `part.number` | a whole number from 1 to 9 | `1` | How many of it, on two" in made
    assert "Labels \\| of it." in made
    assert made.startswith("# A chart\n")
    assert made.endswith("the end\n")
    with pytest.raises(ValueError, match="put them back"):
        readme.page("# A chart\n", ())


def test_a_definition_that_helm_would_read_into_is_refused() -> None:
    with pytest.raises(ValueError, match="word it otherwise"):
        definition.template("metadata:\n  annotations:\n    a: '{{ b }}'\n")
    with pytest.raises(ValueError, match="no annotations"):
        definition.template("metadata: {}\n")


def test_rights_are_parted_by_where_they_hold() -> None:
    listed = [
        {"apiGroups": [""], "resources": [name], "verbs": ["get"]}
        for name in ("pods", "nodes", "leases")
    ]
    made = rights.templates(f"```yaml\n{yaml.safe_dump({'rules': listed})}```\n")
    parts = [part.split('" -}}\n') for part in made.split('{{- define "callfleet.rights.')[1:]]
    resources = {name: rules.split("resources: [")[1].split("]")[0] for name, rules in parts}
    assert resources == {"fleets": "pods", "lease": "leases", "cluster": "nodes"}
