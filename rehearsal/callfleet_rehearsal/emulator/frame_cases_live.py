"""Odd realtime input in a running session, and what the emulator answers. Data only."""

import base64
from typing import Any

from callfleet_rehearsal.emulator.frame_case import (
    LIVE_25,
    VERTEX_25,
    Answer,
    Basis,
    FrameCase,
    GoesOn,
    Place,
    closes,
    setup,
    unknown,
)
from callfleet_rehearsal.emulator.messages import FIRST_ONLY
from callfleet_rehearsal.emulator.profiles import Api
from callfleet_rehearsal.emulator.reading import INVALID_ARGUMENT
from callfleet_rehearsal.emulator.session import EXPLICIT_ACTIVITY

_D, _T, _M, _R, _U = Basis.DOCUMENTED, Basis.TYPES, Basis.MEASURED, Basis.REPORTED, Basis.UNKNOWN
_HUSH = bytes(640)
_PCM = base64.b64encode(_HUSH).decode()
_RATE = "audio/pcm;rate=16000"
_REPLY = GoesOn("serverContent.modelTurn")
_ONE_OF = (
    "Invalid value at '' (oneof), oneof field 'message_type' is already set to 'realtime_input'. "
    "Cannot set 'client_content'"
)


def _live(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, frame: Any, basis: Basis, says: str, answer: Answer, model: str = LIVE_25
) -> FrameCase:
    api = Api.VERTEX if model == VERTEX_25 else Api.V1BETA
    return FrameCase(name, Place.LIVE, frame, basis, says, answer, api=api, model=model)


def _manual(name: str, frame: Any, basis: Basis, says: str, answer: Answer) -> FrameCase:
    return FrameCase(name, Place.MANUAL, frame, basis, says, answer)


def _audio(data: str = _PCM, mime: str | None = _RATE) -> dict[str, Any]:
    blob = {"data": data} if mime is None else {"data": data, "mimeType": mime}
    return {"realtimeInput": {"audio": blob}}


LIVE: tuple[FrameCase, ...] = (
    _live(
        "a second setup",
        setup(),
        _R,
        "1007; the configuration cannot change while open",
        closes(FIRST_ONLY),
    ),
    _live(
        "two kinds of message at once",
        {"realtimeInput": {"text": "a"}, "clientContent": {}},
        _D,
        "exactly one of the kinds",
        closes(_ONE_OF),
    ),
    _live("an empty object", {}, _D, "exactly one of the kinds", closes(INVALID_ARGUMENT)),
    _live("an unknown kind of message", {"audio": {}}, _D, "no such kind", unknown("audio", "")),
    _live(
        "an unknown field of realtimeInput",
        {"realtimeInput": {"sound": {}}},
        _T,
        "no such field",
        unknown("sound", "realtime_input"),
    ),
    _live(
        "activityStart while detection is automatic",
        {"realtimeInput": {"activityStart": {}}},
        _R,
        "1007",
        closes(EXPLICIT_ACTIVITY),
    ),
    _live(
        "activityEnd while detection is automatic",
        {"realtime_input": {"activity_end": {}}},
        _R,
        "1007",
        closes(EXPLICIT_ACTIVITY),
    ),
    _manual(
        "activityStart while detection is disabled",
        {"realtimeInput": {"activityStart": {}}},
        _D,
        "begins the user's activity",
        GoesOn(event="speech_start"),
    ),
    _manual(
        "activityEnd without a start",
        {"realtimeInput": {"activityEnd": {}}},
        _U,
        "ends the user's activity",
        GoesOn(),
    ),
    _manual(
        "start and end without any sound",
        {"realtimeInput": {"activityStart": {}, "activityEnd": {}}},
        _U,
        "a turn without content",
        _REPLY,
    ),
    _manual(
        "audioStreamEnd while detection is disabled",
        {"realtimeInput": {"audioStreamEnd": True}},
        _D,
        "only for automatic detection",
        GoesOn(),
    ),
    _live(
        "standard base64",
        _audio(base64.b64encode(b"\xfb\xff" * 160).decode()),
        _T,
        "proto JSON reads both alphabets",
        GoesOn(),
    ),
    _live(
        "URL-safe base64",
        _audio(base64.urlsafe_b64encode(b"\xfb\xff" * 160).decode()),
        _T,
        "what the SDK sends",
        GoesOn(),
    ),
    _live(
        "base64 without padding",
        _audio(base64.b64encode(bytes(640)).decode().rstrip("=")),
        _D,
        "proto JSON reads it",
        GoesOn(),
    ),
    _live(
        "no base64",
        _audio("***"),
        _U,
        "bytes are base64",
        closes("Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), Base64 decoding failed"),
    ),
    _live(
        "sound as numbers",
        {"realtimeInput": {"audio": {"data": 7, "mimeType": _RATE}}},
        _U,
        "bytes are base64 text",
        closes("Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), 7"),
    ),
    _live(
        "sound without a type",
        _audio(mime=None),
        _U,
        "mimeType is required",
        closes(INVALID_ARGUMENT),
    ),
    _live(
        "sound without a rate",
        _audio(mime="audio/pcm"),
        _U,
        "the input is natively 16 kHz",
        GoesOn(),
    ),
    _live(
        "sound at 44.1 kHz",
        _audio(mime="audio/pcm;rate=44100"),
        _D,
        "the API resamples other rates",
        GoesOn(),
    ),
    _live(
        "sound at 8 kHz",
        _audio(mime="audio/pcm;rate=8000"),
        _D,
        "the API resamples other rates",
        GoesOn(),
    ),
    _live(
        "sound at 1 MHz",
        _audio(mime="audio/pcm;rate=1000000"),
        _U,
        "no such rate",
        closes(INVALID_ARGUMENT),
    ),
    _live(
        "a wave file", _audio(mime="audio/wav"), _D, "raw 16-bit PCM only", closes(INVALID_ARGUMENT)
    ),
    _live(
        "Opus",
        _audio(mime="audio/ogg;codecs=opus"),
        _D,
        "raw 16-bit PCM only",
        closes(INVALID_ARGUMENT),
    ),
    _live(
        "half a sample",
        _audio(base64.b64encode(b"\0\0\0").decode()),
        _U,
        "16-bit samples",
        closes(INVALID_ARGUMENT),
    ),
    _live("no sound at all", _audio(""), _U, "an empty chunk", GoesOn()),
    _live(
        "four seconds in one message",
        _audio(base64.b64encode(bytes(128_000)).decode()),
        _D,
        "any size; 20 to 40 ms are recommended",
        GoesOn(),
    ),
    _live(
        "mediaChunks",
        {"realtimeInput": {"mediaChunks": [{"data": _PCM, "mimeType": _RATE}]}},
        _D,
        "deprecated, still read",
        GoesOn(),
    ),
    _live(
        "a picture",
        {"realtimeInput": {"video": {"data": "AAAA", "mimeType": "image/jpeg"}}},
        _D,
        "video is pictures",
        GoesOn(),
    ),
    _live(
        "sound as video",
        {"realtimeInput": {"video": {"data": _PCM, "mimeType": _RATE}}},
        _U,
        "not an image type",
        closes(INVALID_ARGUMENT),
    ),
    _live("an empty realtimeInput", {"realtimeInput": {}}, _U, "nothing to add", GoesOn()),
    _live(
        "text in the realtime stream",
        {"realtimeInput": {"text": "hi"}},
        _D,
        "counts as the user's activity",
        _REPLY,
    ),
    _live(
        "audioStreamEnd without speech",
        {"realtimeInput": {"audioStreamEnd": True}},
        _D,
        "the microphone was turned off",
        GoesOn(),
    ),
    _live(
        "audioStreamEnd: false",
        {"realtimeInput": {"audioStreamEnd": False}},
        _U,
        "false is the default",
        GoesOn(),
    ),
    _live(
        "activityStart as text",
        {"realtimeInput": {"activityStart": "now"}},
        _T,
        "a message",
        closes("Invalid value at 'realtime_input.activity_start' (TYPE_MESSAGE), \"now\""),
    ),
)
