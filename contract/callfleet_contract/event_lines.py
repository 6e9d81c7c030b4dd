"""Write a call's events as JSON lines, and read them back. Pure: no socket here."""

import json
from dataclasses import asdict
from typing import get_args, get_type_hints

from callfleet_contract.events import CallEvent

_KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(CallEvent)}
_KINDS_OF_FIELDS = {name: get_type_hints(kind) for name, kind in _KINDS.items()}
MOST_BYTES = 65536
"""Of one line. Behind a longer one a reader does not know any more where events begin."""
_MOST = 2**63 - 1
"""What OpenTelemetry and everybody else can count up to."""


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
        name = body.pop("event")
        kinds = _KINDS_OF_FIELDS[name]
        fields = {field: _fitting(kinds[field], value) for field, value in body.items()}
        event: CallEvent = _KINDS[name](**fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = (
            f"not a call event of this version ({error}): {line[:120]!r}; "
            "run workers and their job processes from one installation"
        )
        raise UnknownEventError(message) from error
    return event


def _fitting(kind: type, value: object) -> object:
    """Take what a field can be, and give text as it can be written anywhere."""
    if isinstance(value, str) and issubclass(kind, str):
        # Half of a pair of surrogates, which JSON lets pass and nothing can write.
        return kind(value.encode(errors="replace").decode())
    numbers = (int, float) if kind is float else (int,)
    if isinstance(value, bool) or issubclass(kind, str) or not isinstance(value, numbers):
        message = f"{str(value)[:20]!r} is no {kind.__name__}"
        raise TypeError(message)
    if not -_MOST <= value <= _MOST:
        message = f"{str(value)[:20]} is no number"
        raise ValueError(message)
    return float(value) if kind is float else value
