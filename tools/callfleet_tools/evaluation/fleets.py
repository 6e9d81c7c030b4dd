"""Fleets of one's own on a furnished cluster, as objects of any namespace. No clock, no network."""

from typing import Any

from callfleet_tools.evaluation.given import Evaluation

Object = dict[str, Any]

NEEDS = "evaluation"
"""Name of the Secret and of the ConfigMap that a fleet's pods are told everything by."""
_CA_FOLDER = "/etc/callfleet/emulator"
_CA_NAME = "ca.crt"
_REQUESTED = {"requests": {"cpu": "100m", "memory": "128Mi"}}
"""Little, so that many find a place. Asking for nothing they would get nothing from a busy node."""


def needs(evaluation: Evaluation) -> list[Object]:
    """Say what a namespace has to have before a fleet in it can answer calls."""
    environment = {
        "LIVEKIT_URL": evaluation.livekit_url,
        "LIVEKIT_API_KEY": evaluation.api_key,
        "LIVEKIT_API_SECRET": evaluation.api_secret,
        "GOOGLE_API_KEY": "any",
        "CALLFLEET_MODEL__BASE_URL": evaluation.emulator_url,
        "CALLFLEET_MODEL__CA_FILE": f"{_CA_FOLDER}/{_CA_NAME}",
        "CALLFLEET_MODEL__PROFILE": "ideal",
    }
    metadata = {"name": NEEDS}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": environment},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {_CA_NAME: evaluation.emulator_ca},
        },
    ]


def template(evaluation: Evaluation, **more: Any) -> Object:
    """Say what the pods of such a fleet are made of; ``more`` are fields in place of these."""
    return {
        "image": evaluation.images["worker"],
        "imagePullPolicy": "Never",
        "secrets": [NEEDS],
        "volumes": [{"name": NEEDS, "configMap": {"name": NEEDS}}],
        "volumeMounts": [{"name": NEEDS, "mountPath": _CA_FOLDER, "readOnly": True}],
        "resources": _REQUESTED,
        **more,
    }


def fleet(evaluation: Evaluation, name: str, **spec: Any) -> Object:
    """Write a whole fleet; ``spec`` are its fields, ``template`` too where that is one's own."""
    return {
        "apiVersion": "callfleet.dev/v1alpha1",
        "kind": "VoiceFleet",
        "metadata": {"name": name},
        "spec": {"template": template(evaluation), **spec},
    }
