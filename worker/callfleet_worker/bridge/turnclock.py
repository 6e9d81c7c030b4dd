"""Measure, on the audio itself, how long a caller waits for a reply. No clock of its own.

Fed with every frame of ears and mouth and the instants at which they passed, it says once for
each reply: last speech sample heard → sent to the model → its first audio → first audible sample
played. A reply's silent lead-in is not audible, and a click is not speech.
"""

from collections.abc import Callable
from dataclasses import dataclass

from callfleet_contract.events import BargeIn, CallAnswered, CallEvent, SpeechHeard, TurnMeasured
from callfleet_contract.outcomes import TurnEnd
from callfleet_worker.bridge.sink import EARS_RATE, MOUTH_RATE, NS_PER_MS, NS_PER_SECOND
from callfleet_worker.bridge.vad import (
    BLOCK_MS,
    EnergyVad,
    Samples,
    block_levels,
    first_loud_sample,
)

AUDIBLE_DBFS = -50.0
NO_RESPONSE_SECONDS = 10.0
"""A turn without a reply for so long counts as not answered: the same in every fleet."""
_EARS_BLOCK = EARS_RATE * BLOCK_MS // 1000
_MOUTH_BLOCK = MOUTH_RATE * BLOCK_MS // 1000
_BLOCK_NS = BLOCK_MS * NS_PER_MS


@dataclass(frozen=True, slots=True)
class CallName:
    """Which call the clock belongs to, and when it began."""

    call_id: str
    room: str
    started_ns: int


@dataclass(slots=True)
class _Heard:
    """The caller's side of the turn that is being spoken or waits for its reply."""

    onset_ns: int = 0
    end_ns: int = 0
    sent_ns: int = 0
    speech_ns: int = 0
    tool_ns: int = 0
    tool_until_ns: int = 0


@dataclass(slots=True)
class _Reply:
    """One stretch of the agent's audio, from its first sample of the model to its last played."""

    model_audio_ns: int
    first_played_ns: int = 0
    audible_until_ns: int = 0
    turn: int = 0
    heard: _Heard | None = None


class TurnClock:
    """A state machine over two streams of sound. Every method takes its instant."""

    def __init__(
        self,
        name: CallName,
        emit: Callable[[CallEvent], None],
        *,
        no_response_seconds: float = NO_RESPONSE_SECONDS,
    ) -> None:
        self._name = name
        self._emit = emit
        self._no_response_ns = int(no_response_seconds * NS_PER_SECOND)
        self._vad = EnergyVad()
        self._heard = _Heard()
        self._reply: _Reply | None = None
        self._turns = 0
        self._answered = False
        self._speech_frame_unsent = False
        self._utterance_ns = 0
        self._jitter_buffer_seconds = 0.0
        self._agent_rtt_seconds = 0.0
        self._blocks = {"user": 0, "agent": 0, "overlap": 0, "silence": 0}

    @property
    def answered(self) -> bool:
        """Whether the caller was sent anything audible yet."""
        return self._answered

    @property
    def owes_reply(self) -> bool:
        """Whether the caller has ended a sentence that nothing was said to yet."""
        return bool(self._heard.end_ns) and not self._vad.speaking and self._reply is None

    def media(self, jitter_buffer_seconds: float, agent_rtt_seconds: float) -> None:
        """Take what the media engine measured last about the agent's leg."""
        self._jitter_buffer_seconds = jitter_buffer_seconds
        self._agent_rtt_seconds = agent_rtt_seconds

    def heard(self, samples: Samples, at_ns: int) -> None:
        """Take a frame of the caller that came out of the jitter buffer until ``at_ns``."""
        levels = block_levels(samples, _EARS_BLOCK)
        self._speech_frame_unsent = False
        for position, level in enumerate(levels):
            block_ns = at_ns - (len(levels) - 1 - position) * _BLOCK_NS
            self._hear_block(level, block_ns)
        self._check_no_response(at_ns)

    def handed(self, at_ns: int) -> None:
        """The frame heard last was handed to the model's session."""
        if self._speech_frame_unsent:
            self._heard.sent_ns = at_ns

    def model_audio(self, at_ns: int) -> None:
        """Audio of the model arrived; only the first of a reply counts."""
        if self._reply is None:
            self._reply = _Reply(model_audio_ns=at_ns)

    def played(self, samples: Samples, starts_ns: int) -> None:
        """Take a frame whose first sample leaves the mouth's queue at ``starts_ns``."""
        reply = self._reply
        if reply is None:
            reply = self._reply = _Reply(model_audio_ns=starts_ns)
        levels = block_levels(samples, _MOUTH_BLOCK)
        for position, level in enumerate(levels):
            if level < AUDIBLE_DBFS:
                continue
            block_ns = starts_ns + position * _BLOCK_NS
            if not reply.first_played_ns:
                start = position * _MOUTH_BLOCK
                block = samples[start : start + _MOUTH_BLOCK]
                offset = first_loud_sample(block, AUDIBLE_DBFS)
                self._begin_reply(reply, block_ns + offset * NS_PER_SECOND // MOUTH_RATE)
            reply.audible_until_ns = block_ns + _BLOCK_NS

    def finished(self, at_ns: int, *, interrupted: bool) -> None:
        """The reply's last sample was played, or what was left of it was thrown away."""
        reply, self._reply = self._reply, None
        if reply is None or not reply.first_played_ns:
            return
        stopped_ns = min(at_ns, reply.audible_until_ns)
        if interrupted and reply.first_played_ns < self._utterance_ns <= at_ns:
            stop_seconds = max(0, stopped_ns - self._utterance_ns) / NS_PER_SECOND
            self._emit(BargeIn(self._name.call_id, stop_seconds))
        end = TurnEnd.INTERRUPTED if interrupted else TurnEnd.COMPLETED
        self._measure(reply, end, stopped_ns)

    def tool_took(self, started_ns: int, ended_ns: int) -> None:
        """The model waited for a tool. Only what the caller waits through too is counted, once."""
        if self._reply is not None and self._reply.first_played_ns:
            return
        heard = self._heard
        heard.tool_ns += max(0, ended_ns - max(started_ns, heard.tool_until_ns, heard.end_ns))
        heard.tool_until_ns = max(heard.tool_until_ns, ended_ns)

    def spoken(self) -> None:
        """Tell who spoke how long since the last time."""
        counts = {party: count * BLOCK_MS / 1000.0 for party, count in self._blocks.items()}
        self._blocks = dict.fromkeys(self._blocks, 0)
        if any(counts.values()):
            self._emit(
                SpeechHeard(
                    self._name.call_id,
                    counts["user"],
                    counts["agent"],
                    counts["overlap"],
                    counts["silence"],
                )
            )

    def closed(self, at_ns: int) -> None:
        """The call is over: a reply that still plays ends with it."""
        reply, self._reply = self._reply, None
        if reply is not None and reply.first_played_ns:
            self._measure(reply, TurnEnd.SESSION_CLOSED, min(at_ns, reply.audible_until_ns))
        self.spoken()

    def _hear_block(self, level: float, block_ns: int) -> None:
        was_speaking = self._vad.speaking
        loud = self._vad.feed(level)
        speaking = self._vad.speaking
        reply = self._reply
        agent = bool(
            reply
            and reply.first_played_ns
            and reply.first_played_ns <= block_ns < reply.audible_until_ns + _BLOCK_NS
        )
        self._count(user=speaking, agent=agent)
        if speaking and not was_speaking:
            # Speech is recognised by its third loud block; the first of them was its onset.
            self._utterance_ns = block_ns - 3 * _BLOCK_NS
            self._heard.onset_ns = self._heard.onset_ns or self._utterance_ns
            self._heard.speech_ns += 2 * _BLOCK_NS
        if speaking and loud:
            self._heard.end_ns = block_ns
            self._heard.sent_ns = 0
            self._heard.speech_ns += _BLOCK_NS
            self._speech_frame_unsent = True

    def _count(self, *, user: bool, agent: bool) -> None:
        if user:
            self._blocks["overlap" if agent else "user"] += 1
        else:
            self._blocks["agent" if agent else "silence"] += 1

    def _begin_reply(self, reply: _Reply, first_ns: int) -> None:
        reply.first_played_ns = first_ns
        if not self._answered:
            self._answered = True
            seconds = (first_ns - self._name.started_ns) / NS_PER_SECOND
            self._emit(CallAnswered(self._name.call_id, seconds))
        if self._heard.end_ns:
            self._turns += 1
            reply.turn = self._turns
            reply.heard, self._heard = self._heard, _Heard()

    def _measure(self, reply: _Reply, end: TurnEnd, stopped_ns: int) -> None:
        heard = reply.heard
        if heard is None:
            return
        # Stages never run backwards, even where the model spoke before the caller had ended.
        sent_ns = max(heard.sent_ns or heard.end_ns, heard.end_ns)
        model_ns = min(max(reply.model_audio_ns, sent_ns), max(reply.first_played_ns, sent_ns))
        self._emit(
            TurnMeasured(
                call_id=self._name.call_id,
                room=self._name.room,
                turn=reply.turn,
                end=end,
                speech_end_ns=heard.end_ns,
                model_sent_ns=sent_ns,
                first_model_audio_ns=model_ns,
                first_played_ns=max(reply.first_played_ns, model_ns),
                tool_seconds=heard.tool_ns / NS_PER_SECOND,
                jitter_buffer_seconds=self._jitter_buffer_seconds,
                agent_rtt_seconds=self._agent_rtt_seconds,
                heard_seconds=heard.speech_ns / NS_PER_SECOND,
                played_seconds=max(0, stopped_ns - reply.first_played_ns) / NS_PER_SECOND,
            )
        )

    def _check_no_response(self, at_ns: int) -> None:
        heard = self._heard
        if not heard.end_ns or self._vad.speaking or self._reply is not None:
            return
        if at_ns - max(heard.end_ns, heard.tool_until_ns) < self._no_response_ns:
            return
        self._turns += 1
        self._heard = _Heard()
        silent = _Reply(model_audio_ns=at_ns, first_played_ns=at_ns, turn=self._turns, heard=heard)
        self._measure(silent, TurnEnd.NO_RESPONSE, at_ns)
