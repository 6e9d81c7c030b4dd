"""Read what ended a call out of what LiveKit and its framework say. No clock, no network."""

from livekit.rtc import DisconnectReason

from callfleet_worker.bridge.ending import Cause

PARENT_SHUTDOWN = "parent process shutdown"
"""What livekit-agents gives as a shutdown's reason when the worker's parent asks for it."""
LIVEKIT_SHUTDOWN = "ended by LiveKit"
"""What ours gives when LiveKit ends the job: its room closed, or its agent was dismissed."""
ROOM_SHUTDOWN = "room disconnected"
"""And when its room went away."""

_LEFT = frozenset(
    {
        DisconnectReason.CLIENT_INITIATED,
        DisconnectReason.SIGNAL_CLOSE,
        DisconnectReason.USER_UNAVAILABLE,
        DisconnectReason.USER_REJECTED,
        DisconnectReason.SIP_TRUNK_FAILURE,
    }
)
_CLOSED = frozenset({DisconnectReason.ROOM_DELETED, DisconnectReason.ROOM_CLOSED})


def cause_of_departure(reason: int) -> Cause:
    """Read why the caller is gone. A caller who is lost may come back."""
    if reason in _LEFT:
        return Cause.CALLER_LEFT
    if reason in _CLOSED:
        return Cause.ROOM_CLOSED
    if reason == DisconnectReason.PARTICIPANT_REMOVED:
        return Cause.CALLER_REMOVED
    return Cause.CALLER_LOST


def cause_of_room(reason: int) -> Cause:
    """Read why the agent's own connection to the room is gone."""
    return Cause.ROOM_CLOSED if reason in _CLOSED else Cause.ROOM_LOST


def cause_of_shutdown(reason: str) -> Cause:
    """Read why the framework shuts a job down: unless it says otherwise, the agent asked for it."""
    if reason == PARENT_SHUTDOWN:
        return Cause.WORKER_STOPPED
    if reason == LIVEKIT_SHUTDOWN:
        return Cause.DISMISSED
    return Cause.ROOM_LOST if reason == ROOM_SHUTDOWN else Cause.AGENT_ENDED
