"""Say what an event is to a span: its attributes, its events, its instants."""

import json
import time
from dataclasses import dataclass, field

from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

from callfleet_contract.events import (
    BargeIn,
    CallAnswered,
    CallEvent,
    LoopHeld,
    MediaPath,
    OneWayAudio,
    Said,
    TurnMeasured,
)
from callfleet_worker.parent import genai

Facts = dict[str, AttributeValue]


def facts_of(event: TurnMeasured) -> Facts:
    """Give what is said of a turn, answered or not."""
    return {
        "callfleet.turn": event.turn,
        "callfleet.end_reason": event.end.value,
        "callfleet.calls_active": event.calls_active,
        "callfleet.tool_seconds": event.tool_seconds,
        "callfleet.jitter_buffer_seconds": event.jitter_buffer_seconds,
        "callfleet.agent_rtt_seconds": event.agent_rtt_seconds,
        "callfleet.heard_seconds": event.heard_seconds,
        "callfleet.played_seconds": event.played_seconds,
    }


def note(span: Span, event: CallEvent, at_ns: int) -> None:
    """Write on a call's span what has none of its own, and happened at this date."""
    match event:
        case BargeIn():
            span.add_event("barge-in", {"callfleet.stop_seconds": event.stop_seconds}, at_ns)
        case CallAnswered():
            span.set_attribute("callfleet.setup_seconds", event.setup_seconds)
        case MediaPath():
            path = f"{event.protocol}/{event.candidate_type}"
            span.set_attribute("callfleet.media_path", path)
        case OneWayAudio():
            heard: Facts = {"callfleet.unheard": event.unheard.value}
            span.add_event("one-way audio", {**heard, "callfleet.seconds": event.seconds}, at_ns)
        case LoopHeld():
            span.add_event("event loop held up", {genai.TOOL: event.tool}, at_ns)
        case Said():
            said = [{"role": event.role, "parts": [{"type": "text", "content": event.text}]}]
            name = genai.MESSAGES.get(event.role, genai.MESSAGES["user"])
            span.add_event(genai.DETAILS, {name: json.dumps(said, ensure_ascii=False)}, at_ns)
        case _:
            pass


def _ahead_ns() -> int:
    return time.time_ns() - time.monotonic_ns()


@dataclass(frozen=True, slots=True)
class Calendar:
    """Gives the dates of one trace, by the date as it was when the trace began.

    Whoever sets the machine's clock meanwhile has nothing end before it began.
    """

    _ahead_ns: int = field(default_factory=_ahead_ns)

    def date_ns(self, monotonic_ns: int) -> int:
        """Date an instant of the machine's steady clock."""
        return monotonic_ns + self._ahead_ns

    def now_ns(self) -> int:
        """Date this instant."""
        return self.date_ns(time.monotonic_ns())
