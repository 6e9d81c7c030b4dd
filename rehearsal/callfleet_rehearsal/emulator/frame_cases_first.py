"""First messages that are odd as messages, and what the emulator answers. Data only."""

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
from callfleet_rehearsal.emulator.reading import (
    BAD_ROOT,
    BAD_TOKEN,
    END_OF_STRING,
    INVALID_ARGUMENT,
    SET_TWICE,
)

_D, _T, _M, _R, _U = Basis.DOCUMENTED, Basis.TYPES, Basis.MEASURED, Basis.REPORTED, Basis.UNKNOWN
_ACCEPTED = GoesOn("setupComplete")


def _first(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, frame: Any, basis: Basis, says: str, answer: Answer, api: Api = Api.V1BETA
) -> FrameCase:
    return FrameCase(name, Place.FIRST, frame, basis, says, answer, api=api)


FIRST: tuple[FrameCase, ...] = (
    _first("no JSON", "hello", _U, "a message is a JSON object", closes(BAD_TOKEN)),
    _first("an empty frame", "", _U, "a message is a JSON object", closes(END_OF_STRING)),
    _first(
        "half a JSON object",
        '{"setup": {"model"',
        _U,
        "a message is a JSON object",
        closes(BAD_TOKEN),
    ),
    _first("bytes that are no UTF-8", b'{"setup": "\xff"}', _U, "JSON is UTF-8", closes(BAD_TOKEN)),
    _first(
        "NaN",
        '{"setup": {"generationConfig": {"temperature": NaN}}}',
        _U,
        "JSON has no NaN",
        closes(BAD_TOKEN),
    ),
    _first("a JSON list", [], _D, "a message is an object", closes(BAD_ROOT)),
    _first("a JSON null", "null", _D, "a message is an object", closes(BAD_ROOT)),
    _first(
        "an empty object",
        {},
        _D,
        "exactly one of the message kinds must be set",
        closes(INVALID_ARGUMENT),
    ),
    _first(
        "setup: null",
        {"setup": None},
        _U,
        "null is as good as absent in proto JSON",
        closes(INVALID_ARGUMENT),
    ),
    _first(
        "setup as a list",
        {"setup": []},
        _U,
        "setup is one message",
        unknown("setup", "", "Proto field is not repeating, cannot start list."),
    ),
    _first(
        "setup as text",
        {"setup": "please"},
        _U,
        "setup is a message",
        closes("Invalid value at 'setup' (TYPE_MESSAGE), \"please\""),
    ),
    _first(
        "sound before the setup",
        {"realtimeInput": {"text": "hi"}},
        _R,
        "1007, setup must be first",
        closes(FIRST_ONLY),
    ),
    _first(
        "the setup in a binary frame",
        b'{"setup": {"model": "' + LIVE_25.encode() + b'"}}',
        _D,
        "text and binary frames are both JSON",
        _ACCEPTED,
    ),
    _first(
        "snake_case names",
        {"setup": {"model": LIVE_25, "generation_config": {"response_modalities": ["AUDIO"]}}},
        _T,
        "the SDK mixes both; proto JSON reads both",
        _ACCEPTED,
    ),
    _first(
        "a field in both casings",
        {"setup": {"model": LIVE_25, "generationConfig": {}, "generation_config": {}}},
        _U,
        "a field can be set once",
        unknown("generation_config", "setup", SET_TWICE),
    ),
    _first(
        "a misspelt field",
        setup(sistemInstruction={}),
        _R,
        "1007, Cannot find field",
        unknown("sistemInstruction", "setup"),
    ),
    _first(
        "speechConfig beside generationConfig",
        setup(speechConfig={}),
        _R,
        "1007; it belongs into generationConfig",
        unknown("speechConfig", "setup"),
    ),
    _first(
        "transcription inside generationConfig",
        setup(generationConfig={"outputAudioTranscription": {}}),
        _R,
        "1007; it belongs beside generationConfig",
        unknown("outputAudioTranscription", "setup.generation_config"),
    ),
    _first(
        "transparent resumption on the Gemini API",
        setup(sessionResumption={"transparent": True}),
        _M,
        "1007; Vertex only (SDK refuses it too)",
        unknown("transparent", "setup.session_resumption"),
    ),
    _first(
        "transparent resumption on Vertex",
        setup(VERTEX_25, sessionResumption={"transparent": True}),
        _D,
        "accepted",
        _ACCEPTED,
        Api.VERTEX,
    ),
    _first(
        "proactivity on v1beta",
        setup(proactivity={"proactiveAudio": True}),
        _R,
        "1007; v1alpha only",
        unknown("proactivity", "setup"),
    ),
    _first(
        "proactivity on v1alpha",
        setup(proactivity={"proactiveAudio": True}),
        _R,
        "accepted",
        _ACCEPTED,
        Api.V1ALPHA,
    ),
    _first(
        "affective dialog on v1",
        setup(generationConfig={"enableAffectiveDialog": True}),
        _R,
        "1007; v1alpha only",
        unknown("enableAffectiveDialog", "setup.generation_config"),
        Api.V1,
    ),
    _first(
        "safetySettings on the Gemini API",
        setup(safetySettings=[]),
        _R,
        "1007, though the SDK's types have it",
        unknown("safetySettings", "setup"),
    ),
    _first(
        "explicitVadSignal on the Gemini API",
        setup(explicitVadSignal=True),
        _T,
        "the SDK refuses it: Vertex only",
        unknown("explicitVadSignal", "setup"),
    ),
)
