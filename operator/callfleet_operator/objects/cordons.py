"""The order that is written on a pod: read it, write it."""

import json
from typing import Any

from callfleet_operator.planning.snapshot import Cordon


def write_cordon(cordon: Cordon) -> str:
    """Write the annotation's value."""
    return json.dumps(
        {
            "epoch": cordon.epoch,
            "cordoned": cordon.cordoned,
            "reason": cordon.reason,
            "since": round(cordon.since, 3),
        },
        separators=(",", ":"),
    )


def read_cordon(text: str | None) -> Cordon | None:
    """Read it; what somebody edited past recognition is none, and is written anew."""
    if not text:
        return None
    try:
        told: Any = json.loads(text)
        epoch, cordoned = told["epoch"], told["cordoned"]
        since = float(told.get("since", 0.0))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if type(epoch) is not int or epoch < 1 or type(cordoned) is not bool:
        return None
    return Cordon(epoch, cordoned, str(told.get("reason", "")), since)
