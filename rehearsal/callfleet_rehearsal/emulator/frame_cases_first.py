"""Odd doors and odd first messages, and what the emulator answers. Data only."""

from typing import Any

from callfleet_rehearsal.emulator.doors import BAD_KEY, UNREGISTERED
from callfleet_rehearsal.emulator.frame_case import (
    GOOD_KEY,
    GOOD_TOKEN,
    LIVE_25,
    LIVE_38,
    LIVE_38_THINKING,
    VERTEX_25,
    Answer,
    Basis,
    FrameCase,
    GoesOn,
    Place,
    Status,
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
from callfleet_rehearsal.emulator.settings import BAD_MODEL_NAME, NO_THINKING_LEVEL, NOT_AUDIO

_GEMINI = "/ws/google.ai.generativelanguage."
_V1BETA = f"{_GEMINI}v1beta.GenerativeService.BidiGenerateContent"
_VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
_NOT_FOUND = (
    "{model} is not found for API version v1beta, or is not supported for bidiGenerateContent. "
    "Call ListModels to see the list of available models."
)
_D, _T, _M, _R, _U = Basis.DOCUMENTED, Basis.TYPES, Basis.MEASURED, Basis.REPORTED, Basis.UNKNOWN
_ACCEPTED = GoesOn("setupComplete")


def _door(
    name: str, path: str, headers: dict[str, str], basis: Basis, says: str, answer: Answer
) -> FrameCase:
    return FrameCase(name, Place.DOOR, setup(), basis, says, answer, path=path, headers=headers)


def _first(
    name: str, frame: Any, basis: Basis, says: str, answer: Answer, api: Api = Api.V1BETA
) -> FrameCase:
    return FrameCase(name, Place.FIRST, frame, basis, says, answer, api=api)


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
    _first("no model", {"setup": {}}, _D, "model is required", closes(BAD_MODEL_NAME)),
    _first(
        "a model without models/",
        setup("gemini-3.8-live"),
        _D,
        "format models/{model}",
        closes(BAD_MODEL_NAME),
    ),
    _first(
        "an unknown model",
        setup("models/gemini-9"),
        _R,
        "1008, not found",
        closes(_NOT_FOUND.format(model="models/gemini-9"), 1008),
    ),
    _first(
        "a text model",
        setup("models/gemini-2.5-flash"),
        _R,
        "1008, not found for Live",
        closes(_NOT_FOUND.format(model="models/gemini-2.5-flash"), 1008),
    ),
    _first(
        "a Vertex model on the Gemini API",
        setup("models/gemini-live-2.5-flash-native-audio"),
        _R,
        "1008, not found",
        closes(_NOT_FOUND.format(model="models/gemini-live-2.5-flash-native-audio"), 1008),
    ),
    _first(
        "an unknown model on Vertex",
        setup("projects/p/locations/l/publishers/google/models/x"),
        _R,
        "1008, Publisher Model … was not found",
        closes(
            "Publisher Model `projects/p/locations/l/publishers/google/models/x` was not found "
            "or your project does not have access to it.",
            1008,
        ),
        Api.VERTEX,
    ),
    _first(
        "TEXT from a 2.5 native-audio model",
        setup(generationConfig={"responseModalities": ["TEXT"]}),
        _R,
        "1007",
        closes(NOT_AUDIO),
    ),
    _first(
        "TEXT from 3.8",
        setup(LIVE_38, generationConfig={"responseModalities": ["TEXT"]}),
        _R,
        "1007",
        closes(
            "The requested combination of response modalities (TEXT) is not supported by the model."
        ),
    ),
    _first(
        "AUDIO and TEXT together",
        setup(generationConfig={"responseModalities": ["AUDIO", "TEXT"]}),
        _D,
        "one modality a session",
        closes(
            "The requested combination of response modalities (AUDIO, TEXT) is not "
            "supported by the model."
        ),
    ),
    _first(
        "a modality that is not in a list",
        setup(generationConfig={"responseModalities": "AUDIO"}),
        _U,
        "proto JSON readers of Google take one for a list",
        _ACCEPTED,
    ),
    _first(
        "an enum in lower case",
        setup(generationConfig={"responseModalities": ["audio"]}),
        _T,
        "the SDK's enums ignore case",
        _ACCEPTED,
    ),
    _first(
        "an unknown enum value",
        setup(generationConfig={"responseModalities": ["SOUND"]}),
        _U,
        "not a Modality",
        closes(
            "Invalid value at "
            "'setup.generation_config.response_modalities[0]' (TYPE_ENUM), \"SOUND\""
        ),
    ),
    _first(
        "a temperature in words",
        setup(generationConfig={"temperature": "hot"}),
        _U,
        "a number",
        closes("Invalid value at 'setup.generation_config.temperature' (TYPE_FLOAT), \"hot\""),
    ),
    _first(
        "a number as text",
        setup(generationConfig={"temperature": "0.5"}),
        _D,
        "proto JSON reads numbers from strings",
        _ACCEPTED,
    ),
    _first(
        "a temperature of 3",
        setup(generationConfig={"temperature": 3}),
        _D,
        "0 to 2",
        closes(INVALID_ARGUMENT),
    ),
    _first(
        "half a candidate",
        setup(generationConfig={"candidateCount": 1.5}),
        _U,
        "an integer",
        closes("Invalid value at 'setup.generation_config.candidate_count' (TYPE_INT32), 1.5"),
    ),
    _first(
        "a negative silence",
        setup(realtimeInputConfig={"automaticActivityDetection": {"silenceDurationMs": -5}}),
        _U,
        "a duration",
        closes(INVALID_ARGUMENT),
    ),
    _first(
        "disabled as text",
        setup(realtimeInputConfig={"automaticActivityDetection": {"disabled": "true"}}),
        _T,
        "a boolean",
        closes(
            "Invalid value at 'setup.realtime_input_config.automatic_activity_detection."
            'disabled\' (TYPE_BOOL), "true"'
        ),
    ),
    _first(
        "thinkingLevel on gemini-3.8-live",
        setup(LIVE_38, generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}}),
        _R,
        "refused",
        closes(NO_THINKING_LEVEL),
    ),
    _first(
        "thinkingLevel on extended thinking",
        setup(LIVE_38_THINKING, generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}}),
        _R,
        "accepted",
        _ACCEPTED,
    ),
    _first(
        "an unknown voice",
        setup(
            generationConfig={
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Hal"}}}
            }
        ),
        _R,
        "1007",
        closes(f"Requested voice api_name 'Hal' is not available for model {LIVE_25}"),
    ),
    _first(
        "a function without a name",
        setup(tools=[{"functionDeclarations": [{}]}]),
        _D,
        "name is required",
        closes(
            "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric"
        ),
    ),
    _first(
        "two functions of one name",
        setup(tools=[{"functionDeclarations": [{"name": "a"}, {"name": "a"}]}]),
        _R,
        "refused",
        closes("Duplicate function declaration found: a"),
    ),
    _first(
        "additionalProperties in a schema",
        setup(
            tools=[
                {
                    "functionDeclarations": [
                        {
                            "name": "a",
                            "parameters": {"type": "OBJECT", "additionalProperties": False},
                        }
                    ]
                }
            ]
        ),
        _R,
        "1007; only a part of JSON Schema is known",
        unknown("additionalProperties", "setup.tools[0].function_declarations[0].parameters"),
    ),
    _first(
        "Google search as a tool", setup(tools=[{"googleSearch": {}}]), _D, "accepted", _ACCEPTED
    ),
    _first(
        "a handle that was never given",
        setup(sessionResumption={"handle": "nobody"}),
        _R,
        "1008",
        closes("BidiGenerateContent session not found", 1008),
    ),
    _first(
        "an empty handle",
        setup(sessionResumption={}),
        _D,
        "a new session",
        GoesOn("sessionResumptionUpdate"),
    ),
    _first(
        "a compression target above its trigger",
        setup(
            contextWindowCompression={"triggerTokens": 100, "slidingWindow": {"targetTokens": 200}}
        ),
        _D,
        "target should be < trigger",
        closes(INVALID_ARGUMENT),
    ),
    _first(
        "compression without a mechanism",
        setup(contextWindowCompression={}),
        _T,
        "slidingWindow is optional",
        _ACCEPTED,
    ),
)
