"""The model's side of a conversation as a state machine: IDLE → THINK → GEN → PLAYBACK_WAIT. Pure.

USER is IDLE while the caller speaks (the listener knows that). The session feeds in what happened
and when, and does what comes out; nothing here sends, waits or looks at a clock.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from callfleet_rehearsal.emulator.messages import Scheduling
from callfleet_rehearsal.emulator.timing import TurnTiming


class Phase(StrEnum):
    """What the model is doing."""

    IDLE = "idle"
    THINK = "think"
    TOOL = "tool"
    GEN = "generate"
    PLAYBACK_WAIT = "playback_wait"


class Source(StrEnum):
    """What ended the user's turn."""

    SPEECH = "speech"
    TEXT = "text"
    TOOL_RESULT = "tool_result"


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """A function to call, and whether the model waits for its answer."""

    name: str
    args: str
    blocking: bool


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """What the brain decided to answer: a clip behind a marker, perhaps a tool call before it."""

    call: int
    turn: int
    clip: int
    text: str
    tool: ToolPlan | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True)
class UserTurn:
    """A turn of the user that is over, and the answer planned for it."""

    source: Source
    last_speech_ns: int
    ended_ns: int
    silence_seconds: float
    spoken_seconds: float
    plan: ReplyPlan
    timing: TurnTiming

    @property
    def due_ns(self) -> int:
        """When the model has thought: counted from the last speech, not from when it noticed."""
        wait = self.silence_seconds + self.timing.think_seconds
        return self.last_speech_ns + round(wait * 1e9)


@dataclass(frozen=True, slots=True)
class Talk:
    """The state: what is being answered, what waits, and when something is due."""

    phase: Phase = Phase.IDLE
    turn: UserTurn | None = None
    queued: UserTurn | None = None
    due_ns: int = 0
    tool_ids: tuple[str, ...] = ()
    tool_called: bool = False


# What happened


@dataclass(frozen=True, slots=True)
class CallerBegan:
    """The caller speaks, and may thereby interrupt."""

    may_interrupt: bool


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The user's turn is over. Text interrupts whatever is being said."""

    turn: UserTurn


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """The last tool that the model waits for has answered."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class LateToolAnswered:
    """A tool that the model did not wait for has answered; ``turn`` is the reply to that."""

    turn: UserTurn
    scheduling: Scheduling


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The session has sent a call under this id."""

    call_id: str


@dataclass(frozen=True, slots=True)
class AudioSent:
    """All of the reply's audio is out; playing it takes until ``played_ns``."""

    played_ns: int


@dataclass(frozen=True, slots=True)
class Clock:
    """It is now so late."""

    now_ns: int


Happening = (
    CallerBegan | TurnEnded | ToolAnswered | LateToolAnswered | ToolCalled | AudioSent | Clock
)

# What to do


@dataclass(frozen=True, slots=True)
class BeginTurn:
    """Take note that this turn is being answered."""

    turn: UserTurn


@dataclass(frozen=True, slots=True)
class CallTool:
    """Send the turn's tool call."""

    turn: UserTurn


@dataclass(frozen=True, slots=True)
class Speak:
    """Start sending the reply's audio."""

    turn: UserTurn


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop sending audio, cancel these tool calls, say interrupted and turnComplete."""

    turn: UserTurn
    tool_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FinishGeneration:
    """Say generationComplete."""

    turn: UserTurn


@dataclass(frozen=True, slots=True)
class CompleteTurn:
    """Say turnComplete."""

    turn: UserTurn


Action = BeginTurn | CallTool | Speak | Interrupt | FinishGeneration | CompleteTurn
Step = tuple[Talk, tuple[Action, ...]]


def step(talk: Talk, happened: Happening) -> Step:
    """Decide what follows from what happened."""
    match happened:
        case CallerBegan(may_interrupt=True):
            return _interrupt(talk)
        case TurnEnded(turn=turn):
            return _turn_ended(talk, turn)
        case ToolCalled(call_id=call_id) if talk.phase is Phase.TOOL:
            return replace(talk, tool_ids=(*talk.tool_ids, call_id)), ()
        case ToolAnswered(at_ns=at_ns) if talk.phase is Phase.TOOL and talk.turn is not None:
            due = at_ns + round(talk.turn.timing.after_tool_seconds * 1e9)
            return replace(talk, phase=Phase.THINK, due_ns=due, tool_ids=()), ()
        case LateToolAnswered(turn=turn, scheduling=scheduling):
            return _late_answer(talk, turn, scheduling)
        case AudioSent(played_ns=played_ns) if talk.phase is Phase.GEN and talk.turn is not None:
            waiting = replace(talk, phase=Phase.PLAYBACK_WAIT, due_ns=played_ns)
            return waiting, (FinishGeneration(talk.turn),)
        case Clock(now_ns=now_ns) if talk.due_ns and now_ns >= talk.due_ns:
            return _due(talk)
    return talk, ()


def _interrupt(talk: Talk) -> Step:
    if talk.phase is Phase.IDLE or talk.turn is None:
        return talk, ()
    return Talk(), (Interrupt(talk.turn, talk.tool_ids),)


def _turn_ended(talk: Talk, turn: UserTurn) -> Step:
    if talk.phase is Phase.IDLE:
        return _begin(turn)
    if turn.source is Source.TEXT:
        _, stopped = _interrupt(talk)
        begun, actions = _begin(turn)
        return begun, stopped + actions
    return replace(talk, queued=turn), ()


def _begin(turn: UserTurn) -> Step:
    due = turn.due_ns
    if turn.plan.tool is not None:
        waited = turn.timing.think_seconds - turn.timing.before_tool_seconds
        due -= round(waited * 1e9)
    return Talk(phase=Phase.THINK, turn=turn, due_ns=max(due, 1)), (BeginTurn(turn),)


def _late_answer(talk: Talk, turn: UserTurn, scheduling: Scheduling) -> Step:
    if scheduling is Scheduling.SILENT:
        return talk, ()
    if talk.phase is Phase.IDLE:
        return _begin(turn)
    if scheduling is Scheduling.WHEN_IDLE:
        return replace(talk, queued=talk.queued or turn), ()
    _, stopped = _interrupt(talk)
    begun, actions = _begin(turn)
    return begun, stopped + actions


def _due(talk: Talk) -> Step:
    turn = talk.turn
    if turn is None:
        return talk, ()
    if talk.phase is Phase.PLAYBACK_WAIT:
        return _complete(talk, turn)
    if talk.phase is not Phase.THINK:
        return talk, ()
    tool = turn.plan.tool
    if tool is not None and not talk.tool_called:
        if tool.blocking:
            waiting = replace(talk, phase=Phase.TOOL, due_ns=0, tool_called=True)
            return waiting, (CallTool(turn),)
        finished, actions = _complete(talk, turn)
        return finished, (CallTool(turn), *actions)
    if turn.plan.empty:
        return _complete(talk, turn)
    return replace(talk, phase=Phase.GEN, due_ns=0), (Speak(turn),)


def _complete(talk: Talk, turn: UserTurn) -> Step:
    if talk.queued is None:
        return Talk(), (CompleteTurn(turn),)
    begun, actions = _begin(talk.queued)
    return begun, (CompleteTurn(turn), *actions)
