"""Say how a call ended, whatever ended it. No clock, no network."""

from dataclasses import dataclass
from enum import StrEnum

from callfleet_contract.outcomes import CallOutcome, CallReason


class Cause(StrEnum):
    """What ended a call, as the bridge met it."""

    CALLER_LEFT = "caller_left"
    CALLER_LOST = "caller_lost"
    CALLER_REMOVED = "caller_removed"
    NOBODY_CAME = "nobody_came"
    ROOM_CLOSED = "room_closed"
    ROOM_LOST = "room_lost"
    DISMISSED = "dismissed"
    NOT_CONNECTED = "not_connected"
    AGENT_ENDED = "agent_ended"
    MODEL_FAILED = "model_failed"
    KEY_REFUSED = "key_refused"
    WORKER_STOPPED = "worker_stopped"
    TIME_IS_UP = "time_is_up"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended, and what is left to do about its room."""

    outcome: CallOutcome
    reason: CallReason
    delete_room: bool


_ENDINGS = {
    Cause.CALLER_LEFT: (CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP),
    Cause.CALLER_REMOVED: (CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP),
    Cause.CALLER_LOST: (CallOutcome.DROPPED, CallReason.MEDIA_LOST),
    Cause.NOBODY_CAME: (CallOutcome.ABANDONED, CallReason.NEVER_JOINED),
    Cause.ROOM_CLOSED: (CallOutcome.COMPLETED, CallReason.ROOM_GONE),
    Cause.DISMISSED: (CallOutcome.COMPLETED, CallReason.ROOM_GONE),
    Cause.ROOM_LOST: (CallOutcome.DROPPED, CallReason.ROOM_GONE),
    Cause.NOT_CONNECTED: (CallOutcome.FAILED, CallReason.ROOM_GONE),
    Cause.AGENT_ENDED: (CallOutcome.COMPLETED, CallReason.AGENT_ENDED),
    Cause.MODEL_FAILED: (CallOutcome.FAILED, CallReason.MODEL_UNAVAILABLE),
    Cause.KEY_REFUSED: (CallOutcome.FAILED, CallReason.MODEL_REFUSED_KEY),
    Cause.WORKER_STOPPED: (CallOutcome.DROPPED, CallReason.WORKER_STOPPED),
    Cause.TIME_IS_UP: (CallOutcome.DROPPED, CallReason.WORKER_STOPPED),
    Cause.CRASHED: (CallOutcome.FAILED, CallReason.INTERNAL_ERROR),
}
DESERVES_APOLOGY = frozenset(
    {Cause.MODEL_FAILED, Cause.KEY_REFUSED, Cause.TIME_IS_UP, Cause.CRASHED}
)
LINE_IS_LOST = frozenset(Cause) - DESERVES_APOLOGY

_CALLER_WENT = frozenset(
    {Cause.CALLER_LEFT, Cause.CALLER_LOST, Cause.CALLER_REMOVED, Cause.ROOM_CLOSED}
)


def ending_of(cause: Cause, *, answered: bool, others_in_room: int) -> Ending:
    """Decide outcome and reason, and whether the room is deleted.

    A room whose caller has gone is deleted unless somebody else is in it: a human who took over
    keeps it. A room whose caller is still there is deleted, or a caller on the phone would listen
    to silence: leaving a room hangs nobody up. So is a room that only the agent lost. One whose
    agent was dismissed is deleted if it still stands with its caller alone in it, which has to be
    asked.
    """
    outcome, reason = _ENDINGS[cause]
    if (cause in _CALLER_WENT or cause is Cause.DISMISSED) and not answered:
        outcome, reason = CallOutcome.ABANDONED, CallReason.LEFT_BEFORE_GREETING
    alone = others_in_room == 0
    caller_is_there = cause not in _CALLER_WENT and cause is not Cause.NOBODY_CAME
    return Ending(outcome, reason, cause is not Cause.ROOM_CLOSED and (alone or caller_is_there))
