"""Write a call's events as JSON lines, and read them back. Pure: no socket here."""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import get_args

from callfleet_contract.events import CallEvent
from callfleet_contract.outcomes import (
    AudioDirection,
    CallerQuality,
    CallOutcome,
    CallReason,
    ModelSessionChange,
    TurnEnd,
    UsageProblem,
)

KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(CallEvent)}
_WORDS: dict[str, type[StrEnum]] = {
    "outcome": CallOutcome,
    "reason": CallReason,
    "end": TurnEnd,
    "change": ModelSessionChange,
    "unheard": AudioDirection,
    "quality": CallerQuality,
    "problem": UsageProblem,
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
        body = json.loads(line, parse_constant=_no_number)
        kind = KINDS[body.pop("event")]
        fields = {
            name: _WORDS[name](value) if name in _WORDS else value for name, value in body.items()
        }
        event: CallEvent = kind(**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = (
            f"not a call event of this version ({error}): {line[:120]!r}; "
            "run workers and their job processes from one installation"
        )
        raise UnknownEventError(message) from error
    return event


def _no_number(word: str) -> float:
    message = f"{word} is no number"
    raise ValueError(message)
