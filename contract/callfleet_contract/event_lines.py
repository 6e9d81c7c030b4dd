"""Write a call's events as JSON lines, and read them back. Pure: no socket here."""

import json
import math
from dataclasses import asdict, fields
from enum import StrEnum
from typing import Any, get_args

from callfleet_contract.events import CallEvent

_KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(CallEvent)}
_FIELDS: dict[str, dict[str, Any]] = {
    name: {field.name: field.type for field in fields(kind)} for name, kind in _KINDS.items()
}


class UnknownEventError(ValueError):
    """A line that is no event of this version: the sender is of another version, or no worker."""


def encode(event: CallEvent) -> bytes:
    """Write an event as one JSON line, newline included."""
    body = {"event": type(event).__name__, **asdict(event)}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> CallEvent:
    """Read an event back.

    Raises:
        UnknownEventError: the line is not JSON, names no event, or its fields do not fit. What is
            not a number does not: added once, a sum would never be a number again.

    """
    try:
        body = json.loads(line)
        kind = body.pop("event")
        wanted = _FIELDS[kind]
        told = {name: _read(wanted[name], value) for name, value in body.items()}
        event: CallEvent = _KINDS[kind](**told)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        message = (
            f"not a call event of this version ({error}): {line[:120]!r}; "
            "run workers and their job processes from one installation"
        )
        raise UnknownEventError(message) from error
    return event


def _read(wanted: type, value: Any) -> Any:
    if issubclass(wanted, StrEnum):
        return wanted(value)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted or (isinstance(value, float) and not math.isfinite(value)):
        message = f"{value!r} is no {wanted.__name__}"
        raise TypeError(message)
    return value
