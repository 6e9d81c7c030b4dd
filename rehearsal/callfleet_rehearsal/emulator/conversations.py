"""What outlives a connection: the conversation, and the handles that lead back to it. No I/O.

A handle points to its session, not to a snapshot: a public measurement (gemini-3.8-live, October
2026) found everything up to the drop restored with a handle issued before the caller spoke, a
pending tool call included, and every attempt refused with 1011 while the old connection was open.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from callfleet_rehearsal.emulator.brain import Memory
from callfleet_rehearsal.emulator.reading import POLICY_CODE, RefusedError
from callfleet_rehearsal.emulator.tokens import Ledger
from callfleet_rehearsal.emulator.turns import UserTurn

HANDLE_LIFETIME_SECONDS = 7200.0
PRUNE_FROM = 1000
INTERNAL_CODE = 1011
INTERNAL_ERROR = "Internal error encountered."


class HandleFate(StrEnum):
    """What became of an attempt to resume."""

    GOOD = "good"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    STILL_OPEN = "still_open"
    OTHER_MODEL = "other_model"


@dataclass(frozen=True, slots=True)
class PendingTool:
    """A call that the client has not answered. ``asked`` is the turn it was made for."""

    call_id: str
    name: str
    blocking: bool
    called_ns: int
    asked: UserTurn
    without_id: bool = False


@dataclass(slots=True)
class Conversation:
    """The state of one session, shared by the connections that carry it one after another."""

    model: str
    ledger: Ledger
    memory: Memory = field(default_factory=Memory)
    pending: dict[str, PendingTool] = field(default_factory=dict)
    started_ns: int = 0
    connected: bool = True
    last_seen_ns: int = 0


@dataclass(slots=True)
class Handles:
    """Every handle given out, and where it leads."""

    lifetime_seconds: float = HANDLE_LIFETIME_SECONDS
    known: dict[str, Conversation] = field(default_factory=dict)
    prune_at: int = PRUNE_FROM

    def issue(self, handle: str, conversation: Conversation, now_ns: int) -> None:
        """Let this handle lead to the conversation, and forget those that lead nowhere."""
        if len(self.known) >= self.prune_at:
            self.known = {
                each: found
                for each, found in self.known.items()
                if found.connected or not self._expired(found, now_ns)
            }
            self.prune_at = max(PRUNE_FROM, 2 * len(self.known))
        self.known[handle] = conversation

    def look_up(
        self, handle: str, model: str, now_ns: int
    ) -> tuple[HandleFate, Conversation | None]:
        """Find the conversation that a client wants back."""
        found = self.known.get(handle)
        if found is None:
            return HandleFate.UNKNOWN, None
        if found.connected:
            return HandleFate.STILL_OPEN, None
        if self._expired(found, now_ns):
            return HandleFate.EXPIRED, None
        if found.model != model:
            return HandleFate.OTHER_MODEL, None
        return HandleFate.GOOD, found

    def _expired(self, conversation: Conversation, now_ns: int) -> bool:
        return now_ns - conversation.last_seen_ns > self.lifetime_seconds * 1e9


def refusal(fate: HandleFate) -> RefusedError:
    """Say how the real API turns such an attempt down."""
    if fate is HandleFate.STILL_OPEN:
        return RefusedError(INTERNAL_CODE, INTERNAL_ERROR)
    if fate is HandleFate.EXPIRED:
        return RefusedError(POLICY_CODE, "BidiGenerateContent session expired")
    return RefusedError(POLICY_CODE, "BidiGenerateContent session not found")
