"""The resource of our own, as the typed client knows it."""

from typing import Any, cast

from lightkube.generic_resource import (
    GenericNamespacedResource,
    GenericNamespacedStatus,
    create_namespaced_resource,
)

from callfleet_contract.fleet import names

VoiceFleet = create_namespaced_resource(names.GROUP, names.VERSION, names.KIND, names.PLURAL)


def as_raw(fleet: GenericNamespacedResource | GenericNamespacedStatus) -> dict[str, Any]:
    """Give a fleet as kopf has it: a plain description."""
    return cast("dict[str, Any]", fleet.to_dict())  # type: ignore[no-untyped-call]  # upstream gives it no types
