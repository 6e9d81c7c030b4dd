"""The kinds of values that a fleet's description is made of, and of its rules. Pure."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue

RULES_KEY = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule of the schema: what must hold, and what to say where it does not.

    A rule that names ``oldSelf`` is about a change, and is not asked of a new object. ``path``
    names the field. ``values`` are expressions, one for each ``%s`` in the message. (Of one that is
    put together with ``+`` the API server thinks that it has no end, and refuses the rule.)
    """

    holds: str
    message: str
    path: str = ""
    values: tuple[str, ...] = ()

    def written(self) -> dict[str, str]:
        """Write it as the schema has it."""
        text = f"'{self.message}'"
        if self.values:
            text += f".format([{', '.join(self.values)}])"
        said = {"rule": self.holds, "messageExpression": text}
        return {**said, "fieldPath": self.path} if self.path else said


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a text: the pattern it has to match, what that is called, and one that does.

    A ``pattern`` of the schema would answer with the pattern alone; this says what to write.
    """

    pattern: str
    what: str
    example: str

    def __get_pydantic_core_schema__(self, kind: Any, ask: GetCoreSchemaHandler) -> Any:
        return AfterValidator(self._checked).__get_pydantic_core_schema__(kind, ask)

    def __get_pydantic_json_schema__(self, core: Any, ask: GetJsonSchemaHandler) -> JsonSchemaValue:
        rule = Rule(
            f"self.matches(r'{self.pattern}')",
            f'"%s" is no {self.what}: write one like {self.example}',
            values=("self",),
        )
        return {**ask(core), RULES_KEY: [rule.written()]}

    def _checked(self, text: str) -> str:
        if not re.search(self.pattern, text):
            message = f'"{text}" is no {self.what}: write one like {self.example}'
            raise ValueError(message)
        return text


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
IntOrPercent = Annotated[int | str, Field(json_schema_extra={"x-kubernetes-int-or-string": True})]
Anything = Annotated[
    dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
]
"""An object of Kubernetes' own, which the API server checks when the pod is made."""

Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024),
    Shape("^(ws|wss|http|https)://[^/ ]+", "LiveKit address", "wss://livekit.example.com"),
]
ObjectName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    Shape("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "name of an object", "gemini-key"),
]
ImportPath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    Shape(
        "^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$",
        "import path of a class",
        "my_agents.orders:OrdersAgent",
    ),
]
Image = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024),
    Shape("^[^ ]+$", "image", "registry.example.com/callfleet-worker:1.0.0"),
]
Labels = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=63)]], Field(max_length=64)
]
Annotations = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=16_384)]], Field(max_length=64)
]
