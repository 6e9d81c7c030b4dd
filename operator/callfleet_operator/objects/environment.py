"""What a worker is told by its fleet, as environment variables. Pure.

The operator counts on some of them: those win over what a template says. Of the others the
template's win.
"""

import math
from typing import Any

from callfleet_contract.fleet import names
from callfleet_contract.fleet.spec import FleetSpec, Persona
from callfleet_operator.objects.reading import KEYS_VARIABLE

CLOSE_VARIABLE = "CALLFLEET_DRAIN__CLOSE_SECONDS"
DEFAULT_CLOSE_SECONDS = 10.0
WRITABLE_FOLDER = "/tmp"  # noqa: S108 - a folder of the pod's own, in its memory or on its node
_PERSONA = {
    "instructions": "CALLFLEET_PERSONA__INSTRUCTIONS",
    "voice": "CALLFLEET_PERSONA__VOICE",
    "temperature": "CALLFLEET_PERSONA__TEMPERATURE",
    "greeting": "CALLFLEET_PERSONA__GREETING",
    "cut_off": "CALLFLEET_PERSONA__CUT_OFF",
    "language": "CALLFLEET_PERSONA__LANGUAGE",
    "agent_class": "CALLFLEET_AGENT_CLASS",
}


def environment(
    shape: FleetSpec, fleet_name: str, agent_name: str, keys: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Give the variables of a worker, as a container has them, sorted but for the template's."""
    ours = _counted_on(shape, agent_name, keys)
    rest = _may_be_set(shape)
    given = [dict(one) for one in shape.template.env if one.get("name") not in ours]
    for one in given:
        rest.pop(str(one.get("name")), None)
    values = [{"name": name, "value": value} for name, value in sorted((ours | rest).items())]
    return [
        _from_pod("CALLFLEET_ADMISSION__POD_UID", "metadata.uid"),
        _from_pod("POD_NAME", "metadata.name"),
        *(one for one in _whereabouts(fleet_name) if not _names(given, one["name"])),
        *values,
        *(one for one in given if one["name"] not in _FROM_POD),
    ]


def overruled(shape: FleetSpec) -> tuple[str, ...]:
    """Name the variables of the template that are not heeded."""
    ours = {*_counted_on(shape, "", ()), *_FROM_POD}
    return tuple(str(one["name"]) for one in shape.template.env if one.get("name") in ours)


def close_seconds(shape: FleetSpec) -> float:
    """Say how long a call that is cut may take to close, as the worker will have it."""
    for one in reversed(shape.template.env):
        if one.get("name") == CLOSE_VARIABLE:
            try:
                told = float(one.get("value") or DEFAULT_CLOSE_SECONDS)
            except ValueError:
                break
            return told if math.isfinite(told) else DEFAULT_CLOSE_SECONDS
    return DEFAULT_CLOSE_SECONDS


def _whereabouts(fleet_name: str) -> list[dict[str, Any]]:
    """Say where a worker is, for its log lines and for what it sends to a collector.

    None of it is a setting of the worker's: one of another version would not start with a setting
    that it does not know.
    """
    return [
        _from_pod("POD_NAMESPACE", "metadata.namespace"),
        _from_pod("POD_UID", "metadata.uid"),
        _from_pod("NODE_NAME", "spec.nodeName"),
        {"name": "CONTAINER_NAME", "value": names.WORKER_CONTAINER},
        {"name": "FLEET_NAME", "value": fleet_name},
    ]


def _from_pod(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _names(given: list[dict[str, Any]], name: str) -> bool:
    return any(one.get("name") == name for one in given)


_FROM_POD = ("CALLFLEET_ADMISSION__POD_UID", "POD_NAME")


def _counted_on(shape: FleetSpec, agent_name: str, keys: tuple[str, ...]) -> dict[str, str]:
    return {
        "CALLFLEET_ADMISSION__PORT": str(names.ADMISSION_PORT),
        "CALLFLEET_ADMISSION__STATE_FOLDER": names.STATE_FOLDER,
        "CALLFLEET_AGENT_NAME": agent_name,
        "CALLFLEET_DRAIN__SECONDS": str(shape.max_call_seconds),
        "CALLFLEET_HTTP__PORT": str(names.HTTP_PORT),
        "CALLFLEET_SLOTS": str(shape.slots),
        KEYS_VARIABLE: ",".join(keys),
    }


def _may_be_set(shape: FleetSpec) -> dict[str, str]:
    said = {"HOME": WRITABLE_FOLDER, "TMPDIR": WRITABLE_FOLDER}
    if shape.livekit_url is not None:
        said["LIVEKIT_URL"] = shape.livekit_url
    persona = shape.persona or Persona()
    for field, variable in _PERSONA.items():
        value = getattr(persona, field)
        if value is not None:
            said[variable] = str(value)
    return said
