"""The speaking half of a session: carries out what the turn machine decides, on time."""

import asyncio
import time
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from callfleet_rehearsal.emulator import brain, frames, speaking
from callfleet_rehearsal.emulator.connection import Connection
from callfleet_rehearsal.emulator.conversations import Conversation, PendingTool
from callfleet_rehearsal.emulator.fault_kinds import Point
from callfleet_rehearsal.emulator.settings import CONTEXT_TOKENS, LETTERS_PER_TOKEN, SessionSettings
from callfleet_rehearsal.emulator.shared import Shared
from callfleet_rehearsal.emulator.speech import Speech, reply_speech
from callfleet_rehearsal.emulator.striking import Striker, Twist
from callfleet_rehearsal.emulator.timing import Clockwork
from callfleet_rehearsal.emulator.tokens import append_text, charge, times
from callfleet_rehearsal.emulator.turns import (
    Action,
    AudioSent,
    BeginTurn,
    CallTool,
    Clock,
    CompleteTurn,
    FinishGeneration,
    Happening,
    Interrupt,
    Phase,
    ReplyPlan,
    Source,
    Speak,
    Talk,
    ToolCalled,
    UserTurn,
    step,
)
from callfleet_rehearsal.emulator.wire import Wire

CONTEXT_EXHAUSTED = (1007, "Request contains an invalid argument.")
TRANSCRIPT_EVERY_CHUNKS = 12
WORDS_PER_TRANSCRIPT = 4
EARLY_NS = 1_500_000


@dataclass
class Performer:
    """One session's voice. Everything here runs on the event loop, nothing waits."""

    shared: Shared
    name: str
    wire: Wire
    settings: SessionSettings
    conversation: Conversation
    clockwork: Clockwork
    talk: Talk = field(default_factory=Talk)
    tool_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._speaking: speaking.Speaking | None = None
        self._words: list[str] = []
        self._timer: asyncio.Handle | None = None
        self._prepared: tuple[ReplyPlan, Speech] | None = None
        self._spoken_seconds = 0.0
        self.connection = Connection(self.shared, self.name, self.wire)
        self.striker = Striker(self.shared, self.name, self.wire, self.connection.after)

    def open(self) -> None:
        """Accept the setup, now or after the time that this model takes."""
        if not self.strike(Point.SETUP).swallowed:
            self.connection.after(self.clockwork.setup_seconds(), self._opened)

    def _opened(self) -> None:
        self.connection.accept(self.conversation, self.settings)
        self.strike(Point.READY)

    def stop(self) -> None:
        """The connection is gone: keep what can be resumed, forget the rest."""
        self.connection.stop()
        if self._timer is not None:
            self._timer.cancel()
        self._speaking = None
        self.talk = Talk()
        self.conversation.connected = False
        self.conversation.last_seen_ns = time.monotonic_ns()

    # Decisions in, deeds out

    @property
    def waits_for_tool(self) -> bool:
        """Whether the reply hangs on a tool."""
        return self.talk.phase is Phase.TOOL

    def decide(self, question: brain.Question) -> ReplyPlan:
        """Ask the brain, and let the conversation remember."""
        plan, self.conversation.memory = brain.answer(
            question, self.conversation.memory, self.shared.config.script, self.settings.functions
        )
        return plan

    def add_text(self, letters: int) -> None:
        """Put text into the context."""
        tokens = -(-letters // LETTERS_PER_TOKEN)
        self.conversation.ledger = append_text(self.conversation.ledger, tokens)

    def strike(self, point: Point, turn: int | None = None) -> Twist:
        """Let a fault strike here, if one is armed."""
        return self.striker.at(point, turn)

    def happen(self, happened: Happening) -> None:
        """Feed the turn machine and do what it says."""
        self.talk, actions = step(self.talk, happened)
        for action in actions:
            self._perform(action)
        self._arm()

    def _perform(self, action: Action) -> None:
        match action:
            case BeginTurn(turn=turn):
                self._begin(turn)
            case CallTool(turn=turn):
                self._call_tool(turn)
            case Speak(turn=turn):
                self._speak(turn)
            case Interrupt(turn=turn, tool_ids=ids):
                self._interrupt(turn, ids)
            case FinishGeneration(turn=turn):
                self._send_content(generationComplete=True)
                self._log_turn("generation_complete", turn)
                self.strike(Point.GENERATION, turn.plan.turn)
            case CompleteTurn(turn=turn):
                self._complete(turn)

    def _arm(self) -> None:
        early_ns = EARLY_NS if self.talk.phase is Phase.THINK else 0
        dues = [self.talk.due_ns - early_ns] if self.talk.due_ns else []
        if self._speaking is not None:
            dues.append(self._speaking.due_ns)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if dues:
            wait = (min(dues) - time.monotonic_ns()) / 1e9
            # The loop's timers count whole milliseconds: the last one is walked in single steps.
            if wait <= 0:
                self._timer = self._loop.call_soon(self._tick)
            else:
                self._timer = self._loop.call_later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now_ns = time.monotonic_ns()
        if self._speaking is not None and now_ns >= self._speaking.due_ns:
            self._send_audio(self._speaking)
        if self.talk.due_ns and now_ns >= self.talk.due_ns:
            self.happen(Clock(now_ns))
        else:
            self._arm()

    # Turns

    def _begin(self, turn: UserTurn) -> None:
        self.tool_seconds = turn.tool_seconds
        self._prepared = (turn.plan, reply_speech(turn.plan))
        if self.settings.profile.handles_every_turn:
            self.connection.send_handle("", self.settings)
        twist = self.strike(Point.THINK, turn.plan.turn)
        if twist.empty_turn and self.talk.turn is not None:
            emptied = replace(turn, plan=replace(turn.plan, empty=True, tool=None))
            self.talk = replace(self.talk, turn=emptied)
        if self.settings.transcribe_input and turn.source is Source.SPEECH:
            text = f" Turn {turn.plan.turn} of caller {turn.plan.call}."
            self._send_content(inputTranscription={"text": text})

    def _call_tool(self, turn: UserTurn) -> None:
        tool = turn.plan.tool
        if tool is None:
            return
        call_id = f"function-call-{uuid.uuid4().int % 10**18}"
        twist = self.strike(Point.TOOL_CALL, turn.plan.turn)
        self.conversation.pending[call_id] = PendingTool(
            call_id,
            tool.name,
            tool.blocking,
            time.monotonic_ns(),
            turn,
            without_id=twist.without_id,
        )
        shown = None if twist.without_id else call_id
        self.wire.send(frames.tool_call(shown, tool.name, orjson.loads(tool.args)))
        self._log_turn("tool_call", turn, id=call_id, name=tool.name)
        if twist.stray_audio:
            self.wire.send(frames.audio(reply_speech(turn.plan).chunks[0]))
        if tool.blocking:
            self.talk, _ = step(self.talk, ToolCalled(call_id))

    def _speak(self, turn: UserTurn) -> None:
        plan, speech = self._prepared or (None, None)
        if plan is not turn.plan or speech is None:
            speech = reply_speech(turn.plan)
        now_ns = time.monotonic_ns()
        self.strike(Point.FIRST_AUDIO, turn.plan.turn)
        self._words = turn.plan.text.split() if self.settings.transcribe_output else []
        self._speaking = speaking.start(speech, now_ns, turn.timing.speed)
        self._send_audio(self._speaking)

    def _send_audio(self, current: speaking.Speaking) -> None:
        turn = self.talk.turn
        if turn is None:
            self._speaking = None
            return
        chunk = current.next_chunk
        twist = self.strike(Point.MID_AUDIO, turn.plan.turn) if current.is_halfway else Twist()
        if twist.odd_pcm:
            chunk = chunk[:-1]
        first = current.sent == 0
        if not twist.drop_audio:
            noted = (lambda: self._log_first_audio(turn)) if first else None
            self.wire.send(frames.audio(chunk), noted)
        if current.sent % TRANSCRIPT_EVERY_CHUNKS == 0 and self._words:
            self._transcribe(WORDS_PER_TRANSCRIPT)
        if twist.complete_early:
            self._send_content(turnComplete=True)
        self._speaking = speaking.advance(current, self.clockwork.gap_seconds(turn.timing))
        if self._speaking.done:
            played_ns = self._speaking.played_ns(self.shared.config.playback_speed)
            self._speaking = None
            self._transcribe(len(self._words))
            self.talk, actions = step(self.talk, AudioSent(played_ns))
            self._spoken_seconds = current.speech.seconds
            for action in actions:
                self._perform(action)

    def _transcribe(self, count: int) -> None:
        words, self._words = self._words[:count], self._words[count:]
        if words:
            self._send_content(outputTranscription={"text": " ".join(words) + " "})

    def _interrupt(self, turn: UserTurn, ids: tuple[str, ...]) -> None:
        spoken = self._speaking.sent_seconds if self._speaking else self._spoken_seconds
        self._speaking = None
        self._words = []
        gone = tuple(each for each in ids if each in self.conversation.pending)
        for each in gone:
            del self.conversation.pending[each]
        if gone:
            self.wire.send(frames.tool_cancellation(gone))
            self._log("tool_cancel", ids=list(gone))
        self._send_content(interrupted=True)
        self._log_turn("interrupted", turn)
        self._finish(turn, spoken)

    def _complete(self, turn: UserTurn) -> None:
        self._finish(turn, self._spoken_seconds)

    def _finish(self, turn: UserTurn, spoken: float) -> None:
        self._spoken_seconds = 0.0
        twist = self.strike(Point.TURN_COMPLETE, turn.plan.turn)
        ledger, usage = charge(self.conversation.ledger, turn.spoken_seconds, spoken)
        self.conversation.ledger = ledger
        usage = times(usage, twist.vague_usage or 1)
        billed = None if twist.no_usage else usage
        detailed = not twist.vague_usage
        self.wire.send(frames.turn_complete(billed, self.settings.api, detailed=detailed))
        self._log("usage", **asdict(usage), prompt=usage.prompt, total=usage.total)
        if twist.double_usage:
            body = frames.usage_metadata(usage, self.settings.api)
            self.wire.send(frames.frame({"usageMetadata": body}))
        self._log_turn("turn_complete", turn)
        if twist.late_audio_seconds is not None:
            late = frames.audio(reply_speech(turn.plan).chunks[0])
            self.connection.after(twist.late_audio_seconds, lambda: self.wire.send(late))
        if self.settings.profile.handles_every_turn:
            self.connection.offer_handle(self.conversation, self.settings)
        if not self.settings.compresses and ledger.context > CONTEXT_TOKENS:
            self.wire.close(*CONTEXT_EXHAUSTED)

    def _send_content(self, **content: Any) -> None:
        self.wire.send(frames.server_content(**content))

    def _log_first_audio(self, turn: UserTurn) -> None:
        asked = turn.asked or turn
        self._log_turn(
            "reply_first_audio",
            turn,
            last_speech_received_ns=asked.last_speech_ns,
            end_of_turn_ns=asked.ended_ns,
            silence_seconds=asked.silence_seconds,
            tool_seconds=self.tool_seconds,
            source=turn.source.value,
        )

    def _log_turn(self, event: str, turn: UserTurn, **facts: Any) -> None:
        self._log(event, call=turn.plan.call, turn=turn.plan.turn, **facts)

    def _log(self, event: str, **facts: Any) -> None:
        self.shared.log.add(self.name, event, **facts)
