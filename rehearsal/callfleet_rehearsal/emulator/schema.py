"""Which fields a Live client may send: names, types, and through which API each exists.

Data after google-genai's types (3.6.1) and what public measurements say of single fields: see
docs/emulator.md. Names are the wire's camelCase; the reader accepts snake_case as well.
"""

from dataclasses import dataclass
from enum import StrEnum

from callfleet_rehearsal.emulator.profiles import Api


class Kind(StrEnum):
    """What a field holds, by the name the real API uses in its complaints."""

    STRING = "TYPE_STRING"
    BOOL = "TYPE_BOOL"
    INT = "TYPE_INT32"
    FLOAT = "TYPE_FLOAT"
    BYTES = "TYPE_BYTES"
    ENUM = "TYPE_ENUM"
    MESSAGE = "TYPE_MESSAGE"
    ANY = "TYPE_ANY"
    STRING_MAP = "TYPE_STRING_MAP"
    SCHEMA_MAP = "TYPE_SCHEMA_MAP"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``message`` names its type, ``values`` an enum's; ``apis`` None means all."""

    kind: Kind
    message: str = ""
    values: tuple[str, ...] = ()
    repeated: bool = False
    apis: frozenset[Api] | None = None


STRING, BOOL, INT = Field(Kind.STRING), Field(Kind.BOOL), Field(Kind.INT)
FLOAT, BYTES, ANY = Field(Kind.FLOAT), Field(Kind.BYTES), Field(Kind.ANY)
STRINGS = Field(Kind.STRING, repeated=True)
_VERTEX = frozenset({Api.VERTEX})
_ALPHA_OR_VERTEX = frozenset({Api.V1ALPHA, Api.VERTEX})


def _message(name: str, *, apis: frozenset[Api] | None = None) -> Field:
    return Field(Kind.MESSAGE, message=name, apis=apis)


def _messages(name: str, *, apis: frozenset[Api] | None = None) -> Field:
    return Field(Kind.MESSAGE, message=name, repeated=True, apis=apis)


def _enum(*values: str, repeated: bool = False) -> Field:
    return Field(Kind.ENUM, values=values, repeated=repeated)


_MODALITY = ("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO", "VIDEO")
_RESOLUTION = (
    "MEDIA_RESOLUTION_UNSPECIFIED",
    "MEDIA_RESOLUTION_LOW",
    "MEDIA_RESOLUTION_MEDIUM",
    "MEDIA_RESOLUTION_HIGH",
)
_OPEN_TOOL = _message("Open")

MESSAGES: dict[str, dict[str, Field]] = {
    "Client": {
        "setup": _message("Setup"),
        "clientContent": _message("ClientContent"),
        "realtimeInput": _message("RealtimeInput"),
        "toolResponse": _message("ToolResponse"),
        "contextUpdate": _message("ContextUpdate"),
    },
    "Setup": {
        "model": STRING,
        "generationConfig": _message("GenerationConfig"),
        "systemInstruction": _message("Content"),
        "tools": _messages("Tool"),
        "sessionResumption": _message("SessionResumption"),
        "contextWindowCompression": _message("Compression"),
        "inputAudioTranscription": _message("AudioTranscription"),
        "outputAudioTranscription": _message("AudioTranscription"),
        "realtimeInputConfig": _message("RealtimeInputConfig"),
        "proactivity": _message("Proactivity", apis=_ALPHA_OR_VERTEX),
        "explicitVadSignal": Field(Kind.BOOL, apis=_VERTEX),
        "historyConfig": _message("HistoryConfig"),
        "avatarConfig": _message("Open"),
        "safetySettings": _messages("SafetySetting", apis=_VERTEX),
        "labels": Field(Kind.STRING_MAP),
    },
    "GenerationConfig": {
        "candidateCount": INT,
        "maxOutputTokens": INT,
        "temperature": FLOAT,
        "topP": FLOAT,
        "topK": FLOAT,
        "presencePenalty": FLOAT,
        "frequencyPenalty": FLOAT,
        "seed": INT,
        "stopSequences": STRINGS,
        "responseModalities": _enum(*_MODALITY, repeated=True),
        "responseMimeType": STRING,
        "responseSchema": _message("Schema"),
        "responseJsonSchema": ANY,
        "responseLogprobs": BOOL,
        "logprobs": INT,
        "speechConfig": _message("SpeechConfig"),
        "thinkingConfig": _message("ThinkingConfig"),
        "mediaResolution": _enum(*_RESOLUTION),
        "enableAffectiveDialog": Field(Kind.BOOL, apis=_ALPHA_OR_VERTEX),
        "enableEnhancedCivicAnswers": BOOL,
        "translationConfig": _message("Translation"),
        "audioTimestamp": Field(Kind.BOOL, apis=_VERTEX),
        "routingConfig": _message("Open", apis=_VERTEX),
        "modelSelectionConfig": _message("Open", apis=_VERTEX),
    },
    "SpeechConfig": {
        "voiceConfig": _message("VoiceConfig"),
        "multiSpeakerVoiceConfig": _message("Open"),
        "languageCode": STRING,
    },
    "VoiceConfig": {
        "prebuiltVoiceConfig": _message("PrebuiltVoice"),
        "replicatedVoiceConfig": _message("Open"),
    },
    "PrebuiltVoice": {"voiceName": STRING},
    "ThinkingConfig": {
        "includeThoughts": BOOL,
        "thinkingBudget": INT,
        "thinkingLevel": _enum("THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH"),
    },
    "Translation": {"targetLanguageCode": STRING, "echoTargetLanguage": BOOL},
    "Content": {"parts": _messages("Part"), "role": STRING},
    "Part": {
        "text": STRING,
        "inlineData": _message("Blob"),
        "fileData": _message("Open"),
        "functionCall": _message("FunctionCall"),
        "functionResponse": _message("FunctionResponse"),
        "executableCode": _message("Open"),
        "codeExecutionResult": _message("Open"),
        "thought": BOOL,
        "thoughtSignature": BYTES,
        "videoMetadata": _message("Open"),
        "mediaResolution": _message("Open"),
    },
    "Blob": {"mimeType": STRING, "data": BYTES, "displayName": Field(Kind.STRING, apis=_VERTEX)},
    "FunctionCall": {"id": STRING, "name": STRING, "args": _message("Open")},
    "Tool": {
        "functionDeclarations": _messages("FunctionDeclaration"),
        "googleSearch": _OPEN_TOOL,
        "googleSearchRetrieval": _OPEN_TOOL,
        "codeExecution": _OPEN_TOOL,
        "urlContext": _OPEN_TOOL,
        "googleMaps": _OPEN_TOOL,
        "computerUse": _OPEN_TOOL,
        "fileSearch": _OPEN_TOOL,
        "retrieval": _message("Open", apis=_VERTEX),
        "enterpriseWebSearch": _message("Open", apis=_VERTEX),
    },
    "FunctionDeclaration": {
        "name": STRING,
        "description": STRING,
        "parameters": _message("Schema"),
        "parametersJsonSchema": ANY,
        "response": _message("Schema"),
        "responseJsonSchema": ANY,
        "behavior": _enum("UNSPECIFIED", "BLOCKING", "NON_BLOCKING"),
    },
    "Schema": {
        "type": _enum(
            "TYPE_UNSPECIFIED",
            "STRING",
            "NUMBER",
            "INTEGER",
            "BOOLEAN",
            "ARRAY",
            "OBJECT",
            "NULL",
        ),
        "format": STRING,
        "title": STRING,
        "description": STRING,
        "nullable": BOOL,
        "enum": STRINGS,
        "items": _message("Schema"),
        "maxItems": INT,
        "minItems": INT,
        "properties": Field(Kind.SCHEMA_MAP),
        "required": STRINGS,
        "minProperties": INT,
        "maxProperties": INT,
        "minLength": INT,
        "maxLength": INT,
        "pattern": STRING,
        "example": ANY,
        "anyOf": _messages("Schema"),
        "propertyOrdering": STRINGS,
        "default": ANY,
        "minimum": FLOAT,
        "maximum": FLOAT,
    },
    "SessionResumption": {"handle": STRING, "transparent": Field(Kind.BOOL, apis=_VERTEX)},
    "Compression": {"triggerTokens": INT, "slidingWindow": _message("SlidingWindow")},
    "SlidingWindow": {"targetTokens": INT},
    "AudioTranscription": {
        "languageCodes": STRINGS,
        "languageAuto": _message("Open"),
        "languageHints": _message("Open"),
        "customVocabulary": STRINGS,
        "adaptationPhrases": STRINGS,
        "wordTimestamp": BOOL,
        "diarization": BOOL,
        "mode": _enum("MODE_UNSPECIFIED", "VERBATIM", "SMART"),
        "sourceText": STRING,
    },
    "RealtimeInputConfig": {
        "automaticActivityDetection": _message("ActivityDetection"),
        "activityHandling": _enum(
            "ACTIVITY_HANDLING_UNSPECIFIED", "START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION"
        ),
        "turnCoverage": _enum(
            "TURN_COVERAGE_UNSPECIFIED",
            "TURN_INCLUDES_ONLY_ACTIVITY",
            "TURN_INCLUDES_ALL_INPUT",
            "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
        ),
        "interimTranscriptTimestampEnabled": BOOL,
    },
    "ActivityDetection": {
        "disabled": BOOL,
        "startOfSpeechSensitivity": _enum(
            "START_SENSITIVITY_UNSPECIFIED", "START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW"
        ),
        "endOfSpeechSensitivity": _enum(
            "END_SENSITIVITY_UNSPECIFIED", "END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW"
        ),
        "prefixPaddingMs": INT,
        "silenceDurationMs": INT,
    },
    "Proactivity": {"proactiveAudio": BOOL, "proactiveVideo": BOOL},
    "HistoryConfig": {"initialHistoryInClientContent": BOOL},
    "SafetySetting": {"category": STRING, "threshold": STRING, "method": STRING},
    "ClientContent": {"turns": _messages("Content"), "turnComplete": BOOL},
    "RealtimeInput": {
        "mediaChunks": _messages("Blob"),
        "audio": _message("Blob"),
        "video": _message("Blob"),
        "text": STRING,
        "audioStreamEnd": BOOL,
        "activityStart": _message("Empty"),
        "activityEnd": _message("Empty"),
    },
    "ToolResponse": {"functionResponses": _messages("FunctionResponse")},
    "FunctionResponse": {
        "id": STRING,
        "name": STRING,
        "response": _message("Open"),
        "willContinue": BOOL,
        "scheduling": _enum("SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"),
        "parts": _messages("Open"),
    },
    "ContextUpdate": {"systemInstruction": _message("Content"), "tools": _message("ToolList")},
    "ToolList": {"tools": _messages("Tool")},
    "Empty": {},
}
