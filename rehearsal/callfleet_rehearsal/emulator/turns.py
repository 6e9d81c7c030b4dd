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
    """A turn of the user that is over, and the answer planned for it.

    Where the answer is to a tool's late result, ``last_speech_ns`` is the result's arrival, and
    ``asked`` the turn in which the caller asked for it.
    """

    source: Source
    last_speech_ns: int
    ended_ns: int
    silence_seconds: float
    spoken_seconds: float
    plan: ReplyPlan
    timing: TurnTiming
    asked: "UserTurn | None" = None
    tool_seconds: float = 0.0

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
    caller_speaks: bool


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
    if isinstance(happened, CallerBegan):
        return _interrupt(talk) if happened.may_interrupt else (talk, ())
    if isinstance(happened, TurnEnded):
        return _turn_ended(talk, happened.turn)
    if isinstance(happened, LateToolAnswered):
        return _late_answer(talk, happened)
    if isinstance(happened, Clock):
        return _due(talk) if talk.due_ns and happened.now_ns >= talk.due_ns else (talk, ())
    return _progress(talk, happened)


def _progress(talk: Talk, happened: ToolCalled | ToolAnswered | AudioSent) -> Step:
    match talk.phase, happened:
        case Phase.TOOL, ToolCalled(call_id=call_id):
            return replace(talk, tool_ids=(*talk.tool_ids, call_id)), ()
        case Phase.TOOL, ToolAnswered(at_ns=at_ns) if talk.turn is not None:
            due = at_ns + round(talk.turn.timing.after_tool_seconds * 1e9)
            return replace(talk, phase=Phase.THINK, due_ns=due, tool_ids=()), ()
        case Phase.GEN, AudioSent(played_ns=played_ns) if talk.turn is not None:
            waiting = replace(talk, phase=Phase.PLAYBACK_WAIT, due_ns=played_ns)
            return waiting, (FinishGeneration(talk.turn),)
    return talk, ()


def _interrupt(talk: Talk) -> Step:
    if talk.turn is None:
        return talk, ()
    return Talk(queued=talk.queued), (Interrupt(talk.turn, talk.tool_ids),)


def _turn_ended(talk: Talk, turn: UserTurn) -> Step:
    if talk.phase is Phase.IDLE:
        return _begin(turn, talk.queued)
    if turn.source is Source.TEXT:
        return _break_in(talk, turn)
    return replace(talk, queued=turn), ()


def _begin(turn: UserTurn, queued: UserTurn | None) -> Step:
    due = turn.due_ns
    if turn.plan.tool is not None:
        due -= round((turn.timing.think_seconds - turn.timing.before_tool_seconds) * 1e9)
    begun = Talk(phase=Phase.THINK, turn=turn, queued=queued, due_ns=max(due, 1))
    return begun, (BeginTurn(turn),)


def _break_in(talk: Talk, turn: UserTurn) -> Step:
    stopped, first = _interrupt(talk)
    begun, then = _begin(turn, stopped.queued)
    return begun, first + then


def _late_answer(talk: Talk, late: LateToolAnswered) -> Step:
    if late.scheduling is Scheduling.SILENT:
        return talk, ()
    if late.scheduling is Scheduling.INTERRUPT:
        return _break_in(talk, late.turn)
    if talk.phase is Phase.IDLE and not late.caller_speaks:
        return _begin(late.turn, None)
    return replace(talk, queued=talk.queued or late.turn), ()


def _due(talk: Talk) -> Step:
    turn = talk.turn
    if turn is None:
        return talk, ()
    if talk.phase is Phase.PLAYBACK_WAIT:
        return _complete(talk, turn)
    if turn.plan.tool is not None and not talk.tool_called:
        return _call_tool(talk, turn, turn.plan.tool)
    if turn.plan.empty:
        return _complete(talk, turn)
    return replace(talk, phase=Phase.GEN, due_ns=0), (Speak(turn),)


def _call_tool(talk: Talk, turn: UserTurn, tool: ToolPlan) -> Step:
    if tool.blocking:
        return replace(talk, phase=Phase.TOOL, due_ns=0, tool_called=True), (CallTool(turn),)
    finished, actions = _complete(talk, turn)
    return finished, (CallTool(turn), *actions)


def _complete(talk: Talk, turn: UserTurn) -> Step:
    if talk.queued is None:
        return Talk(), (CompleteTurn(turn),)
    begun, actions = _begin(talk.queued, None)
    return begun, (CompleteTurn(turn), *actions)
