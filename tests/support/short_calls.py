"""What a short call tells its worker's parent, from its first event to its last."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from callfleet_contract.events import (
    BargeIn,
    CallAnswered,
    CallEnded,
    CallerConnection,
    CallEvent,
    CallStarted,
    EventsDropped,
    LoopBlocked,
    LoopHeld,
    MediaPath,
    ModelSessionEvent,
    OneWayAudio,
    RtpWindow,
    SpeechHeard,
    TokensUsed,
    ToolFinished,
    ToolOffered,
    TurnMeasured,
    UsageDoubted,
)
from callfleet_contract.outcomes import (
    AudioDirection,
    CallerQuality,
    CallOutcome,
    CallReason,
    ModelSessionChange,
    TurnEnd,
    UsageProblem,
)
from callfleet_worker.parent.event_socket import EventSocket
from callfleet_worker.parent.hearing import Hearing
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.samples import Sampler
from callfleet_worker.reporting import EventSink

MS = 1_000_000
MODEL = "gemini-3.8-live"


def short_call(number: int) -> Iterator[CallEvent]:
    """Every kind of event, with names of its own wherever a call has any."""
    call_id, room = f"AJ_{number:012d}", f"room-{number:012d}"
    yield CallStarted(call_id, room, number * MS)
    yield ModelSessionEvent(call_id, tuple(ModelSessionChange)[number % len(ModelSessionChange)])
    yield ToolOffered(call_id, f"tool_{number}")
    yield CallAnswered(call_id, 0.7)
    yield MediaPath(call_id, "udp", "host")
    yield from _looks(call_id)
    yield from _turn(call_id, room, number)
    yield ToolFinished(call_id, f"tool_{number}", "ok", 0.05)
    yield LoopHeld(call_id, f"tool_{number}")
    yield LoopBlocked(call_id, 0.06)
    yield EventsDropped(call_id, 1)
    reason = tuple(CallReason)[number % len(CallReason)]
    yield CallEnded(call_id, room, CallOutcome.COMPLETED, reason, 12.0)


def _looks(call_id: str) -> Iterator[CallEvent]:
    for leg in ("agent_in", "agent_out"):
        yield RtpWindow(call_id, leg, 500, 1, 0.003, 0.001, 0.0)
    yield SpeechHeard(call_id, 3.0, 5.0, 0.5, 1.5)
    yield CallerConnection(call_id, CallerQuality.EXCELLENT, 5.0)
    yield OneWayAudio(call_id, AudioDirection.FROM_CALLER, 5.0)


def _turn(call_id: str, room: str, number: int) -> Iterator[CallEvent]:
    end = tuple(TurnEnd)[number % len(TurnEnd)]
    instants = (1000 * MS, 1050 * MS, 1450 * MS, 1480 * MS)
    yield TurnMeasured(call_id, room, 1, end, *instants, 0.0, 0.04, 0.002, 1.0, 2.0)
    yield BargeIn(call_id, 0.2)
    yield UsageDoubted(call_id, UsageProblem.MISSING)
    for direction, modality in (("input", "audio"), ("input", "text"), ("output", "audio")):
        yield TokensUsed(call_id, MODEL, direction, modality, "billed", 400)


@dataclass
class ListeningParent:
    """The parts of a worker's parent that hear of calls, put together as it does."""

    path: Path
    registry: Registry = field(default_factory=lambda: Registry(GEMINI_LIVE))
    deaths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        sampler = Sampler(GEMINI_LIVE)
        self.hearing = Hearing(
            self.registry, sampler, None, lambda call_id, _: self.deaths.append(call_id)
        )
        self.socket = EventSocket(
            self.path, self.hearing.heard, self.hearing.hung_up, self.hearing.refused
        )

    def call(self, number: int) -> None:
        """Have a call take place, in a process of its own as far as the parent can tell."""
        self.hearing.accepted(f"AJ_{number:012d}", f"room-{number:012d}")
        sink = EventSink(self.path)
        for event in short_call(number):
            sink.emit(event)
        sink.close()
