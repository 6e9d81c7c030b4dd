"""What a client asked for in its setup, checked and flattened. Pure."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from callfleet_rehearsal.emulator.profiles import Api, ModelProfile, bare_model, profile_for
from callfleet_rehearsal.emulator.reading import (
    POLICY_CODE,
    RefusedError,
    invalid,
)

DEFAULT_SILENCE_SECONDS = {"END_SENSITIVITY_HIGH": 0.5, "END_SENSITIVITY_LOW": 0.8}
DEFAULT_PREFIX_SECONDS = {"START_SENSITIVITY_HIGH": 0.02, "START_SENSITIVITY_LOW": 0.06}
CONTEXT_TOKENS = 128_000
DEFAULT_TRIGGER_TOKENS = CONTEXT_TOKENS * 8 // 10
LETTERS_PER_TOKEN = 4
MAX_TEMPERATURE = 2.0
BAD_MODEL_NAME = "* BidiGenerateContentRequest.model: unexpected model name format"
NOT_AUDIO = "Cannot extract voices from a non-audio request."
NO_THINKING_LEVEL = "Thinking level is not supported for this model."
VOICES = frozenset(
    {
        "achernar",
        "achird",
        "algenib",
        "algieba",
        "alnilam",
        "aoede",
        "autonoe",
        "callirrhoe",
        "charon",
        "despina",
        "enceladus",
        "erinome",
        "fenrir",
        "gacrux",
        "iapetus",
        "kore",
        "laomedeia",
        "leda",
        "orus",
        "pulcherrima",
        "puck",
        "rasalgethi",
        "sadachbia",
        "sadaltager",
        "schedar",
        "sulafat",
        "umbriel",
        "vindemiatrix",
        "zephyr",
        "zubenelgenubi",
    }
)
_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")


@dataclass(frozen=True, slots=True)
class Detection:
    """How the end of the caller's turn is found. Times are the setup's or the API's defaults."""

    automatic: bool
    prefix_seconds: float
    silence_seconds: float
    interrupts: bool
    all_input: bool


@dataclass(frozen=True, slots=True)
class Function:
    """A tool that the client declared. ``sample_args`` is JSON that fits its parameters."""

    name: str
    blocking: bool
    sample_args: str = "{}"


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """One session as its client set it up."""

    model: str
    api: Api
    profile: ModelProfile
    detection: Detection
    functions: tuple[Function, ...]
    resumable: bool
    handle: str
    transparent: bool
    trigger_tokens: int
    target_tokens: int
    transcribe_input: bool
    transcribe_output: bool
    initial_history: bool
    preamble_tokens: int
    voice: str

    @property
    def compresses(self) -> bool:
        """Whether a sliding window keeps the context below a limit."""
        return self.trigger_tokens > 0


def read_settings(setup: dict[str, Any], api: Api, forced_profile: str) -> SessionSettings:
    """Turn a checked setup into settings.

    Raises:
        RefusedError: as the real API refuses it.

    """
    model = str(setup.get("model", ""))
    profile = _profile(model, api, forced_profile)
    generation = setup.get("generationConfig", {})
    _check_generation(generation, model, profile)
    functions = read_functions(setup.get("tools", []), profile)
    trigger, target = _compression(setup)
    resumption = setup.get("sessionResumption")
    return SessionSettings(
        model=model,
        api=api,
        profile=profile,
        detection=_detection(setup.get("realtimeInputConfig", {}), api),
        functions=functions,
        resumable=resumption is not None,
        handle=(resumption or {}).get("handle", ""),
        transparent=(resumption or {}).get("transparent", False),
        trigger_tokens=trigger,
        target_tokens=target,
        transcribe_input="inputAudioTranscription" in setup,
        transcribe_output="outputAudioTranscription" in setup,
        initial_history=setup.get("historyConfig", {}).get("initialHistoryInClientContent", False),
        preamble_tokens=preamble_tokens(setup.get("systemInstruction"), setup.get("tools", [])),
        voice=_voice(generation),
    )


def _profile(model: str, api: Api, forced: str) -> ModelProfile:
    if "models/" not in model or not bare_model(model):
        raise invalid(BAD_MODEL_NAME)
    profile = profile_for(model, api, forced)
    if profile is None and api is Api.VERTEX:
        message = (
            f"Publisher Model `{model}` was not found or your project does not have access to it."
        )
        raise RefusedError(POLICY_CODE, message)
    if profile is None:
        message = (
            f"{model} is not found for API version {api.value}, or is not supported for "
            "bidiGenerateContent. Call ListModels to see the list of available models."
        )
        raise RefusedError(POLICY_CODE, message)
    return profile


def _check_generation(generation: dict[str, Any], model: str, profile: ModelProfile) -> None:
    modalities = generation.get("responseModalities", ["AUDIO"])
    if modalities == ["TEXT"] and not profile.tools_non_blocking:
        raise invalid(NOT_AUDIO)
    if modalities not in (["AUDIO"], []):
        named = ", ".join(modalities)
        message = (
            f"The requested combination of response modalities ({named}) is not supported "
            "by the model."
        )
        raise invalid(message)
    if not 0 <= generation.get("temperature", 1) <= MAX_TEMPERATURE:
        raise invalid()
    if "thinkingLevel" in generation.get("thinkingConfig", {}) and (
        bare_model(model) in profile.refuses_thinking_level
    ):
        raise invalid(NO_THINKING_LEVEL)
    voice = _voice(generation)
    if voice and voice.lower() not in VOICES:
        message = f"Requested voice api_name '{voice}' is not available for model {model}"
        raise invalid(message)


def _voice(generation: dict[str, Any]) -> str:
    config = generation.get("speechConfig", {}).get("voiceConfig", {})
    return str(config.get("prebuiltVoiceConfig", {}).get("voiceName", ""))


def read_functions(tools: list[dict[str, Any]], profile: ModelProfile) -> tuple[Function, ...]:
    """List the functions that tools declare, with how each is called."""
    functions: list[Function] = []
    for tool in tools:
        for declared in tool.get("functionDeclarations", []):
            name = declared.get("name", "")
            if not _FUNCTION_NAME.fullmatch(name):
                message = (
                    "Invalid function name. Must start with a letter or an underscore. "
                    "Must be alphanumeric"
                )
                raise invalid(message)
            if any(function.name == name for function in functions):
                message = f"Duplicate function declaration found: {name}"
                raise invalid(message)
            behavior = declared.get("behavior", "UNSPECIFIED")
            default_blocking = not profile.tools_non_blocking
            blocking = behavior == "BLOCKING" or (behavior == "UNSPECIFIED" and default_blocking)
            functions.append(Function(name, blocking, sample_args(declared)))
    return tuple(functions)


def sample_args(declared: dict[str, Any]) -> str:
    """Make up arguments for a declared function: a value for each required parameter."""
    schema = _mapping(declared.get("parameters")) or _mapping(declared.get("parametersJsonSchema"))
    properties = _mapping(schema.get("properties"))
    required = schema.get("required")
    names = required if isinstance(required, list) else list(properties)
    made_up = {
        name: _sample(_mapping(properties[name]))
        for name in names
        if isinstance(name, str) and name in properties
    }
    return orjson.dumps(made_up).decode()


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sample(schema: dict[str, Any]) -> Any:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    made_up: dict[str, Any] = {
        "NUMBER": 1042.0,
        "INTEGER": 1042,
        "BOOLEAN": True,
        "ARRAY": [],
        "OBJECT": {},
    }
    return made_up.get(str(schema.get("type", "STRING")).upper(), "1042")


def _compression(setup: dict[str, Any]) -> tuple[int, int]:
    config = setup.get("contextWindowCompression")
    if config is None or "slidingWindow" not in config:
        return 0, 0
    trigger = config.get("triggerTokens", DEFAULT_TRIGGER_TOKENS)
    target = config["slidingWindow"].get("targetTokens", trigger // 2)
    if trigger <= 0 or not 0 <= target < trigger:
        raise invalid()
    return trigger, target


def _detection(config: dict[str, Any], api: Api) -> Detection:
    automatic = config.get("automaticActivityDetection", {})
    usual = "LOW" if api is Api.VERTEX else "HIGH"
    end = automatic.get("endOfSpeechSensitivity", "END_SENSITIVITY_UNSPECIFIED")
    start = automatic.get("startOfSpeechSensitivity", "START_SENSITIVITY_UNSPECIFIED")
    silence = DEFAULT_SILENCE_SECONDS[end.replace("UNSPECIFIED", usual)]
    prefix = DEFAULT_PREFIX_SECONDS[start.replace("UNSPECIFIED", usual)]
    if "silenceDurationMs" in automatic:
        silence = automatic["silenceDurationMs"] / 1000
    if "prefixPaddingMs" in automatic:
        prefix = automatic["prefixPaddingMs"] / 1000
    if silence < 0 or prefix < 0:
        raise invalid()
    return Detection(
        automatic=not automatic.get("disabled", False),
        prefix_seconds=prefix,
        silence_seconds=silence,
        interrupts=config.get("activityHandling") != "NO_INTERRUPTION",
        all_input=config.get("turnCoverage") == "TURN_INCLUDES_ALL_INPUT",
    )


def preamble_tokens(instruction: dict[str, Any] | None, tools: list[dict[str, Any]]) -> int:
    """Estimate what instructions and tools cost in every turn: about four letters a token."""
    letters = sum(len(part.get("text", "")) for part in (instruction or {}).get("parts", []))
    letters += sum(len(str(tool)) for tool in tools)
    return -(-letters // LETTERS_PER_TOKEN)
