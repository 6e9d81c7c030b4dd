"""Odd contents and tool responses in a session, and what the emulator answers. Data only."""

from typing import Any

from callfleet_rehearsal.emulator.frame_case import (
    LIVE_25,
    LIVE_38,
    VERTEX_25,
    Answer,
    Basis,
    FrameCase,
    GoesOn,
    Place,
    closes,
    unknown,
)
from callfleet_rehearsal.emulator.messages import BAD_ROLE
from callfleet_rehearsal.emulator.profiles import Api
from callfleet_rehearsal.emulator.reading import INVALID_ARGUMENT

_D, _T, _M, _R, _U = Basis.DOCUMENTED, Basis.TYPES, Basis.MEASURED, Basis.REPORTED, Basis.UNKNOWN
_REPLY = GoesOn("serverContent.modelTurn")


def _live(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, frame: Any, basis: Basis, says: str, answer: Answer, model: str = LIVE_25
) -> FrameCase:
    api = Api.VERTEX if model == VERTEX_25 else Api.V1BETA
    return FrameCase(name, Place.LIVE, frame, basis, says, answer, api=api, model=model)


def _content(role: str | None = "user", text: str = "hi", **more: Any) -> dict[str, Any]:
    turn: dict[str, Any] = {"parts": [{"text": text}]}
    if role is not None:
        turn["role"] = role
    return {"clientContent": {"turns": [turn], "turnComplete": True, **more}}


def _response(**response: Any) -> dict[str, Any]:
    return {"toolResponse": {"functionResponses": [response]}}


CONTENT: tuple[FrameCase, ...] = (
    _live(
        "turnComplete without any turn",
        {"clientContent": {"turnComplete": True}},
        _D,
        "generation starts with what is there",
        _REPLY,
    ),
    _live(
        "turns without turnComplete",
        {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "hi"}]}]}},
        _D,
        "the server waits for more",
        GoesOn(),
    ),
    _live(
        "one turn that is not in a list",
        {
            "clientContent": {
                "turns": {"role": "user", "parts": {"text": "hi"}},
                "turnComplete": True,
            }
        },
        _U,
        "proto JSON readers of Google take one for a list",
        _REPLY,
    ),
    _live("the role assistant", _content("assistant"), _R, "user or model", closes(BAD_ROLE)),
    _live("the role system on the Gemini API", _content("system"), _R, "refused", closes(BAD_ROLE)),
    _live(
        "the role system on Vertex",
        _content("system", turnComplete=False),
        _D,
        "replaces the system instruction",
        GoesOn(),
        VERTEX_25,
    ),
    _live("a turn without a role on 2.5", _content(None), _R, "accepted", _REPLY),
    _live(
        "a turn without a role on 3.8",
        _content(None),
        _R,
        "1007",
        closes(INVALID_ARGUMENT),
        LIVE_38,
    ),
    _live(
        "parts as text",
        {"clientContent": {"turns": [{"role": "user", "parts": "hi"}]}},
        _U,
        "parts are messages",
        closes("Invalid value at 'client_content.turns[0].parts[0]' (TYPE_MESSAGE), \"hi\""),
    ),
    _live(
        "a part of an unknown kind",
        {"clientContent": {"turns": [{"role": "user", "parts": [{"words": "hi"}]}]}},
        _T,
        "no such field",
        unknown("words", "client_content.turns[0].parts[0]"),
    ),
    _live("a dot on 2.5", _content(text="."), _R, "answered", _REPLY),
    _live(
        "a dot on 3.8",
        _content(text="."),
        _R,
        "an empty turn",
        GoesOn("serverContent.turnComplete"),
        LIVE_38,
    ),
    _live(
        "a tool response nobody asked for",
        _response(id="x", name="f", response={}),
        _U,
        "matched by id",
        GoesOn(event="unmatched_tool_response"),
    ),
    _live(
        "a tool response without an id",
        _response(name="f", response={}),
        _T,
        "the SDK refuses to send it",
        GoesOn(event="unmatched_tool_response"),
    ),
    _live(
        "an empty toolResponse",
        {"toolResponse": {}},
        _U,
        "at least one response",
        closes(INVALID_ARGUMENT),
    ),
    _live(
        "a tool response as text",
        _response(id="x", name="f", response="done"),
        _T,
        "response is an object",
        closes(
            "Invalid value at 'tool_response."
            'function_responses[0].response\' (TYPE_MESSAGE), "done"'
        ),
    ),
    _live(
        "an unknown scheduling",
        _response(id="x", name="f", response={}, scheduling="LATER"),
        _T,
        "SILENT, WHEN_IDLE or INTERRUPT",
        closes(
            "Invalid value at 'tool_response."
            'function_responses[0].scheduling\' (TYPE_ENUM), "LATER"'
        ),
    ),
    _live(
        "new tools in mid-session",
        {"contextUpdate": {"tools": {"tools": []}}},
        _T,
        "replaces the tools",
        GoesOn(),
        LIVE_38,
    ),
)
