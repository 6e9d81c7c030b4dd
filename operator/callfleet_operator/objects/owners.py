"""Say whose an object is: what a fleet owns goes with it. Pure."""

from typing import Any

from callfleet_contract.fleet import names
from callfleet_operator.objects.seen import Key


def owner_reference(fleet: Key, uid: str) -> dict[str, Any]:
    """Name a fleet as the controller of an object, which does not hold up the fleet's deletion."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "name": fleet.name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
