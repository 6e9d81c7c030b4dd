"""Every fault there is: its name, what it does, where it strikes, and its settings. Data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Point(StrEnum):
    """Where in a session a fault can strike."""

    UPGRADE = "upgrade"
    SETUP = "setup"
    READY = "ready"
    NOW = "now"
    SPEECH = "speech"
    THINK = "think"
    TOOL_CALL = "tool_call"
    FIRST_AUDIO = "first_audio"
    MID_AUDIO = "mid_audio"
    GENERATION = "generation"
    TURN_COMPLETE = "turn_complete"


class Deed(StrEnum):
    """What the session does then."""

    HTTP_STATUS = "http_status"
    STALL = "stall"
    CLOSE = "close"
    RESET = "reset"
    BLACK_HOLE = "black_hole"
    SLOW_PONG = "slow_pong"
    GO_AWAY = "go_away"
    SEND = "send"
    DROP_AUDIO = "drop_audio"
    LATE_AUDIO = "late_audio"
    COMPLETE_EARLY = "complete_early"
    EMPTY_TURN = "empty_turn"
    STRAY_AUDIO = "stray_audio"
    CALL_WITHOUT_ID = "call_without_id"
    NO_USAGE = "no_usage"
    DOUBLE_USAGE = "double_usage"
    VAGUE_USAGE = "vague_usage"
    ODD_PCM = "odd_pcm"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One fault by name: where it strikes unless told otherwise, and with which settings."""

    name: str
    deed: Deed
    point: Point
    settings: Mapping[str, Any]
    points: tuple[Point, ...]
    help: str


def _kind(
    name: str, deed: Deed, point: Point, help_text: str, *more: Point, **settings: Any
) -> FaultKind:
    return FaultKind(name, deed, point, MappingProxyType(settings), (point, *more), help_text)


_LIVE = (
    Point.READY,
    Point.SPEECH,
    Point.THINK,
    Point.TOOL_CALL,
    Point.FIRST_AUDIO,
    Point.MID_AUDIO,
    Point.GENERATION,
    Point.TURN_COMPLETE,
)
_ANYTIME = (Point.SETUP, Point.NOW, *_LIVE)

REGISTRY: dict[str, FaultKind] = {
    kind.name: kind
    for kind in (
        _kind(
            "http_status",
            Deed.HTTP_STATUS,
            Point.UPGRADE,
            "Answer the upgrade with a status",
            status=429,
        ),
        _kind(
            "setup_stall",
            Deed.STALL,
            Point.SETUP,
            "Never answer the setup, or late",
            seconds=3600.0,
        ),
        _kind(
            "close",
            Deed.CLOSE,
            Point.NOW,
            "Close with a code and a reason",
            *_ANYTIME,
            code=1011,
            reason="Internal error encountered.",
        ),
        _kind(
            "reset",
            Deed.RESET,
            Point.NOW,
            "Drop the TCP connection without a close frame",
            *_ANYTIME,
        ),
        _kind(
            "stall",
            Deed.STALL,
            Point.THINK,
            "Say nothing for a while",
            Point.NOW,
            Point.FIRST_AUDIO,
            Point.MID_AUDIO,
            Point.GENERATION,
            Point.TURN_COMPLETE,
            Point.TOOL_CALL,
            seconds=5.0,
        ),
        _kind(
            "black_hole",
            Deed.BLACK_HOLE,
            Point.NOW,
            "Stop reading and writing, pongs included",
            *_ANYTIME,
        ),
        _kind("slow_pong", Deed.SLOW_PONG, Point.NOW, "Answer pings late", *_ANYTIME, seconds=5.0),
        _kind(
            "go_away",
            Deed.GO_AWAY,
            Point.NOW,
            "Announce the end, then close",
            *_LIVE,
            time_left_seconds=50.0,
            kill_after_seconds=60.0,
            code=1011,
            reason="The operation was aborted.",
        ),
        _kind(
            "error_json",
            Deed.SEND,
            Point.NOW,
            "Send an error object",
            *_LIVE,
            body={
                "error": {
                    "code": 500,
                    "message": "Internal error encountered.",
                    "status": "INTERNAL",
                }
            },
        ),
        _kind(
            "unknown_key",
            Deed.SEND,
            Point.NOW,
            "Send a message of an unknown kind",
            *_LIVE,
            body={"somethingNew": {"value": 1}},
        ),
        _kind(
            "malformed",
            Deed.SEND,
            Point.NOW,
            "Send a frame that is no JSON",
            *_LIVE,
            raw='{"serverContent": {',
        ),
        _kind(
            "late_audio",
            Deed.LATE_AUDIO,
            Point.TURN_COMPLETE,
            "Send audio after turnComplete",
            after_seconds=0.2,
        ),
        _kind(
            "premature_turn_complete",
            Deed.COMPLETE_EARLY,
            Point.MID_AUDIO,
            "turnComplete in the middle of the reply; the rest follows",
        ),
        _kind("empty_turn", Deed.EMPTY_TURN, Point.THINK, "turnComplete without any content"),
        _kind("drop_audio", Deed.DROP_AUDIO, Point.MID_AUDIO, "Leave out a piece of the reply"),
        _kind(
            "stray_frame_after_tool_call",
            Deed.STRAY_AUDIO,
            Point.TOOL_CALL,
            "One frame of audio right after the toolCall",
        ),
        _kind(
            "tool_call_without_id",
            Deed.CALL_WITHOUT_ID,
            Point.TOOL_CALL,
            "A toolCall that has no id",
        ),
        _kind(
            "missing_usage",
            Deed.NO_USAGE,
            Point.TURN_COMPLETE,
            "turnComplete without usageMetadata",
        ),
        _kind("double_usage", Deed.DOUBLE_USAGE, Point.TURN_COMPLETE, "usageMetadata twice"),
        _kind(
            "vague_usage",
            Deed.VAGUE_USAGE,
            Point.TURN_COMPLETE,
            "usageMetadata that counts so many times the tokens, and does not say what for",
            factor=1,
        ),
        _kind("odd_pcm", Deed.ODD_PCM, Point.MID_AUDIO, "A piece of audio with half a sample"),
    )
}
