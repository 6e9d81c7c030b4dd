"""Who may come in, and through which door. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from callfleet_rehearsal.emulator.profiles import Api
from callfleet_rehearsal.emulator.reading import POLICY_CODE, RefusedError, invalid

_GEMINI = re.compile(
    r"/ws/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)\.GenerativeService\."
    r"(BidiGenerateContent|BidiGenerateContentConstrained)"
)
_VERTEX = re.compile(
    r"/ws/google\.cloud\.aiplatform\.(v1|v1beta1)\.LlmBidiService/BidiGenerateContent"
)
UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)
BAD_KEY = "API key not valid. Please pass a valid API key."
BAD_CREDENTIAL = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
    "or other valid authentication credential."
)
TOKEN_PREFIX = "auth_tokens/"  # noqa: S105 - the public name of a kind of token, not a secret


@dataclass(frozen=True, slots=True)
class Door:
    """A path that exists. ``constrained`` takes ephemeral tokens, not keys."""

    api: Api
    constrained: bool


@dataclass(frozen=True, slots=True)
class Turned:
    """The upgrade is refused with this HTTP status."""

    status: int
    text: str


def door(path: str) -> Door | None:
    """Find the door for a path; doubled slashes count as one."""
    path = re.sub(r"/{2,}", "/", path)
    if match := _GEMINI.fullmatch(path):
        constrained = match[2].endswith("Constrained")
        if constrained and match[1] != Api.V1ALPHA:
            return None
        return Door(Api(match[1]), constrained)
    return Door(Api.VERTEX, constrained=False) if _VERTEX.fullmatch(path) else None


def admit(
    entrance: Door, headers: Mapping[str, str], query: Mapping[str, str], keys: tuple[str, ...]
) -> RefusedError | Turned | None:
    """Check who comes: None lets in, a status refuses the upgrade, an error the first message."""
    scheme, _, credential = headers.get("Authorization", "").partition(" ")
    if entrance.api is Api.VERTEX:
        key = headers.get("x-goog-api-key", "")
        if key or scheme.lower() == "bearer":
            return None if _good(key or credential, keys) else Turned(401, BAD_CREDENTIAL)
        return Turned(401, BAD_CREDENTIAL)
    if entrance.constrained:
        token = credential if scheme.lower() == "token" else query.get("access_token", "")
        if token.startswith(TOKEN_PREFIX) and _good(token, keys):
            return None
        return RefusedError(POLICY_CODE, UNREGISTERED) if not token else invalid(BAD_CREDENTIAL)
    key = headers.get("x-goog-api-key") or query.get("key", "")
    if not key:
        return RefusedError(POLICY_CODE, UNREGISTERED)
    return None if _good(key, keys) else invalid(BAD_KEY)


def _good(credential: str, keys: tuple[str, ...]) -> bool:
    return bool(credential) and (not keys or credential in keys)
