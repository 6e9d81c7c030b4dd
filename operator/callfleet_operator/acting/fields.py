"""The patches that acting makes, as plain data. No I/O."""

from typing import Any

from callfleet_contract.fleet import names
from callfleet_operator.objects.cordons import write_cordon
from callfleet_operator.planning.snapshot import Cordon, Pod


def cordon_patch(pod: Pod, cordon: Cordon) -> dict[str, Any]:
    """Write an order and its label in one patch, if the pod still is as it was seen."""
    return {
        "metadata": {
            **_as_seen(pod),
            "annotations": {names.CORDON_ANNOTATION: write_cordon(cordon)},
            "labels": {names.ACCEPTING_LABEL: _accepting(not cordon.cordoned)},
        }
    }


def label_patch(pod: Pod, *, accepting: bool) -> dict[str, Any]:
    """Write the label alone, if the pod still is as it was seen."""
    labels = {names.ACCEPTING_LABEL: _accepting(accepting)}
    return {"metadata": {**_as_seen(pod), "labels": labels}}


def _as_seen(pod: Pod) -> dict[str, str]:
    return {"uid": pod.uid, "resourceVersion": pod.resource_version}


def _accepting(accepting: bool) -> str:
    return "true" if accepting else "false"
