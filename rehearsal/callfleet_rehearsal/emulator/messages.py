"""A client's frames as values: what the session acts on. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from callfleet_rehearsal.emulator.profiles import Api
from callfleet_rehearsal.emulator.reading import check, decode_base64, invalid, parse_json, snake

DEFAULT_RATE = 16_000
LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000
SAMPLE_BYTES = 2
BLOB_FIELDS = 2
BAD_ROLE = "Please use a valid role: user, model."
FIRST_ONLY = "setup must be the first message and only the first"
_AUDIO_TYPE = re.compile(
    r"audio/(?:pcm|l16)(?:\s*;\s*(?:rate=(\d{1,6})|channels=1))*", re.IGNORECASE
)
_RATES: dict[str, int] = {}


class Scheduling(StrEnum):
    """When a late tool result may make the model speak."""

    SILENT = "SILENT"
    WHEN_IDLE = "WHEN_IDLE"
    INTERRUPT = "INTERRUPT"


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message, names and types checked."""

    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AudioInput:
    """Sound of the caller: 16-bit little-endian samples at ``rate``."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class VideoInput:
    """One picture."""


@dataclass(frozen=True, slots=True)
class TextInput:
    """Typed text in the realtime stream."""

    letters: int


@dataclass(frozen=True, slots=True)
class AudioStreamEnd:
    """The client's microphone is off."""


@dataclass(frozen=True, slots=True)
class ActivityStart:
    """The client says that its user begins."""


@dataclass(frozen=True, slots=True)
class ActivityEnd:
    """The client says that its user has ended."""


@dataclass(frozen=True, slots=True)
class TurnText:
    """One content of the conversation."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ClientContent:
    """Contents to append, and whether the model shall answer them."""

    turns: tuple[TurnText, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """A tool's result for one call."""

    call_id: str
    name: str
    scheduling: Scheduling
    letters: int


@dataclass(frozen=True, slots=True)
class ToolResponse:
    """Results of tools."""

    answers: tuple[ToolAnswer, ...]


@dataclass(frozen=True, slots=True)
class ContextUpdate:
    """New instructions or tools in mid-session."""

    instruction: dict[str, Any] | None
    tools: list[dict[str, Any]] | None


ClientMessage = (
    Setup
    | AudioInput
    | VideoInput
    | TextInput
    | AudioStreamEnd
    | ActivityStart
    | ActivityEnd
    | ClientContent
    | ToolResponse
    | ContextUpdate
)


def read_message(data: str | bytes, api: Api) -> tuple[ClientMessage, ...]:
    """Read one frame; a realtime frame may carry several inputs.

    Raises:
        RefusedError: as the real API refuses it.

    """
    parsed = parse_json(data)
    if (audio := _plain_audio(parsed)) is not None:
        return (audio,)
    body = check(parsed, "Client", "", api)
    if len(body) > 1:
        first, second = list(body)[:2]
        message = (
            f"Invalid value at '' (oneof), oneof field 'message_type' is already set to "
            f"'{snake(first)}'. Cannot set '{snake(second)}'"
        )
        raise invalid(message)
    if not body:
        raise invalid()
    kind, value = next(iter(body.items()))
    if kind == "realtimeInput":
        return _realtime(value)
    if kind == "clientContent":
        return (_client_content(value),)
    if kind == "toolResponse":
        return (_tool_response(value),)
    if kind == "contextUpdate":
        tools = value.get("tools")
        update = None if tools is None else tools.get("tools", [])
        return (ContextUpdate(value.get("systemInstruction"), update),)
    return (Setup(value),)


def _plain_audio(body: dict[str, Any]) -> AudioInput | None:
    """Read what nearly every frame is, without the schema: exactly one well-formed audio blob."""
    realtime = body.get("realtime_input") or body.get("realtimeInput")
    if len(body) != 1 or not isinstance(realtime, dict) or len(realtime) != 1:
        return None
    blob = realtime.get("audio")
    if not isinstance(blob, dict) or len(blob) != BLOB_FIELDS:
        return None
    mime = blob.get("mime_type") or blob.get("mimeType")
    data = blob.get("data")
    if not isinstance(data, str) or not isinstance(mime, str):
        return None
    return _audio({"mimeType": mime, "data": data}, "realtime_input.audio")


def _realtime(value: dict[str, Any]) -> tuple[ClientMessage, ...]:
    inputs: list[ClientMessage] = []
    if "activityStart" in value:
        inputs.append(ActivityStart())
    for index, chunk in enumerate(value.get("mediaChunks", [])):
        inputs.append(_media(chunk, f"realtime_input.media_chunks[{index}]"))
    if "audio" in value:
        inputs.append(_audio(value["audio"], "realtime_input.audio"))
    if "video" in value:
        inputs.append(_video(value["video"], "realtime_input.video"))
    if "text" in value:
        inputs.append(TextInput(len(value["text"])))
    if value.get("audioStreamEnd"):
        inputs.append(AudioStreamEnd())
    if "activityEnd" in value:
        inputs.append(ActivityEnd())
    return tuple(inputs)


def _media(blob: dict[str, Any], path: str) -> AudioInput | VideoInput:
    if str(blob.get("mimeType", "")).lower().startswith("audio/"):
        return _audio(blob, path)
    return _video(blob, path)


def _audio(blob: dict[str, Any], path: str) -> AudioInput:
    mime = blob.get("mimeType", "")
    rate = _RATES.get(mime)
    if rate is None:
        rate = _RATES[mime] = _rate(mime)
    pcm = decode_base64(blob.get("data", ""), f"{path}.data")
    if len(pcm) % SAMPLE_BYTES:
        raise invalid()
    return AudioInput(pcm, rate)


def _rate(mime: str) -> int:
    match = _AUDIO_TYPE.fullmatch(mime.strip())
    if match is None:
        raise invalid()
    rate = int(match[1]) if match[1] else DEFAULT_RATE
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise invalid()
    return rate


def _video(blob: dict[str, Any], path: str) -> VideoInput:
    if not str(blob.get("mimeType", "")).lower().startswith(("image/", "video/")):
        raise invalid()
    decode_base64(blob.get("data", ""), f"{path}.data")
    return VideoInput()


def _client_content(value: dict[str, Any]) -> ClientContent:
    turns = []
    for index, content in enumerate(value.get("turns", [])):
        for number, part in enumerate(content.get("parts", [])):
            if "data" in part.get("inlineData", {}):
                path = f"client_content.turns[{index}].parts[{number}].inline_data.data"
                decode_base64(part["inlineData"]["data"], path)
        text = "".join(part.get("text", "") for part in content.get("parts", []))
        turns.append(TurnText(role=content.get("role", ""), text=text))
    return ClientContent(tuple(turns), value.get("turnComplete", False))


def _tool_response(value: dict[str, Any]) -> ToolResponse:
    answers = []
    for response in value.get("functionResponses", []):
        scheduling = response.get("scheduling", "SCHEDULING_UNSPECIFIED")
        answers.append(
            ToolAnswer(
                call_id=response.get("id", ""),
                name=response.get("name", ""),
                scheduling=Scheduling.WHEN_IDLE
                if scheduling == "SCHEDULING_UNSPECIFIED"
                else Scheduling(scheduling),
                letters=len(str(response.get("response", ""))),
            )
        )
    if not answers:
        raise invalid()
    return ToolResponse(tuple(answers))


def check_roles(content: ClientContent, api: Api, *, needs_role: bool) -> None:
    """Refuse contents whose role this model does not take."""
    allowed = {"user", "model", "system"} if api is Api.VERTEX else {"user", "model"}
    for turn in content.turns:
        if not turn.role and needs_role:
            raise invalid()
        if turn.role and turn.role not in allowed:
            raise invalid(BAD_ROLE)
