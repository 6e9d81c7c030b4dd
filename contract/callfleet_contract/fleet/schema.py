"""Turn the typed model into the structural schema that a CustomResourceDefinition holds. Pure.

Structural means: every value has one type, nothing refers to anything else, and nothing is null.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from callfleet_contract.fleet.kinds import RULES_KEY, Part

Schema = dict[str, Any]

_REFERENCE = "#/$defs/"
_OF_ITS_FIELDS: Schema = {}
"""Stands for the default of a part until those of its fields are known."""
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


def schema_of(part: type[Part], *, with_defaults: bool) -> Schema:
    """Write the structural schema of a part, with its rules.

    ``with_defaults``: what has a default is filled in by the API server. What the model leaves
    unset (None, or an empty list) has none, however.
    """
    written = part.model_json_schema(by_alias=True, schema_generator=_Generator)
    return _structural(written, written.get("$defs", {}), with_defaults=with_defaults)


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, with rules, and without null: what is unset is not there at all."""

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        written = super().model_schema(schema)
        part = schema["cls"]
        if issubclass(part, Part) and part.rules:
            written[RULES_KEY] = [rule.written() for rule in part.rules]
        return written

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        written = super().default_schema(schema)
        if written.get("default") in (None, []):
            written.pop("default", None)
        if "default_factory" in schema:
            written["default"] = _OF_ITS_FIELDS
        return written


def _structural(written: Schema, known: Schema, *, with_defaults: bool) -> Schema:
    if "$ref" in written:
        beside = {key: value for key, value in written.items() if key != "$ref"}
        written = {**known[written["$ref"].removeprefix(_REFERENCE)], **beside}
    made: Schema = {}
    for key, value in written.items():
        if key in ("title", "$defs") or (key == "default" and not with_defaults):
            continue
        if key == "description":
            made[key] = " ".join(value.split()).replace("``", "`")
        elif key == "properties":
            made[key] = {
                name: _structural(each, known, with_defaults=with_defaults)
                for name, each in value.items()
            }
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            made[key] = _structural(value, known, with_defaults=with_defaults)
        elif key in _BOUNDS:
            # As OpenAPI 3.0 writes it: the bound, and that it is not reached.
            made[_BOUNDS[key]] = value
            made[key] = True
        elif key != "additionalProperties":
            made[key] = value
    if made.get("default") == _OF_ITS_FIELDS:
        # In full: the API server judges a default by the rules before it fills anything in.
        fields = made["properties"].items()
        made["default"] = {name: each["default"] for name, each in fields if "default" in each}
    return made
