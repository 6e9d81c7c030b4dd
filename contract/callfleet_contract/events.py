"""What a call tells its worker's parent process; see ``event_lines`` for how it is written. Pure.

All instants are ``time.monotonic_ns()`` of the machine, which its processes share. Nothing but
``Said`` carries what anybody said, and that is told only where content was asked for.
"""

from dataclasses import dataclass

from callfleet_contract.outcomes import (
    AudioDirection,
    CallerQuality,
    CallOutcome,
    CallReason,
    ModelSessionChange,
    TurnEnd,
    UsageProblem,
)


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A job process has taken a call."""

    call_id: str
    room: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The first audible sample of the agent was handed to the media engine."""

    call_id: str
    setup_seconds: float


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """One reply, measured on the audio inside the worker (see the turn clock).

    ``speech_end_ns`` is when the caller's last speech sample came out of the agent's jitter
    buffer; ``first_played_ns`` when the packet with the reply's first audible sample leaves: out of
    the mouth's queue, then through the engine's block, packet and codec, of known lengths.
    ``jitter_buffer_seconds`` and ``agent_rtt_seconds`` are what has to be added to the interval
    to reach the SFU's ends of the agent's leg; the caller's leg is not known here.
    """

    call_id: str
    room: str
    turn: int
    end: TurnEnd
    speech_end_ns: int
    model_sent_ns: int
    first_model_audio_ns: int
    first_played_ns: int
    tool_seconds: float
    jitter_buffer_seconds: float
    agent_rtt_seconds: float
    heard_seconds: float
    played_seconds: float
    calls_active: int = 0

    @property
    def response_seconds(self) -> float:
        """Last speech sample out of the jitter buffer → first audible sample played."""
        return (self.first_played_ns - self.speech_end_ns) / 1e9

    @property
    def uplink_seconds(self) -> float:
        """Last speech sample heard → handed to the model's session, which sends it on."""
        return (self.model_sent_ns - self.speech_end_ns) / 1e9

    @property
    def model_seconds(self) -> float:
        """Handed to the session → first audio: silence it waits for, network and thinking."""
        return (self.first_model_audio_ns - self.model_sent_ns) / 1e9

    @property
    def playout_seconds(self) -> float:
        """First audio of the model → first audible sample played."""
        return (self.first_played_ns - self.first_model_audio_ns) / 1e9

    @property
    def fleet_overhead_seconds(self) -> float:
        """What the fleet added, up to the SFU: response less model, plus jitter buffer and RTT."""
        own = self.uplink_seconds + self.playout_seconds
        return own + self.jitter_buffer_seconds + self.agent_rtt_seconds


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller spoke while the agent did; the agent's sound stopped after ``stop_seconds``."""

    call_id: str
    stop_seconds: float


@dataclass(frozen=True, slots=True)
class RtpWindow:
    """Media statistics of one leg over one window; counts are this window's own."""

    call_id: str
    leg: str
    packets_received: int
    packets_lost: int
    jitter_seconds: float
    rtt_seconds: float
    concealed_ratio: float


@dataclass(frozen=True, slots=True)
class OneWayAudio:
    """For so long one of the two was not heard though both were there."""

    call_id: str
    unheard: AudioDirection
    seconds: float


@dataclass(frozen=True, slots=True)
class CallerConnection:
    """For so long the caller's connection was of this quality."""

    call_id: str
    quality: CallerQuality
    seconds: float


@dataclass(frozen=True, slots=True)
class MediaPath:
    """The candidate pair that the media engine selected."""

    call_id: str
    protocol: str
    candidate_type: str


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """One usage snapshot of the model. Every snapshot is billed, so every snapshot counts."""

    call_id: str
    model: str
    direction: str
    modality: str
    kind: str
    tokens: int


@dataclass(frozen=True, slots=True)
class UsageDoubted:
    """What the model said of tokens cannot be right."""

    call_id: str
    problem: UsageProblem


@dataclass(frozen=True, slots=True)
class ToolOffered:
    """The model may call a tool from now on; told once a call, and of no more than have names."""

    call_id: str
    tool: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """One tool call of the agent: ``result`` is ``ok``, ``error`` or ``cancelled``."""

    call_id: str
    tool: str
    result: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelSessionEvent:
    """The connection to the model changed; ``model`` is the one that is spoken with now."""

    call_id: str
    change: ModelSessionChange
    model: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller (``role`` is ``user``) or the agent (``assistant``) said, redacted."""

    call_id: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class SpeechHeard:
    """Who spoke how long since the last such event."""

    call_id: str
    user_seconds: float
    agent_seconds: float
    overlap_seconds: float
    silence_seconds: float


@dataclass(frozen=True, slots=True)
class LoopBlocked:
    """The loop that the call runs on stood still for so long.

    Told once for all calls of the loop, by any of them.
    """

    call_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LoopHeld:
    """The loop that the call runs on is held up by ``tool``; empty where no tool runs.

    Told once for all calls of the loop, by the one whose tool it is.
    """

    call_id: str
    tool: str


@dataclass(frozen=True, slots=True)
class EventsDropped:
    """Events that a call could not hand over without waiting, since the last such event."""

    call_id: str
    count: int


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over: the last event of every call."""

    call_id: str
    room: str
    outcome: CallOutcome
    reason: CallReason
    duration_seconds: float


CallEvent = (
    CallStarted
    | CallAnswered
    | TurnMeasured
    | BargeIn
    | RtpWindow
    | OneWayAudio
    | CallerConnection
    | MediaPath
    | TokensUsed
    | UsageDoubted
    | ToolOffered
    | ToolFinished
    | ModelSessionEvent
    | Said
    | SpeechHeard
    | LoopBlocked
    | LoopHeld
    | EventsDropped
    | CallEnded
)
