"""How calls and turns can end, and fare: the only words that metrics, logs and records use."""

from enum import StrEnum


class CallOutcome(StrEnum):
    """How a call ended, seen from whoever is on call: only DROPPED and FAILED cost the SLO."""

    COMPLETED = "completed"
    ABANDONED = "abandoned"
    FAILED = "failed"
    DROPPED = "dropped"


class CallReason(StrEnum):
    """Why a call ended so. Twelve at most, because it is a metric label."""

    CALLER_HUNG_UP = "caller_hung_up"
    AGENT_ENDED = "agent_ended"
    TRANSFERRED = "transferred"
    NEVER_JOINED = "never_joined"
    LEFT_BEFORE_GREETING = "left_before_greeting"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_REFUSED_KEY = "model_refused_key"
    ROOM_GONE = "room_gone"
    MEDIA_LOST = "media_lost"
    WORKER_STOPPED = "worker_stopped"
    PROCESS_DIED = "process_died"
    INTERNAL_ERROR = "internal_error"


CUT_BY_INFRASTRUCTURE = (CallReason.WORKER_STOPPED, CallReason.PROCESS_DIED)
"""Of these the operator knows as well, and of calls whose worker cannot tell any more."""


class TurnEnd(StrEnum):
    """How one reply of the agent ended."""

    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    SESSION_CLOSED = "session_closed"
    ERROR = "error"
    NO_RESPONSE = "no_response"


class ModelSessionChange(StrEnum):
    """What happened to the connection between a call and its model."""

    OPENED = "opened"
    GO_AWAY = "go_away"
    RESUMED = "resumed"
    RECONNECT = "reconnect"
    SWAPPED = "swapped"
    CLOSED = "closed"


class AudioDirection(StrEnum):
    """Whose sound does not reach the other."""

    FROM_CALLER = "from_caller"
    TO_CALLER = "to_caller"


class CallerQuality(StrEnum):
    """How LiveKit judges a caller's connection."""

    EXCELLENT = "excellent"
    GOOD = "good"
    POOR = "poor"
    LOST = "lost"


class UsageProblem(StrEnum):
    """What is wrong with what the model says of tokens."""

    MISSING = "missing"
    DOUBLED = "doubled"
    INCONSISTENT = "inconsistent"
