"""Faults on demand: what can go wrong, at which point of a session, and who it hits. Pure.

A fault is armed for a session (or the next one, or any) and a turn (or any). At each point the
session asks ``take``; what comes back is an effect, which the session carries out.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

NEXT, ANY = "next", "any"


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


@dataclass(frozen=True, slots=True)
class Effect:
    """A fault that strikes now."""

    fault_id: int
    name: str
    deed: Deed
    settings: Mapping[str, Any]


@dataclass(slots=True)
class ArmedFault:
    """A fault that waits."""

    fault_id: int
    kind: FaultKind
    point: Point
    session: str
    turn: int | None
    times: int
    settings: Mapping[str, Any]

    def effect(self) -> Effect:
        """What it does when it strikes."""
        return Effect(self.fault_id, self.kind.name, self.kind.deed, self.settings)


class BadFaultError(ValueError):
    """A fault was asked for that does not exist, or cannot strike there."""


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
        _kind("odd_pcm", Deed.ODD_PCM, Point.MID_AUDIO, "A piece of audio with half a sample"),
    )
}


@dataclass(slots=True)
class FaultBox:
    """The faults that wait."""

    armed: list[ArmedFault] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def arm(self, request: Mapping[str, Any]) -> ArmedFault:
        """Let a fault wait for its moment.

        Raises:
            BadFaultError: there is no such fault, point or setting.

        """
        known = {"name", "session", "turn", "times", "at"}
        kind = REGISTRY.get(str(request.get("name")))
        if kind is None:
            message = f"no fault {request.get('name')!r}; there are {', '.join(sorted(REGISTRY))}"
            raise BadFaultError(message)
        settings = {key: value for key, value in request.items() if key not in known}
        unknown = settings.keys() - kind.settings.keys() - {"body", "raw"}
        if unknown:
            message = (
                f"{kind.name} has no setting {', '.join(sorted(unknown))}; "
                f"it takes {', '.join(sorted(kind.settings)) or 'none'}"
            )
            raise BadFaultError(message)
        point = _point(kind, request.get("at"))
        fault = ArmedFault(
            fault_id=next(self._numbers),
            kind=kind,
            point=point,
            session=str(request.get("session", ANY if point is Point.NOW else NEXT)),
            turn=request.get("turn"),
            times=int(request.get("times", 1)),
            settings={**kind.settings, **settings},
        )
        self.armed.append(fault)
        return fault

    def take(self, point: Point, session: str, turn: int | None = None) -> Effect | None:
        """Say what strikes this session at this point, if anything does."""
        for fault in self.armed:
            if fault.point is point and _hits(fault, session, turn):
                return self._fire(fault, session)
        return None

    def disarm(self, fault_id: int) -> bool:
        """Take back a fault that has not struck yet."""
        kept = [fault for fault in self.armed if fault.fault_id != fault_id]
        gone = len(kept) < len(self.armed)
        self.armed = kept
        return gone

    def bind_next(self, session: str) -> None:
        """Give the faults meant for the next session to this one."""
        for fault in self.armed:
            if fault.session == NEXT:
                fault.session = session

    def _fire(self, fault: ArmedFault, session: str) -> Effect:
        fault.times -= 1
        if fault.times <= 0:
            self.armed.remove(fault)
        elif fault.session == session:
            fault.session = NEXT if fault.point in {Point.UPGRADE, Point.SETUP} else session
        return fault.effect()


def _point(kind: FaultKind, wanted: object) -> Point:
    if wanted is None:
        return kind.point
    try:
        point = Point(str(wanted))
    except ValueError:
        point = None
    if point is None or point not in kind.points:
        message = f"{kind.name} cannot strike at {wanted!r}, but at {', '.join(kind.points)}"
        raise BadFaultError(message)
    return point


def _hits(fault: ArmedFault, session: str, turn: int | None) -> bool:
    return fault.session in {ANY, session} and fault.turn in {None, turn}
