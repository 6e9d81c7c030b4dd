"""Write a chart's values.schema.json: what values.yaml says, and unknown keys refused. Pure."""

import copy
from collections.abc import Mapping
from typing import Any

from callfleet_charts.values import Schema, Value, ValuesError

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema(values: tuple[Value, ...], definitions: Mapping[str, Schema]) -> Schema:
    """Make the schema of a chart; ``definitions`` are what its values refer to.

    Raises:
        ValuesError: a value has no text, or its default says not what it takes.

    """
    made = _section({}, "")
    # Helm hands these to every chart that another one depends on.
    made["properties"]["global"] = {"type": "object"}
    for value in values:
        if not value.text:
            message = f"{value.name} has no text: write a comment that begins with `# --` above it"
            raise ValuesError(message)
        parent = _parent(made, value)
        parent["properties"][value.path[-1]] = _of(value)
        if _is_needed(value):
            parent.setdefault("required", []).append(value.path[-1])
    given = {"$defs": dict(definitions)} if definitions else {}
    return {"$schema": _DRAFT, **made, **given}


def fleet(definition: Mapping[str, Any]) -> Schema:
    """Take what a fleet's spec may say from the CustomResourceDefinition.

    Nothing has to be said, because the chart says what is missing; what is misspelt is refused.
    """
    (version,) = definition["spec"]["versions"]
    spec: Schema = _converted(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    spec.pop("required", None)
    spec["properties"]["template"].pop("required", None)
    return spec


def takes(value: Value) -> Schema:
    """Say what a value takes: what was said, or what its default is.

    Raises:
        ValuesError: its default says not what it takes.

    """
    if value.schema is not None:
        return value.schema
    kinds: dict[type, str] = {bool: "boolean", str: "string", int: "integer", float: "number"}
    kind = kinds.get(type(value.default))
    if kind is None:
        message = f"{value.name} is {value.default!r}: say what it takes with `# @schema`"
        raise ValuesError(message)
    return {"type": kind}


def _is_needed(value: Value) -> bool:
    """Tell what templates cannot do without.

    Helm adds the default of each value, so one is missing only where ``null`` took it away, or
    ``--reuse-values`` brought those of a chart that had it not yet: it is refused by its name.
    """
    if value.is_section:
        return True
    told = takes(value)
    at_least_one = any(least in told for least in ("minLength", "minItems", "minProperties"))
    return at_least_one or told.get("type") == "integer" or "" not in told.get("enum", [""])


def _of(value: Value) -> Schema:
    if value.is_section:
        return _section({}, value.text)
    return {"description": value.text, **copy.deepcopy(takes(value))}


def _section(properties: Schema, text: str) -> Schema:
    described = {"description": text} if text else {}
    return {**described, "type": "object", "additionalProperties": False, "properties": properties}


def _parent(made: Schema, value: Value) -> Schema:
    for name in value.path[:-1]:
        made = made["properties"][name]
    return made


def _converted(part: Any) -> Any:
    """Write a part of an OpenAPI schema of Kubernetes as JSON Schema."""
    if isinstance(part, list):
        return [_converted(one) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("x-kubernetes-int-or-string"):
        return {"description": part.get("description", ""), "type": ["integer", "string"]}
    kept = {name: _converted(inner) for name, inner in part.items() if not _is_foreign(name)}
    if "properties" in part:
        fields = {name: _converted(inner) for name, inner in part["properties"].items()}
        kept |= {"type": "object", "properties": fields, "additionalProperties": False}
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if kept.get(bound) is True:
            kept[bound] = kept.pop(limit)
    return kept


def _is_foreign(name: str) -> bool:
    """Tell what says nothing to a JSON Schema, or is not said by one."""
    return name in {"default", "format"} or name.startswith("x-kubernetes-")
