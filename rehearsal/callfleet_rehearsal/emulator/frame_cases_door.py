"""Odd ways in, and what the emulator answers. Data only."""

from callfleet_rehearsal.emulator.doors import BAD_KEY, UNREGISTERED
from callfleet_rehearsal.emulator.frame_case import (
    GOOD_KEY,
    GOOD_TOKEN,
    Answer,
    Basis,
    FrameCase,
    GoesOn,
    Place,
    Status,
    closes,
    setup,
)

_GEMINI = "/ws/google.ai.generativelanguage."
_V1BETA = f"{_GEMINI}v1beta.GenerativeService.BidiGenerateContent"
_VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
_D, _T, _M, _R, _U = Basis.DOCUMENTED, Basis.TYPES, Basis.MEASURED, Basis.REPORTED, Basis.UNKNOWN
_ACCEPTED = GoesOn("setupComplete")


def _door(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, path: str, headers: dict[str, str], basis: Basis, says: str, answer: Answer
) -> FrameCase:
    return FrameCase(name, Place.DOOR, setup(), basis, says, answer, path=path, headers=headers)


_KEY = {"x-goog-api-key": GOOD_KEY}

DOORS: tuple[FrameCase, ...] = (
    _door("no API key", _V1BETA, {}, _R, "1008, after the upgrade", closes(UNREGISTERED, 1008)),
    _door(
        "a wrong API key",
        _V1BETA,
        {"x-goog-api-key": "bad"},
        _R,
        "1007, after the upgrade",
        closes(BAD_KEY),
    ),
    _door("the key as ?key=", f"{_V1BETA}?key={GOOD_KEY}", {}, _D, "accepted", _ACCEPTED),
    _door(
        "a doubled slash before ws",
        f"/{_V1BETA}",
        _KEY,
        _M,
        "google-genai sends it for a base URL that ends in a slash",
        _ACCEPTED,
    ),
    _door("a path of no API", "/ws/nothing", _KEY, _U, "no such method", Status(404)),
    _door(
        "version v2",
        f"{_GEMINI}v2.GenerativeService.BidiGenerateContent",
        _KEY,
        _U,
        "there are v1, v1beta and v1alpha",
        Status(404),
    ),
    _door(
        "an ephemeral token on v1alpha",
        f"{_GEMINI}v1alpha.GenerativeService.BidiGenerateContentConstrained",
        {"Authorization": f"Token {GOOD_TOKEN}"},
        _D,
        "accepted",
        _ACCEPTED,
    ),
    _door(
        "an ephemeral token on v1beta",
        f"{_GEMINI}v1beta.GenerativeService.BidiGenerateContentConstrained",
        {"Authorization": f"Token {GOOD_TOKEN}"},
        _T,
        "the SDK warns that tokens exist in v1alpha only",
        Status(404),
    ),
    _door(
        "an API key where a token belongs",
        f"{_GEMINI}v1alpha.GenerativeService.BidiGenerateContentConstrained",
        _KEY,
        _U,
        "the SDK sends tokens there",
        closes(UNREGISTERED, 1008),
    ),
    _door(
        "Vertex without a bearer token",
        _VERTEX,
        {},
        _U,
        "401 as for any Google Cloud API",
        Status(401),
    ),
)
