"""Make an object of the API from a plain description, or say what does not fit. Pure."""

from typing import Any, TypeVar

import msgspec

_Made = TypeVar("_Made")


class MisfitError(ValueError):
    """A description is no such object: what a user wrote in a template may not be."""


def make(kind: type[_Made], told: dict[str, Any]) -> _Made:
    """Make one.

    Raises:
        MisfitError: some value has not the type that Kubernetes wants there.

    """
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        message = f"this is no {kind.__name__}: {error}; correct spec.template"
        raise MisfitError(message) from error
