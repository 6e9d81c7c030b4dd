"""What it means when the API server does not do what it was asked: in a word and a sentence."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

import httpx2
from lightkube.core.exceptions import ApiError, ConfigError

_CONFLICT, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 409, 404, 429, 500


class Trouble(StrEnum):
    """What kind of problem it is, and so what to do."""

    CONFLICT = "conflict"
    """The object is not as it was seen: look again."""
    GONE = "gone"
    """There is no such object any more."""
    REFUSED = "refused"
    """What was asked for will not be done until somebody changes something."""
    BUSY = "busy"
    """The API server asks for patience, or is unwell."""
    UNREACHABLE = "unreachable"
    """No answer came: what was asked for may be done or not."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One request that was not done."""

    trouble: Trouble
    sentence: str
    reason: str = ""
    """In Kubernetes' words: AlreadyExists, Forbidden, Invalid and the like."""
    retry_after_seconds: float | None = None

    @property
    def is_passing(self) -> bool:
        """Whether waiting helps."""
        return self.trouble in (Trouble.BUSY, Trouble.UNREACHABLE)


REQUEST_ERRORS = (httpx2.HTTPError, ConfigError, TimeoutError, OSError, asyncio.IncompleteReadError)
"""What a request to the API server may raise."""


def explain(error: BaseException, doing: str) -> Problem:
    """Say what an error of a request means; ``doing`` is what was asked for."""
    if isinstance(error, ApiError):
        return _answered(error, doing)
    if isinstance(error, httpx2.HTTPStatusError):
        if is_told(error.response):
            return _answered(ApiError(request=error.request, response=error.response), doing)
        code = error.response.status_code
        trouble = Trouble.BUSY if code >= _SERVER_ERROR or code == _TOO_MANY else Trouble.REFUSED
        return Problem(trouble, f"{doing}: the API server answered {code} without saying why")
    said = str(error) or type(error).__name__
    return Problem(
        Trouble.UNREACHABLE,
        f"{doing}: the API server gave no answer ({said}); it is tried again",
    )


def is_told(response: httpx2.Response) -> bool:
    """Tell an answer of the API server from one of something between; the client wants no charset.

    What has no ``Status`` is no word of the API server's: nothing is gone because a proxy says 404.
    """
    if not response.headers.get("Content-Type", "").startswith("application/json"):
        return False
    try:
        told = response.json()
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("kind") == "Status"


def _answered(error: ApiError, doing: str) -> Problem:
    status = error.status
    code = status.code or (error.response.status_code if error.response is not None else 0)
    reason, message = status.reason or "", status.message or "no reason given"
    sentence = f"{doing}: {message}"
    if code == _NOT_FOUND:
        return Problem(Trouble.GONE, sentence, reason)
    if code == _CONFLICT:
        return Problem(Trouble.CONFLICT, sentence, reason)
    if code == _TOO_MANY or code >= _SERVER_ERROR:
        return Problem(Trouble.BUSY, sentence, reason, _patience_seconds(error))
    return Problem(Trouble.REFUSED, sentence, reason)


def _patience_seconds(error: ApiError) -> float | None:
    details = error.status.details
    if details is not None and details.retryAfterSeconds:
        return float(details.retryAfterSeconds)
    told = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    return float(told) if told.isdecimal() else None
