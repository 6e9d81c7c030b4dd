"""Say why a model could not be reached. Pure: an error in, a reason out."""

import re
from dataclasses import dataclass
from enum import StrEnum

from google.auth.exceptions import GoogleAuthError, TransportError
from google.genai.errors import APIError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callfleet_contract.outcomes import CallReason

_REFUSED_STATUS = frozenset({401, 403})
_REFUSED_WORDS = re.compile(
    r"api[ _]?key|unregistered callers|permission[ _]denied|unauthenticated|"
    r"invalid authentication|access token|billing",
    re.IGNORECASE,
)
_QUOTA_WORDS = re.compile(r"resource_exhausted|quota|maximum concurrent", re.IGNORECASE)
_QUOTA_STATUS = 429
_BAD_REQUEST_CLOSE = 1007
_POLICY_CLOSE = 1008


class Refusal(StrEnum):
    """What kind of no it was."""

    KEY = "key"
    QUOTA = "quota"
    REQUEST = "request"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Failure:
    """One choice failed. ``detail`` is short, without secrets, for one log line."""

    choice: str
    refusal: Refusal
    detail: str


def refusal_of(error: BaseException) -> Refusal:
    """Classify what the model's end said; the error chain is read to its root."""
    seen = list(_chain(error))
    codes = [code for code in map(_code_of, seen) if code is not None]
    words = " ".join(str(each) for each in seen)
    if any(code in _REFUSED_STATUS for code in codes) or any(map(_is_about_credentials, seen)):
        return Refusal.KEY
    if _QUOTA_STATUS in codes or _QUOTA_WORDS.search(words):
        return Refusal.QUOTA
    if {_BAD_REQUEST_CLOSE, _POLICY_CLOSE, 400} & set(codes):
        return Refusal.KEY if _REFUSED_WORDS.search(words) else Refusal.REQUEST
    return Refusal.UNREACHABLE


def failure_of(choice: str, error: BaseException) -> Failure:
    """Describe a failure in one line: what, which code, in which choice."""
    code = next((code for code in map(_code_of, _chain(error)) if code is not None), None)
    named = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
    return Failure(choice, refusal_of(error), named)


def call_reason(failures: tuple[Failure, ...]) -> CallReason:
    """Say for what reason a call without any model ends.

    A refused key is the reason only where nothing but keys was refused: with any other failure
    among them, the model was unavailable, and whoever is on call should look there first.
    """
    if failures and all(failure.refusal is Refusal.KEY for failure in failures):
        return CallReason.MODEL_REFUSED_KEY
    return CallReason.MODEL_UNAVAILABLE


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def _is_about_credentials(error: BaseException) -> bool:
    return isinstance(error, GoogleAuthError) and not isinstance(error, TransportError)


def _code_of(error: BaseException) -> int | None:
    """Find a status: of the refused upgrade, the close frame, or google-genai's own error."""
    if isinstance(error, InvalidStatus):
        return error.response.status_code
    if isinstance(error, ConnectionClosed):
        return error.rcvd.code if error.rcvd else None
    if isinstance(error, APIError):
        return error.code
    return None
