"""Make a container's environment and command line as a kubelet does. Pure."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kubelet_spec import (
    BeyondStandInError,
    ConfigError,
    Image,
    Object,
    Place,
    container_of,
)

Source = tuple[str, str]
"""Kind and name of an object that a container takes values from."""

_VARIABLE = re.compile(r"\$(\$|\(([A-Za-z_.][-A-Za-z0-9_.]*)\))")


def sources_of(pod: Object) -> set[Source]:
    """Name the secrets and config maps that its environment is taken from."""
    container = container_of(pod)
    found = set()
    for each in container.get("envFrom", []):
        found |= {(kind, each[kind]["name"]) for kind in _kinds(each, "Ref")}
    for each in container.get("env", []):
        taken = each.get("valueFrom", {})
        found |= {(kind, taken[kind]["name"]) for kind in _kinds(taken, "KeyRef")}
    return {(_kind_of(kind), name) for kind, name in found}


def environment(
    pod: Object, place: Place, image: Image, there: Mapping[Source, Mapping[str, str] | None]
) -> dict[str, str]:
    """Make the environment: the image's own, then what is taken whole, then single variables.

    Raises:
        ConfigError: an object or a key that is needed is not there.

    """
    container = container_of(pod)
    made = {**image.environment, **dict.fromkeys(image.listens_by, place.pod_ip)}
    for each in container.get("envFrom", []):
        for kind in _kinds(each, "Ref"):
            values = _values(each[kind], _kind_of(kind), there)
            made.update({each.get("prefix", "") + key: value for key, value in values.items()})
    for each in container.get("env", []):
        value = _value(pod, each, place, there)
        if value is not None:
            made[each["name"]] = expanded(value, made)
    return {name: _moved(value, place.mounts) for name, value in made.items()}


def command(pod: Object, image: Image, variables: Mapping[str, str]) -> list[str]:
    """Make the command line: the container's own where it has one, else the image's."""
    container = container_of(pod)
    words = [*container.get("command", image.entrypoint), *container.get("args", [])]
    return [expanded(word, variables) for word in words]


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in the place of ``$(NAME)``, as Kubernetes does; unknown ones stay."""

    def put(found: "re.Match[str]") -> str:
        name = found[2]
        return "$" if name is None else variables.get(name, found[0])

    return _VARIABLE.sub(put, text)


def _kinds(told: Object, ending: str) -> Iterator[str]:
    return (key for key in told if key in (f"secret{ending}", f"configMap{ending}"))


def _kind_of(reference: str) -> str:
    return "secrets" if reference.startswith("secret") else "configmaps"


def _values(
    reference: Object, kind: str, there: Mapping[Source, Mapping[str, str] | None]
) -> Mapping[str, str]:
    values = there.get((kind, reference["name"]))
    if values is None and not reference.get("optional"):
        message = f'{kind.removesuffix("s")} "{reference["name"]}" not found'
        raise ConfigError(message)
    return values or {}


def _value(
    pod: Object,
    variable: Object,
    place: Place,
    there: Mapping[Source, Mapping[str, str] | None],
) -> str | None:
    taken = variable.get("valueFrom")
    if not taken:
        return str(variable.get("value", ""))
    if "fieldRef" in taken:
        return _field(pod, taken["fieldRef"]["fieldPath"], place)
    for kind in _kinds(taken, "KeyRef"):
        reference = taken[kind]
        values = _values(reference, _kind_of(kind), there)
        if reference["key"] not in values and not reference.get("optional"):
            message = (
                f"couldn't find key {reference['key']} in {_kind_of(kind)} {reference['name']}"
            )
            raise ConfigError(message)
        return values.get(reference["key"])
    message = f"valueFrom of {variable['name']} is {sorted(taken)}: the stand-in does not know it"
    raise BeyondStandInError(message)


def _field(pod: Object, path: str, place: Place) -> str:
    metadata, spec = pod["metadata"], pod["spec"]
    known = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": place.node,
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.hostIP": place.host_ip,
        "status.podIP": place.pod_ip,
        "status.podIPs": place.pod_ip,
    }
    for which in ("labels", "annotations"):
        for key, value in metadata.get(which, {}).items():
            known[f"metadata.{which}['{key}']"] = value
    if path in known:
        return str(known[path])
    if path.startswith(("metadata.labels['", "metadata.annotations['")):
        return ""
    message = f"fieldRef is {path}: the stand-in does not know it"
    raise BeyondStandInError(message)


def _moved(text: str, mounts: Mapping[str, Path]) -> str:
    """Say where a mounted folder really is: there is no file system of the pod's own here."""
    return str(mounts.get(text, text))
