"""The kinds of values that a fleet's description is made of, and of its rules. Pure."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule of the schema: what must hold, and what to say where it does not.

    ``message`` is a CEL expression, so that it can hold the value that was given. A rule that names
    ``oldSelf`` is about a change, and is not asked of a new object. ``path`` names the field.
    """

    holds: str
    message: str
    path: str = ""


class Part(BaseModel):
    """A part of the resource: frozen, camelCase outside.

    A name that it does not know is passed over: the API server drops what its schema does not
    know, and an operator may be older than the schema.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        protected_namespaces=(),
    )
    rules: ClassVar[tuple[Rule, ...]] = ()


Text = Annotated[str, StringConstraints(min_length=1, max_length=253)]
LongText = Annotated[str, StringConstraints(max_length=32768)]
Percent = Annotated[int, Field(ge=1, le=100)]
IntOrPercent = Annotated[
    int | str,
    Field(
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "pattern": r"^(100|[1-9]?[0-9])%$",
        }
    ),
]
Anything = Annotated[
    dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
]
"""An object of Kubernetes' own, which the API server checks when the pod is made."""
