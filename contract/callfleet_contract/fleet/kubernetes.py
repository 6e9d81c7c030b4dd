"""Objects of Kubernetes' own that a pod template takes: as plain data, with a schema. Pure.

Only their shape is said here, so that a misspelt field is refused with the fleet and not dropped
from its pods. What their values mean is Kubernetes' to judge when the pod is made.
"""

from typing import Annotated, Any, Final

from pydantic import Field

Schema = dict[str, Any]

_QUANTITY: Final[Schema] = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
    "description": "A quantity, such as 500m or 1Gi.",
}


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _one_of(description: str, *values: str) -> Schema:
    return {"type": "string", "description": description, "enum": list(values)}


def _seen(description: str) -> Schema:
    """Describe an object that is passed on as it is."""
    return {
        "type": "object",
        "description": description,
        "x-kubernetes-preserve-unknown-fields": True,
    }


def _amounts(description: str) -> Schema:
    return {"type": "object", "description": description, "additionalProperties": _QUANTITY}


_ENV: Final[Schema] = {
    "required": ["name"],
    "properties": {
        "name": {**_text("Name of the variable."), "minLength": 1, "maxLength": 253},
        "value": {**_text("Its value."), "maxLength": 32_768},
        "valueFrom": _seen("Where its value is taken from: a key of a secret or a config map."),
    },
}
_RESOURCES: Final[Schema] = {
    "properties": {
        "requests": _amounts("What a node has to have free."),
        "limits": _amounts("What a worker gets at most. A limit of CPU makes speech stutter."),
    }
}
_TOLERATION: Final[Schema] = {
    "properties": {
        "key": _text("Key of the taint; unset, any."),
        "operator": _text("Exists, or Equal to value."),
        "value": _text("Value of the taint."),
        "effect": _one_of(
            "Effect of the taint; unset, any.", "NoSchedule", "PreferNoSchedule", "NoExecute"
        ),
        "tolerationSeconds": {
            "type": "integer",
            "format": "int64",
            "description": "How long NoExecute is borne; unset, for ever.",
        },
    }
}
_SPREAD: Final[Schema] = {
    "required": ["maxSkew", "topologyKey", "whenUnsatisfiable"],
    "properties": {
        "maxSkew": {
            "type": "integer",
            "format": "int32",
            "minimum": 1,
            "description": "How many pods one place may have more than another.",
        },
        "topologyKey": _text("Label of nodes whose values are the places."),
        "whenUnsatisfiable": _one_of(
            "What to do with a pod that would be one too many.", "DoNotSchedule", "ScheduleAnyway"
        ),
        "labelSelector": _seen("Pods that are counted."),
        "matchLabelKeys": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Labels of the pod whose values the counted ones share.",
        },
        "minDomains": {
            "type": "integer",
            "format": "int32",
            "minimum": 1,
            "description": "How many places there have to be.",
        },
        "nodeAffinityPolicy": _one_of(
            "Whether nodes that affinity rules out count.", "Honor", "Ignore"
        ),
        "nodeTaintsPolicy": _one_of("Whether tainted nodes count.", "Honor", "Ignore"),
    },
}
_AFFINITY: Final[Schema] = {
    "properties": {
        "nodeAffinity": _seen("Nodes that are wanted."),
        "podAffinity": _seen("Pods to be near to."),
        "podAntiAffinity": _seen("Pods to be away from."),
    }
}
_VOLUME: Final[Schema] = {
    "required": ["name"],
    "properties": {
        "name": {**_text("Its name."), "minLength": 1, "maxLength": 63},
        "configMap": _seen("Keys of a config map as files."),
        "secret": _seen("Keys of a secret as files."),
        "projected": _seen("Several of these in one, and tokens of the service account."),
        "csi": _seen("What a driver mounts for this pod alone."),
        "emptyDir": _seen("An empty folder that lives as long as its pod."),
        "persistentVolumeClaim": _seen("A claim; all pods of the fleet mount the same one."),
    },
}
_MOUNT: Final[Schema] = {
    "required": ["name", "mountPath"],
    "properties": {
        "name": {**_text("Name of the volume."), "minLength": 1, "maxLength": 63},
        "mountPath": {**_text("Where it is in the container."), "minLength": 1, "maxLength": 1024},
        "subPath": _text("The part of the volume that is mounted; unset, all of it."),
        "readOnly": {"type": "boolean", "description": "Whether it cannot be written to."},
    },
}

EnvVariable = Annotated[dict[str, Any], Field(json_schema_extra=_ENV)]
Resources = Annotated[dict[str, Any], Field(json_schema_extra=_RESOURCES)]
Toleration = Annotated[dict[str, Any], Field(json_schema_extra=_TOLERATION)]
TopologySpread = Annotated[dict[str, Any], Field(json_schema_extra=_SPREAD)]
Affinity = Annotated[dict[str, Any], Field(json_schema_extra=_AFFINITY)]
Volume = Annotated[dict[str, Any], Field(json_schema_extra=_VOLUME)]
VolumeMount = Annotated[dict[str, Any], Field(json_schema_extra=_MOUNT)]
