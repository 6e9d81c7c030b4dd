"""The values that the charts are installed with on a cluster of one's own. No clock, no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callfleet_tools.evaluation.given import FLEET, LIVEKIT, Evaluation

Values = dict[str, Any]

_SERVER = {"requests": {"cpu": "250m", "memory": "128Mi"}}
_WORKER = {"requests": {"cpu": "250m", "memory": "256Mi"}}
_CALLERS = {"requests": {"cpu": "300m", "memory": "256Mi"}}
_MOST_WORKERS = 3
"""Two cores are all that some machines have, and all of this, these workers included, is to find a
place on them. What asks for nothing gets nothing where these are busy, and then calls stutter."""


@dataclass(frozen=True, slots=True)
class Keys:
    """How LiveKit is spoken to."""

    api_key: str
    api_secret: str


def livekit(images: Mapping[str, str], node: str) -> Values:
    """Say how LiveKit is installed."""
    return {
        "server": {"image": image(images["livekit-server"]), "resources": _SERVER},
        "redis": {"image": image(images["redis"])},
        **_on(node),
    }


def callfleet(images: Mapping[str, str], node: str, keys: Keys, *, fleet: bool) -> Values:
    """Say how operator and emulator are installed, and a fleet where one is wanted."""
    return {
        "operator": {"image": image(images["operator"]), **_on(node)},
        "emulator": {"enabled": True, **_on(node)},
        "fleets": {FLEET: {"autoscaling": {"maxReplicas": _MOST_WORKERS}}} if fleet else {},
        **_calls(images, keys),
    }


def beside(evaluation: Evaluation) -> Values:
    """Say how one more release is installed: fleets of its own, and an emulator of its own."""
    keys = Keys(evaluation.api_key, evaluation.api_secret)
    return {
        "crds": {"enabled": False},
        "operator": {"enabled": False},
        "emulator": {"enabled": True},
        **_calls(evaluation.images, keys),
    }


def image(reference: str) -> Values:
    """Say of one role which image it has: one that is on the nodes, as no registry is asked."""
    repository, _, tag = reference.rpartition(":")
    return {"repository": repository, "tag": tag, "pullPolicy": "Never"}


def _calls(images: Mapping[str, str], keys: Keys) -> Values:
    return {
        "worker": {"image": image(images["worker"])},
        "test": {"image": image(images["rehearsal"]), "resources": _CALLERS},
        "fleetDefaults": {"template": {"resources": _WORKER}},
        "livekit": {
            "url": f"ws://{LIVEKIT}.{LIVEKIT}.svc:7880",
            "apiKey": keys.api_key,
            "apiSecret": keys.api_secret,
        },
    }


def _on(node: str) -> Values:
    return {"nodeSelector": {"kubernetes.io/hostname": node}}
