"""Setups that ask for odd things, and what the emulator answers. Data only."""

from typing import Any

from callfleet_rehearsal.emulator.frame_case import (
    LIVE_25,
    LIVE_38,
    LIVE_38_THINKING,
    Answer,
    Basis,
    FrameCase,
    GoesOn,
    Place,
    closes,
    setup,
    unknown,
)
from callfleet_rehearsal.emulator.profiles import Api
from callfleet_rehearsal.emulator.reading import (
    INVALID_ARGUMENT,
)
from callfleet_rehearsal.emulator.settings import BAD_MODEL_NAME, NO_THINKING_LEVEL, NOT_AUDIO

_NOT_FOUND = (
    "{model} is not found for API version v1beta, or is not supported for bidiGenerateContent. "
    "Call ListModels to see the list of available models."
)
_D, _T, _M, _R, _U = Basis.DOCUMENTED, Basis.TYPES, Basis.MEASURED, Basis.REPORTED, Basis.UNKNOWN
_ACCEPTED = GoesOn("setupComplete")


def _first(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, frame: Any, basis: Basis, says: str, answer: Answer, api: Api = Api.V1BETA
) -> FrameCase:
    return FrameCase(name, Place.FIRST, frame, basis, says, answer, api=api)


MODELS: tuple[FrameCase, ...] = (
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
