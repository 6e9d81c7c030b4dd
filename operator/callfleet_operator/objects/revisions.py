"""What shapes a fleet's pods, its hash, and how it is kept. Pure.

The hash is over what the user wrote, without any default: an operator that fills in others rolls
no fleet.
"""

import hashlib
import json
from typing import Any

from lightkube.resources.apps_v1 import ControllerRevision

from callfleet_contract.fleet import names
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_operator.objects.making import make
from callfleet_operator.objects.owners import owner_reference
from callfleet_operator.objects.seen import SeenFleet, SeenRevision

_HASH_CHARACTERS = 10


def shape_of(spec: FleetSpec) -> dict[str, Any]:
    """Take out of a spec what the user wrote that shapes pods."""
    written = spec.model_dump(
        mode="json",
        by_alias=True,
        exclude_unset=True,
        exclude_none=True,
        include={
            "agent_name": True,
            "livekit_url": True,
            "slots_per_pod": True,
            "drain": {"max_call_seconds"},
            "persona": True,
            "template": True,
        },
    )
    shape = _without_empty(written)
    return shape if isinstance(shape, dict) else {}


def revision_name(spec: FleetSpec) -> str:
    """Name the revision of a spec: the same words give the same name."""
    canonical = json.dumps(
        shape_of(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:_HASH_CHARACTERS]


def build_revision(fleet: SeenFleet, spec: FleetSpec, number: int) -> ControllerRevision:
    """Make the object that keeps a revision, so that pods can be made of it when it is old."""
    name = revision_name(spec)
    return make(
        ControllerRevision,
        {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": f"{fleet.key.name}-{name}",
                "namespace": fleet.key.namespace,
                "labels": {
                    names.FLEET_LABEL: fleet.key.name,
                    names.REVISION_LABEL: name,
                    "app.kubernetes.io/managed-by": "callfleet-operator",
                },
                "ownerReferences": [owner_reference(fleet.key, fleet.uid)],
            },
            "revision": number,
            "data": shape_of(spec),
        },
    )


def superfluous(
    kept: tuple[SeenRevision, ...], used: frozenset[str], limit: int
) -> tuple[SeenRevision, ...]:
    """Choose which revisions need not be kept: unused ones beyond the limit, oldest first."""
    unused = sorted(
        (one for one in kept if one.name not in used), key=lambda one: one.number, reverse=True
    )
    return tuple(reversed(unused[limit:]))


def _without_empty(value: Any) -> Any:
    """Leave out ``env: []`` and the like: it says the same as nothing."""
    if isinstance(value, dict):
        kept = {name: _without_empty(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in ({}, [])}
    return value
