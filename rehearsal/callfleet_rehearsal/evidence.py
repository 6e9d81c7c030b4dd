"""What a rehearsal saw, as frozen values: callers write it, the verdict and the report read it.

All instants are ``time.monotonic_ns()`` of the machine that the processes share. Every class here
turns into JSON with ``dataclasses.asdict`` and back with ``read``.
"""

from dataclasses import dataclass
from enum import StrEnum


class TurnKind(StrEnum):
    """What the caller does in a turn."""

    PLAIN = "plain"
    PAUSE = "pause"
    BARGE_IN = "barge_in"
    TOOL = "tool"


class CallEnd(StrEnum):
    """How a call ended as its caller saw it."""

    HUNG_UP = "hung_up"
    NEVER_ANSWERED = "never_answered"
    CLOSED_BY_FLEET = "closed_by_fleet"
    CONNECTION_LOST = "connection_lost"
    JOIN_FAILED = "join_failed"


class Party(StrEnum):
    """Who makes a sound."""

    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class HeardMarker:
    """A marker that the caller recognised in the sound it heard: whose reply, to which turn.

    ``at_ns`` is the arrival of the packet that begins the marker, ``played_at_ns`` the instant
    at which the caller's jitter buffer plays it.
    """

    call: int
    turn: int
    at_ns: int
    played_at_ns: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of sound, for the timeline: ``party`` spoke from start to end."""

    party: Party
    start_ns: int
    end_ns: int
    turn: int


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One turn of one caller.

    ``last_speech_sent_ns`` is when the packet with the clip's last speech sample was sent.
    ``heard`` is every marker heard from this turn's start to the next one's. ``reply_seconds`` is
    how long the reply sounded and ``expected_reply_seconds`` how long it should have (0 where the
    caller cannot know). ``barge_in_*`` are set where the caller spoke over the reply.
    """

    call: int
    turn: int
    kind: TurnKind
    started_ns: int
    last_speech_sent_ns: int
    heard: tuple[HeardMarker, ...]
    reply_seconds: float
    expected_reply_seconds: float
    concealed_seconds: float = 0.0
    pause_seconds: float = 0.0
    talked_into_pause: bool = False
    barge_in_onset_ns: int | None = None
    barge_in_silent_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """How an agent came, as its caller saw it: let in itself, agent in the room, its track there.

    None is what the caller never saw. ``let_in_ns`` comes before the caller's media are up.
    """

    let_in_ns: int | None = None
    agent_came_ns: int | None = None
    agent_track_ns: int | None = None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as its caller lived it."""

    call: int
    room: str
    end: CallEnd
    join_started_ns: int
    joined_ns: int | None
    greeting_heard_ns: int | None
    ended_ns: int
    turns: tuple[TurnRecord, ...]
    segments: tuple[Segment, ...]
    packets_sent: int
    packets_sent_lost: int
    packets_received: int
    packets_received_lost: int
    concealed_seconds: float
    heard_seconds: float
    jitter_seconds: float
    rtt_seconds: float
    send_late_p95_seconds: float
    strange_markers: int
    detail: str = ""
    dispatch: Dispatch = Dispatch()


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """What the model's own log says of one reply."""

    call: int
    turn: int
    last_speech_received_ns: int
    end_of_turn_ns: int
    first_audio_sent_ns: int
    tool_seconds: float = 0.0

    @property
    def took_seconds(self) -> float:
        """The model's share: last speech sample received to first audio sent, less our tools."""
        return (self.first_audio_sent_ns - self.last_speech_received_ns) / 1e9 - self.tool_seconds

    @property
    def silence_seconds(self) -> float:
        """The silence that the model waited for before it took the turn as over."""
        return (self.end_of_turn_ns - self.last_speech_received_ns) / 1e9


@dataclass(frozen=True, slots=True)
class ProcessCost:
    """CPU and memory that one role took while the calls were up."""

    role: str
    processes: int
    cpu_seconds: float
    pss_bytes: int


@dataclass(frozen=True, slots=True)
class MachineState:
    """How busy the machine was with other things while the calls were up."""

    cores: int
    seconds: float
    busy_ratio: float
    other_cpu_ratio: float | None
    """None where the fleet itself may be among the others."""
    steal_ratio: float
    load_1m: float
    cpu_pressure_ratio: float | None
    """None where it may be the fleet that waits."""
    send_late_p95_seconds: float
