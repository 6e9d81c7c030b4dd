"""One Live session: what the client sends goes into the decisions, what they say goes out."""

import time
from dataclasses import replace
from typing import Any

from callfleet_rehearsal.emulator import brain, listening, messages
from callfleet_rehearsal.emulator.conversations import (
    PendingTool,
)
from callfleet_rehearsal.emulator.fault_kinds import Point
from callfleet_rehearsal.emulator.faults import Effect
from callfleet_rehearsal.emulator.hearing import Ear
from callfleet_rehearsal.emulator.performing import Performer
from callfleet_rehearsal.emulator.profiles import Api
from callfleet_rehearsal.emulator.reading import RefusedError, invalid
from callfleet_rehearsal.emulator.setting_up import listen_rules, set_up
from callfleet_rehearsal.emulator.settings import preamble_tokens, read_functions, read_settings
from callfleet_rehearsal.emulator.shared import Shared
from callfleet_rehearsal.emulator.turns import (
    CallerBegan,
    LateToolAnswered,
    Phase,
    Source,
    ToolAnswered,
    TurnEnded,
    UserTurn,
)
from callfleet_rehearsal.emulator.wire import Wire

EXPLICIT_ACTIVITY = (
    "Explicit activity control is not supported when automatic activity detection is enabled."
)


class Session:
    """Reads one client. ``performer`` is its other half, which speaks."""

    def __init__(self, shared: Shared, name: str, api: Api, wire: Wire) -> None:
        self.name = name
        self.api = api
        self.wire = wire
        self.performer: Performer | None = None
        self._shared = shared
        self._ear = Ear()
        self._listening = listening.Listening()
        self._counted_seconds = 0.0
        self._history_open = False

    async def run(self, refused: RefusedError | None) -> None:
        """Serve the client until the connection ends. ``refused`` answers its first message."""
        try:
            async for data in self.wire.read():
                if refused is not None:
                    raise refused
                now_ns = time.monotonic_ns()
                for message in messages.read_message(data, self.api):
                    self._take(message, now_ns)
        except RefusedError as error:
            self._shared.log.add(self.name, "refused", code=error.code, reason=error.reason)
            self.wire.close(error.code, error.reason)
            async for _ in self.wire.read():
                continue
        finally:
            if self.performer is not None:
                self.performer.stop()

    def _take(self, message: messages.ClientMessage, now_ns: int) -> None:
        if self.performer is None:
            self._begin(message)
            return
        performer = self.performer
        performer.connection.consumed += 1
        match message:
            case messages.AudioInput():
                self._hear(message, now_ns, performer)
            case messages.ClientContent():
                self._read(message, now_ns, performer)
            case messages.ToolResponse():
                self._tool_answers(message, now_ns, performer)
            case messages.ContextUpdate():
                self._update(message, performer)
            case messages.Setup():
                raise invalid(messages.FIRST_ONLY)
            case _:
                self._take_realtime(message, now_ns, performer)

    def _take_realtime(
        self, message: messages.ClientMessage, now_ns: int, performer: Performer
    ) -> None:
        match message:
            case messages.TextInput(letters=letters):
                self._answer_text(performer, now_ns, letters)
            case messages.ActivityStart() | messages.ActivityEnd():
                self._activity(message, now_ns, performer)
            case messages.AudioStreamEnd() if performer.settings.detection.automatic:
                self._listening, found = listening.end(self._listening, now_ns)
                self._found(found, now_ns, performer)

    def _begin(self, message: messages.ClientMessage) -> None:
        if not isinstance(message, messages.Setup):
            raise invalid(messages.FIRST_ONLY)
        config = self._shared.config
        settings = read_settings(message.body, self.api, config.profile)
        self.performer = set_up(self._shared, self.name, self.wire, settings)
        self._history_open = settings.initial_history
        self._rules = listen_rules(settings, config)
        self.performer.open()

    def describe(self) -> dict[str, Any]:
        """Say what the session is doing, for people and tests."""
        performer = self.performer
        return {
            "session": self.name,
            "api": self.api.value,
            "model": performer.settings.model if performer else None,
            "phase": self._phase(performer),
            "context_tokens": performer.conversation.ledger.context if performer else 0,
            "call": performer.conversation.memory.call if performer else None,
        }

    def _phase(self, performer: Performer | None) -> str:
        if performer is None:
            return "setup"
        idle = performer.talk.phase is Phase.IDLE
        return "user" if idle and self._listening.speaking else performer.talk.phase.value

    def strike_now(self, effect: Effect) -> None:
        """Carry a fault out at once."""
        if self.performer is not None:
            self.performer.striker.strike(effect)

    def drop(self) -> None:
        """Cut the connection without a word."""
        self.wire.drop()

    # What is heard

    def _hear(self, message: messages.AudioInput, now_ns: int, performer: Performer) -> None:
        for piece in self._ear.hear(message.pcm, message.rate, now_ns):
            for marker in piece.markers:
                self._listening = listening.note_marker(self._listening, marker)
                self._shared.log.add(
                    self.name,
                    "marker",
                    call=marker.call,
                    turn=marker.turn,
                    complete=marker.complete,
                    wants_tool=marker.wants_tool,
                )
            if piece.ended:
                self._shared.log.add(
                    self.name, "speech_end", last_speech_received_ns=piece.sound.last_speech_ns
                )
            self._listening, found = listening.hear(self._listening, piece.sound, self._rules)
            if found:
                self._found(found, now_ns, performer)

    def _activity(
        self,
        message: messages.ActivityStart | messages.ActivityEnd,
        now_ns: int,
        performer: Performer,
    ) -> None:
        if self._rules.automatic:
            raise invalid(EXPLICIT_ACTIVITY)
        if isinstance(message, messages.ActivityStart):
            self._listening, found = listening.begin(self._listening)
        else:
            self._listening, found = listening.end(self._listening, now_ns)
        self._found(found, now_ns, performer)

    def _found(self, found: tuple[listening.Found, ...], now_ns: int, performer: Performer) -> None:
        for each in found:
            if isinstance(each, listening.SpeechBegan):
                self._shared.log.add(self.name, "speech_start")
                performer.strike(Point.SPEECH)
                performer.happen(CallerBegan(performer.settings.detection.interrupts))
            else:
                self._turn_ended(each, now_ns, performer)

    def _turn_ended(self, ended: listening.SpeechEnded, now_ns: int, performer: Performer) -> None:
        question = brain.Question(Source.SPEECH, ended.marker)
        spoken = ended.spoken_seconds
        if performer.settings.detection.all_input:
            spoken = self._ear.heard_seconds - self._counted_seconds
            self._counted_seconds = self._ear.heard_seconds
        needed = listening.needed_silence_seconds(ended.marker, self._rules)
        silence = needed if self._rules.automatic and ended.silence_seconds else 0.0
        turn = UserTurn(
            source=Source.SPEECH,
            last_speech_ns=ended.last_speech_ns,
            ended_ns=now_ns,
            silence_seconds=silence,
            spoken_seconds=spoken,
            plan=performer.decide(question),
            timing=performer.clockwork.turn(silence),
        )
        self._shared.log.add(
            self.name,
            "end_of_turn",
            at_ns=now_ns,
            call=turn.plan.call,
            turn=turn.plan.turn,
            last_speech_received_ns=ended.last_speech_ns,
            silence_seconds=silence,
        )
        if ended.marker is None:
            self._shared.log.add(self.name, "unmatched_turn", turn=turn.plan.turn)
        performer.happen(TurnEnded(turn))

    def _read(self, content: messages.ClientContent, now_ns: int, performer: Performer) -> None:
        needs_role = performer.settings.profile.needs_role
        messages.check_roles(content, self.api, needs_role=needs_role)
        letters = sum(len(turn.text) for turn in content.turns)
        if self._history_open:
            self._history_open = not content.complete
            performer.add_text(letters)
            return
        if not content.complete:
            performer.add_text(letters)
            performer.happen(CallerBegan(may_interrupt=True))
            return
        dot = [turn.text for turn in content.turns] == ["."]
        self._answer_text(performer, now_ns, letters, only_a_dot=dot)

    def _answer_text(
        self, performer: Performer, now_ns: int, letters: int, *, only_a_dot: bool = False
    ) -> None:
        performer.add_text(letters)
        only_a_dot = only_a_dot and performer.settings.profile.dot_is_empty
        plan = performer.decide(brain.Question(Source.TEXT, only_a_dot=only_a_dot))
        performer.happen(
            TurnEnded(
                UserTurn(
                    source=Source.TEXT,
                    last_speech_ns=now_ns,
                    ended_ns=now_ns,
                    silence_seconds=0.0,
                    spoken_seconds=0.0,
                    plan=plan,
                    timing=performer.clockwork.turn(0.0),
                )
            )
        )

    def _update(self, message: messages.ContextUpdate, performer: Performer) -> None:
        if message.tools is not None:
            functions = read_functions(message.tools, performer.settings.profile)
            performer.settings = replace(performer.settings, functions=functions)
        if message.instruction is not None:
            ledger = performer.conversation.ledger
            tokens = preamble_tokens(message.instruction, [])
            performer.conversation.ledger = replace(ledger, preamble=tokens)

    # What tools answer

    def _tool_answers(
        self, response: messages.ToolResponse, now_ns: int, performer: Performer
    ) -> None:
        pending = performer.conversation.pending
        for answer in response.answers:
            call = self._pending(answer, pending)
            if call is None:
                self._shared.log.add(self.name, "unmatched_tool_response", id=answer.call_id)
                continue
            del pending[call.call_id]
            took = (now_ns - call.called_ns) / 1e9
            performer.add_text(answer.letters)
            self._shared.log.add(self.name, "tool_response", at_ns=now_ns, id=call.call_id)
            if call.blocking and performer.waits_for_tool:
                performer.tool_seconds += took
                if not any(each.blocking for each in pending.values()):
                    performer.happen(ToolAnswered(now_ns))
                continue
            turn = self._late_turn(call, now_ns, took, performer)
            performer.happen(LateToolAnswered(turn, answer.scheduling, self._listening.speaking))

    @staticmethod
    def _late_turn(call: PendingTool, now_ns: int, took: float, performer: Performer) -> UserTurn:
        """Plan the reply to a result that nothing waited for, as part of the turn that asked."""
        asked = call.asked
        plan = replace(asked.plan, tool=None)
        timing = performer.clockwork.turn(0.0)
        timing = replace(timing, think_seconds=timing.after_tool_seconds)
        return UserTurn(
            Source.TOOL_RESULT, now_ns, now_ns, 0.0, 0.0, plan, timing, asked, tool_seconds=took
        )

    @staticmethod
    def _pending(
        answer: messages.ToolAnswer, pending: dict[str, PendingTool]
    ) -> PendingTool | None:
        if answer.call_id:
            return pending.get(answer.call_id)
        return next(
            (call for call in pending.values() if call.name == answer.name and call.without_id),
            None,
        )
