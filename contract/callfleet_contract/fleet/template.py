"""What the workers of a fleet are: their pods and their persona. Pure.

Nothing here has a default in the schema, but in code: a revision is the hash of what the user
wrote, so a newer operator rolls no fleet.
"""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from callfleet_contract.fleet.kinds import (
    Annotations,
    Image,
    ImportPath,
    Labels,
    LongText,
    ObjectName,
    Part,
    Rule,
    Text,
)
from callfleet_contract.fleet.kubernetes import (
    Affinity,
    EnvVariable,
    Resources,
    Toleration,
    TopologySpread,
    Volume,
    VolumeMount,
)
from callfleet_contract.fleet.names import GROUP

SET_BY_OPERATOR = {
    "CALLFLEET_AGENT_NAME": "spec.agentName",
    "CALLFLEET_DRAIN__SECONDS": "spec.drain.maxCallSeconds",
    "CALLFLEET_SLOTS": "spec.slotsPerPod",
}
"""Settings of a worker that the operator has to know, and the field that says each."""
OF_EVERY_POD = ("state", "scratch")
"""Volumes that the operator gives every pod."""


class ImagePullPolicy(StrEnum):
    """When the image is pulled."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


def _left_to_the_field(variable: str, field: str) -> Rule:
    return Rule(
        f"!has(self.env) || self.env.all(each, each.name != '{variable}')",
        f"env sets {variable}, which the operator sets from {field}: set that in its place",
        ".env",
    )


def _without_our_prefix(field: str) -> Rule:
    ours = f"'{GROUP}/'"
    return Rule(
        f"!has(self.{field}) || self.{field}.all(key, !key.startsWith({ours}))",
        f"{field} has keys that begin with {GROUP}/, which only the operator sets: take out %s",
        f".{field}",
        (f"self.{field}.filter(key, key.startsWith({ours}))",),
    )


def _without_our_volumes() -> Rule:
    ours = ", ".join(f"'{name}'" for name in OF_EVERY_POD)
    return Rule(
        f"!has(self.volumes) || self.volumes.all(each, !(each.name in [{ours}]))",
        f"volumes has one named {' or '.join(OF_EVERY_POD)}, which every pod has already: give "
        "yours another name",
        ".volumes",
    )


class Persona(Part):
    """Who the agent is. What is unset is as the worker has it; see its settings."""

    instructions: LongText | None = Field(default=None, description="The model's instructions.")
    voice: Text | None = Field(default=None, description="Name of a Gemini voice.")
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="0 answers the same each time."
    )
    greeting: LongText | None = Field(
        default=None, description="What the agent is told to say first."
    )
    cut_off: LongText | None = Field(
        default=None, description="What it is told to say to a caller whose line was cut off."
    )
    language: Text | None = Field(default=None, description="BCP-47 code of the language spoken.")
    agent_class: ImportPath | None = Field(
        default=None, description="Import path of an Agent class with tools, in the image."
    )


class PodTemplate(Part):
    """What the pods are made of."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *(_left_to_the_field(variable, field) for variable, field in SET_BY_OPERATOR.items()),
        _without_our_prefix("labels"),
        _without_our_prefix("annotations"),
        _without_our_volumes(),
    )

    image: Image = Field(description="The worker's image.")
    image_pull_policy: ImagePullPolicy | None = Field(
        default=None, description="When the image is pulled; unset, as Kubernetes has it."
    )
    image_pull_secrets: tuple[ObjectName, ...] = Field(
        default=(),
        max_length=20,
        description="Secrets that the image is pulled with.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    secrets: tuple[ObjectName, ...] = Field(
        default=(),
        max_length=20,
        json_schema_extra={"x-kubernetes-list-type": "set"},
        description="Secrets whose keys become environment variables: LIVEKIT_URL, "
        "LIVEKIT_API_KEY, LIVEKIT_API_SECRET and GOOGLE_API_KEY, or any setting of the worker.",
    )
    env: tuple[EnvVariable, ...] = Field(
        default=(),
        max_length=200,
        description="Environment variables, as a container has them: any setting of the worker.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    volumes: tuple[Volume, ...] = Field(
        default=(),
        max_length=20,
        description="Volumes beside those that every pod has: certificates, credentials.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    volume_mounts: tuple[VolumeMount, ...] = Field(
        default=(),
        max_length=20,
        description="Where they are in the container.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["mountPath"],
        },
    )
    resources: Resources | None = Field(
        default=None, description="Requests and limits. Two cores and 1 GiB carry ten calls."
    )
    node_selector: Labels | None = Field(default=None, description="Labels that a node needs.")
    tolerations: tuple[Toleration, ...] = Field(
        default=(), max_length=50, description="Taints that are borne."
    )
    affinity: Affinity | None = Field(default=None, description="Node and pod affinity.")
    topology_spread_constraints: tuple[TopologySpread, ...] = Field(
        default=(), max_length=10, description="How pods spread over zones and nodes."
    )
    priority_class_name: ObjectName | None = Field(
        default=None, description="Priority of the pods."
    )
    service_account_name: ObjectName | None = Field(
        default=None, description="Service account; workers ask nothing of the API."
    )
    labels: Labels | None = Field(default=None, description="More labels of the pods.")
    annotations: Annotations | None = Field(
        default=None, description="More annotations of the pods."
    )
