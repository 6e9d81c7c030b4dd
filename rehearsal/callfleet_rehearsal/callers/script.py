"""What a caller does next, from what it has heard. Pure: instants come in, actions go out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from callfleet_rehearsal.callers.ear import Heard, SoundBegan, SoundEnded
from callfleet_rehearsal.callers.plan import CallPlan, Cue, Deed, Listening, Moment, Voice
from callfleet_rehearsal.callers.speech import marker_turn
from callfleet_rehearsal.evidence import CallEnd, HeardMarker, TurnKind

SECOND_NS = 1_000_000_000
GREETING_PATIENCE_SECONDS = 15.0
REPLY_PATIENCE_SECONDS = 8.0
LISTENING_PATIENCE_SECONDS = 25.0
QUIET_AFTER_REPLY_SECONDS = 0.5
BARGE_IN_AFTER_SECONDS = 0.8
_GREETING_TURN = 0


class Stage(StrEnum):
    """Where a caller is in its call."""

    CALLING = "calling"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    WAITING = "waiting"
    STAYING = "staying"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class FinishedSpeaking:
    """The last packet of the turn's speech was sent."""

    sent_ns: int


@dataclass(frozen=True, slots=True)
class Speak:
    """Say the utterance of this turn now."""

    turn: int


@dataclass(frozen=True, slots=True)
class Act:
    """Do what a cue says."""

    deed: Deed


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""

    end: CallEnd


News = Heard | FinishedSpeaking
Action = Speak | Act | HangUp


@dataclass(frozen=True, slots=True)
class State:
    """A caller's memory. ``turn`` is the one being spoken or answered; 0 is the greeting.

    ``listening_until_ns`` is set once in a turn, when its reply is first listened to: an agent that
    goes on and on, or talks to itself, is not waited for longer than that.
    """

    stage: Stage
    turn: int
    deadline_ns: int
    listening_until_ns: int | None = None
    sounding: bool = False
    quiet_since_ns: int = 0
    reply_played_ns: int | None = None
    due: tuple[tuple[int, Deed], ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """What one caller is to do: its plan, how it listens, and how long it thinks in each turn."""

    plan: CallPlan
    thinks_seconds: tuple[float, ...]
    listening: Listening = Listening.MARKERS

    def begin(self, now_ns: int) -> State:
        """Start at the instant of joining."""
        patience = GREETING_PATIENCE_SECONDS if self.plan.expects_greeting else 0.0
        state = State(Stage.CALLING, _GREETING_TURN, _after(now_ns, patience))
        return self._cued(state, Moment.JOINED, 0, now_ns)

    def advance(
        self, state: State, now_ns: int, news: Sequence[News]
    ) -> tuple[State, tuple[Action, ...]]:
        """Take in the news, then do what is due."""
        if state.stage is Stage.DONE:
            return state, ()
        for one in news:
            state = self._hear(state, one)
        ripe = [deed for at_ns, deed in state.due if at_ns <= now_ns]
        if ripe:
            state = replace(state, due=tuple(one for one in state.due if one[0] > now_ns))
        if Deed.HANG_UP in ripe or Deed.VANISH in ripe:
            ends: tuple[Action, ...] = tuple(Act(deed) for deed in ripe if deed is Deed.VANISH)
            return _done(state), (*ends, HangUp(CallEnd.HUNG_UP))
        state, actions = self._proceed(state, now_ns)
        return state, (*(Act(deed) for deed in ripe), *actions)

    def _hear(self, state: State, news: News) -> State:
        if isinstance(news, SoundBegan):
            state = replace(state, sounding=True)
            if self.listening is Listening.ENERGY:
                state = self._reply_heard(state, news.played_ns)
        elif isinstance(news, SoundEnded):
            state = replace(state, sounding=False, quiet_since_ns=news.played_ns)
            if state.stage is Stage.CALLING:
                # A greeting whose beginning, marker and all, came before the caller could hear.
                state = self._reply_heard(state, news.played_ns)
                state = replace(state, sounding=False)
        elif isinstance(news, HeardMarker):
            if self._is_for_this_turn(state, news):
                state = self._reply_heard(state, news.played_at_ns)
        elif isinstance(news, FinishedSpeaking) and state.stage is Stage.SPEAKING:
            if state.reply_played_ns is None:
                deadline_ns = _after(news.sent_ns, REPLY_PATIENCE_SECONDS)
                return replace(state, stage=Stage.WAITING, deadline_ns=deadline_ns)
            return _listening(state, news.sent_ns)
        return state

    def _is_for_this_turn(self, state: State, heard: HeardMarker) -> bool:
        """Whether a marker ends the wait.

        This turn's own does, and a stranger's, which will not be followed by a better one; a late
        reply to an earlier turn does not.
        """
        if state.turn == _GREETING_TURN or heard.call != self.plan.call:
            return True
        return heard.turn == marker_turn(state.turn)

    def _reply_heard(self, state: State, played_ns: int) -> State:
        if state.reply_played_ns is not None:
            return state
        if state.stage in {Stage.CALLING, Stage.WAITING, Stage.SPEAKING}:
            moment = Moment.REPLY if state.turn else Moment.GREETING
            state = self._cued(state, moment, state.turn, played_ns)
            state = replace(state, reply_played_ns=played_ns, sounding=True)
        if state.stage in {Stage.CALLING, Stage.WAITING}:
            state = _listening(state, played_ns)
        return state

    def _proceed(self, state: State, now_ns: int) -> tuple[State, tuple[Action, ...]]:
        if state.stage is Stage.LISTENING:
            return self._listen(state, now_ns)
        if state.stage is Stage.THINKING:
            return self._stop_thinking(state, now_ns)
        if now_ns < state.deadline_ns or state.stage is Stage.SPEAKING:
            return state, ()
        if state.stage is Stage.CALLING and self.plan.expects_greeting:
            return _done(state), (HangUp(CallEnd.NEVER_ANSWERED),)
        if state.stage is Stage.STAYING:
            return _done(state), (HangUp(CallEnd.HUNG_UP),)
        return self._think(state, now_ns)

    def _listen(self, state: State, now_ns: int) -> tuple[State, tuple[Action, ...]]:
        started_ns = state.reply_played_ns
        if self._kind(state.turn) is TurnKind.BARGE_IN and started_ns is not None:
            if now_ns >= _after(started_ns, BARGE_IN_AFTER_SECONDS):
                return self._speak(state, now_ns)
            return state, ()
        is_quiet = not state.sounding and now_ns >= _after(
            state.quiet_since_ns, QUIET_AFTER_REPLY_SECONDS
        )
        if is_quiet:
            return self._think(state, now_ns)
        if now_ns >= state.deadline_ns:
            # An agent that never stops is not waited for.
            return self._think(replace(state, sounding=False), now_ns)
        return state, ()

    def _think(self, state: State, now_ns: int) -> tuple[State, tuple[Action, ...]]:
        if self.plan.voice in {Voice.SILENT, Voice.NOISE}:
            deadline_ns = _after(now_ns, self.plan.stays_seconds)
            return replace(state, stage=Stage.STAYING, deadline_ns=deadline_ns), ()
        endless = self.plan.voice is Voice.NEVER_STOPS
        if state.turn >= len(self.plan.kinds) and not endless:
            return _done(state), (HangUp(CallEnd.HUNG_UP),)
        deadline_ns = _after(now_ns, self.thinks_seconds[state.turn])
        return replace(state, stage=Stage.THINKING, deadline_ns=deadline_ns), ()

    def _stop_thinking(self, state: State, now_ns: int) -> tuple[State, tuple[Action, ...]]:
        until_ns = state.listening_until_ns
        if state.sounding and (until_ns is None or now_ns < until_ns):
            return _listening(state, now_ns), ()
        if now_ns >= state.deadline_ns:
            return self._speak(state, now_ns)
        return state, ()

    def _speak(self, state: State, now_ns: int) -> tuple[State, tuple[Action, ...]]:
        turn = state.turn + 1
        endless = self.plan.voice is Voice.NEVER_STOPS
        state = replace(
            state,
            stage=Stage.STAYING if endless else Stage.SPEAKING,
            turn=turn,
            deadline_ns=_after(now_ns, self.plan.stays_seconds),
            listening_until_ns=None,
            reply_played_ns=None,
        )
        return self._cued(state, Moment.TURN, turn, now_ns), (Speak(turn),)

    def _cued(self, state: State, moment: Moment, turn: int, at_ns: int) -> State:
        def due(cue: Cue) -> bool:
            return cue.moment is moment and (cue.turn == turn or moment is Moment.JOINED)

        more = tuple((_after(at_ns, cue.seconds), cue.deed) for cue in self.plan.cues if due(cue))
        return replace(state, due=state.due + more)

    def _kind(self, turn: int) -> TurnKind | None:
        return self.plan.kinds[turn - 1] if 0 < turn <= len(self.plan.kinds) else None


def _after(at_ns: int, seconds: float) -> int:
    return at_ns + round(seconds * SECOND_NS)


def _listening(state: State, since_ns: int) -> State:
    until_ns = state.listening_until_ns
    if until_ns is None:
        until_ns = _after(since_ns, LISTENING_PATIENCE_SECONDS)
    return replace(state, stage=Stage.LISTENING, deadline_ns=until_ns, listening_until_ns=until_ns)


def _done(state: State) -> State:
    return replace(state, stage=Stage.DONE, due=())
