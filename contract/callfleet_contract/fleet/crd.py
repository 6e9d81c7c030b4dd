"""The CustomResourceDefinition of a ``VoiceFleet``, made from its model. Pure."""

from typing import Any, Final

from callfleet_contract.fleet import names
from callfleet_contract.fleet.kinds import RULES_KEY, Rule
from callfleet_contract.fleet.schema import schema_of
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import FleetStatus

MOST_NAME_CHARACTERS: Final = 45
"""Of a fleet's name: a label holds 63, and names of pods add their revision and their own end."""

_NAME: Final = Rule(
    f"size(self.metadata.name) <= {MOST_NAME_CHARACTERS}",
    f"metadata.name is %s, which is %s characters long: take at most {MOST_NAME_CHARACTERS}, so "
    "that pods can be named after it",
    values=("self.metadata.name", "size(self.metadata.name)"),
)
_COLUMNS: Final = (
    ("Accepting", "integer", ".status.accepting", "Pods whose worker takes calls."),
    ("Draining", "integer", ".status.draining", "Pods whose calls may finish, and go then."),
    ("Calls", "integer", ".status.calls", "Calls in progress."),
    ("Slots", "integer", ".status.slots", "Calls that accepting workers hold at once."),
    ("Desired", "integer", ".status.desired", "Accepting pods that are wanted."),
    ("Why", "string", ".status.why", "What decides the size, or keeps it."),
    ("Age", "date", ".metadata.creationTimestamp", "Since when there is the fleet."),
)
_WIDE_COLUMNS: Final = (
    ("Mode", "string", ".spec.autoscaling.mode", "Who decides the size."),
    ("Starting", "integer", ".status.starting", "Pods whose worker will soon take calls."),
    ("Free", "integer", ".status.freeSlots", "Slots that are free."),
    ("Limited", "string", ".status.limitedBy", "What keeps the size from what was wanted."),
    ("Fresh", "integer", ".status.freshPercent", "Share of workers that are heard."),
    ("Rollout", "string", ".status.rollout.phase", "Where the rollout stands."),
    ("Message", "string", ".status.message", "What decides the size, in a sentence."),
)


def crd(number: int) -> dict[str, Any]:
    """Write the definition. ``number`` is its age: each change of it has a larger one."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": names.CRD_NAME,
            "annotations": {names.SCHEMA_ANNOTATION: str(number)},
        },
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.SINGULAR,
                "shortNames": [names.SHORT],
                # Who looks at pods with `kubectl get all` sees whose they are.
                "categories": ["all"],
            },
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _object()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            *(_column(column, 0) for column in _COLUMNS),
            *(_column(column, 1) for column in _WIDE_COLUMNS),
        ],
    }


def _object() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "A fleet of voice agents on LiveKit: workers that hold calls, of which none "
        "is ended by scaling, rolling or draining.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {
                "type": "string",
                "description": f"Version of the resource, {names.API_VERSION}.",
            },
            "kind": {"type": "string", "description": f"Kind of the resource, {names.KIND}."},
            "metadata": {"type": "object"},
            "spec": {
                **schema_of(FleetSpec, with_defaults=True),
                "description": "What the fleet is to be.",
            },
            "status": {
                **schema_of(FleetStatus, with_defaults=False),
                "description": "What is true of the fleet, as the operator last saw it.",
            },
        },
        RULES_KEY: [_NAME.written()],
    }


def _column(column: tuple[str, str, str, str], priority: int) -> dict[str, Any]:
    name, kind, path, description = column
    return {
        "name": name,
        "type": kind,
        "jsonPath": path,
        "description": description,
        "priority": priority,
    }
