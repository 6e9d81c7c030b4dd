"""The emulator's frames as the client receives them: camelCase JSON, sent as binary. Pure."""

import binascii
from typing import Any

import orjson

from callfleet_rehearsal.emulator.profiles import Api
from callfleet_rehearsal.emulator.tokens import Usage

OUTPUT_RATE = 24_000
_AUDIO_HEAD = (
    b'{"serverContent":{"modelTurn":{"parts":[{"inlineData":'
    b'{"mimeType":"audio/pcm;rate=24000","data":"'
)
_AUDIO_TAIL = b'"}}]}}}'


def audio(pcm: bytes) -> bytes:
    """Write one piece of the reply's sound."""
    return _AUDIO_HEAD + binascii.b2a_base64(pcm, newline=False) + _AUDIO_TAIL


def frame(body: dict[str, Any]) -> bytes:
    """Write any frame."""
    return orjson.dumps(body)


def setup_complete(session: str, api: Api) -> bytes:
    """Accept the setup. The Gemini API sends an empty object, Vertex the session's id."""
    return frame({"setupComplete": {"sessionId": session} if api is Api.VERTEX else {}})


def server_content(**content: Any) -> bytes:
    """Write a serverContent frame."""
    return frame({"serverContent": content})


def turn_complete(usage: Usage | None, api: Api, *, detailed: bool = True) -> bytes:
    """End a turn, with its bill; one that is not detailed gives sums alone."""
    body: dict[str, Any] = {"serverContent": {"turnComplete": True}}
    if usage is not None:
        bill = usage_metadata(usage, api)
        body["usageMetadata"] = {
            name: told for name, told in bill.items() if detailed or not name.endswith("Details")
        }
    return frame(body)


def usage_metadata(usage: Usage, api: Api) -> dict[str, Any]:
    """Write a bill in the names that this API uses."""
    response = "candidates" if api is Api.VERTEX else "response"
    prompt = [("AUDIO", usage.prompt_audio), ("TEXT", usage.prompt_text)]
    return {
        "promptTokenCount": usage.prompt,
        f"{response}TokenCount": usage.response_audio,
        "totalTokenCount": usage.total,
        "promptTokensDetails": [
            {"modality": modality, "tokenCount": count} for modality, count in prompt if count
        ],
        f"{response}TokensDetails": [{"modality": "AUDIO", "tokenCount": usage.response_audio}],
    }


def tool_call(call_id: str | None, name: str, args: dict[str, Any]) -> bytes:
    """Ask the client to run a function."""
    call: dict[str, Any] = {"name": name, "args": args}
    if call_id is not None:
        call["id"] = call_id
    return frame({"toolCall": {"functionCalls": [call]}})


def tool_cancellation(ids: tuple[str, ...]) -> bytes:
    """Say which calls are no longer wanted."""
    return frame({"toolCallCancellation": {"ids": list(ids)}})


def go_away(seconds: float) -> bytes:
    """Announce the end of the connection."""
    return frame({"goAway": {"timeLeft": f"{seconds:g}s"}})


def resumption(handle: str, consumed: int | None) -> bytes:
    """Give a handle; an empty one means that now is no time to resume."""
    update: dict[str, Any] = {"newHandle": handle, "resumable": True} if handle else {}
    if consumed is not None and handle:
        update["lastConsumedClientMessageIndex"] = str(consumed)
    return frame({"sessionResumptionUpdate": update})
