"""One caller's life: it joins, speaks, hears, hangs up, and says what happened."""

import asyncio
import contextlib
import math
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from callfleet_rehearsal.callers.account import Notes, TurnNotes, account
from callfleet_rehearsal.callers.ear import Ear
from callfleet_rehearsal.callers.line import Line
from callfleet_rehearsal.callers.mouth import EchoingMouth, RecordedMouth, Spoken
from callfleet_rehearsal.callers.opus import PACKET_SECONDS, PACKET_TICKS
from callfleet_rehearsal.callers.plan import Deed
from callfleet_rehearsal.callers.presence import Presence
from callfleet_rehearsal.callers.reports import Reports
from callfleet_rehearsal.callers.rtp import RtpPacket, pack_rtp, parse_rtp
from callfleet_rehearsal.callers.script import (
    Act,
    Action,
    FinishedSpeaking,
    HangUp,
    News,
    Speak,
)
from callfleet_rehearsal.callers.sdp import OPUS_PAYLOAD_TYPE
from callfleet_rehearsal.callers.signalling import JoinRefusedError, Signalling
from callfleet_rehearsal.callers.transport import Arrival
from callfleet_rehearsal.evidence import CallEnd, CallRecord, HeardMarker, TurnKind

TICKS_PER_THOUGHT = 5
TICKS_PER_LISTENING = 10
_TICKS_PER_REPORT = 50

Progress = Callable[[str, dict[str, Any]], None]


class Caller:
    """One call. ``listener`` is whose ear gets what this caller receives: usually its own."""

    def __init__(self, line: Line, http: aiohttp.ClientSession, progress: Progress) -> None:
        self.listener: Caller = self
        self._line = line
        self._plan = line.script.plan
        self._progress = progress
        self._presence = Presence(line.way, Signalling(http))
        self._ear = Ear()
        self._mouth = EchoingMouth() if self._plan.echo else RecordedMouth(line.voicebox.between)
        self._notes = Notes()
        self._reports = Reports()
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[CallEnd] = self._loop.create_future()
        self._deadline = 0.0
        self._detail = ""
        self._sending = True
        self._narrow = False
        self._vanishes = False
        self._clock_ticks = 0
        self._ticks = 0
        self._late: list[float] = []
        self._packets_sent = 0
        self._news: list[News] = []
        self._errands: set[asyncio.Task[None]] = set()

    async def call(self) -> CallRecord:
        """Live the whole call."""
        join_started_ns = time.monotonic_ns()
        joined_ns: int | None = None
        try:
            await self._presence.join()
            joined_ns = time.monotonic_ns()
            self._progress("joined", {"call": self._plan.call})
            end = await self._talk(joined_ns)
        except JoinRefusedError as error:
            end, self._detail = CallEnd.JOIN_FAILED, str(error)
        except ConnectionError as error:
            lost = joined_ns is not None
            end = CallEnd.CONNECTION_LOST if lost else CallEnd.JOIN_FAILED
            self._detail = str(error)
        ended_ns = time.monotonic_ns()
        await self._leave()
        record = self._record(end, join_started_ns, joined_ns, ended_ns)
        self._progress("ended", {"call": record.call, "end": end, "detail": self._detail})
        return record

    async def _talk(self, now_ns: int) -> CallEnd:
        self._state = self._line.script.begin(now_ns)
        # Callers' packets are spread over the 20 ms, as those of strangers are.
        begun = math.ceil(self._loop.time() / PACKET_SECONDS) * PACKET_SECONDS
        self._deadline = begun + self._line.phase_seconds
        self._loop.call_at(self._deadline, self._tick)
        return await self._over

    async def _leave(self) -> None:
        for errand in self._errands:
            errand.cancel()
        with contextlib.suppress(ConnectionError):
            await (self._presence.vanish() if self._vanishes else self._presence.leave())

    def _tick(self) -> None:
        """Do what is due every 20 ms: send a packet, take what has come, sometimes think."""
        if self._over.done():
            return
        self._late.append(self._loop.time() - self._deadline)
        # On an absolute scale: a late tick is followed by an early one, as on a sound card.
        self._deadline += PACKET_SECONDS
        self._loop.call_at(self._deadline, self._tick)
        try:
            self._send()
            for arrival in self._presence.transport.drain():
                self._take(arrival)
        except ConnectionError as error:
            self._detail = str(error)
            self._finish(CallEnd.CONNECTION_LOST)
            return
        self._ticks += 1
        place = self._ticks + self._plan.call
        if place % TICKS_PER_LISTENING == 0 or isinstance(self._mouth, EchoingMouth):
            self._listen()
        if place % TICKS_PER_THOUGHT == 0:
            self._think()
        if self._ticks % _TICKS_PER_REPORT == 0:
            self._report()

    def _send(self) -> None:
        spoken = self._mouth.next()
        self._clock_ticks += PACKET_TICKS
        if self._sending:
            # What is not sent has no number, but time goes on.
            self._packets_sent += 1
            packet = RtpPacket(
                OPUS_PAYLOAD_TYPE,
                self._packets_sent,
                self._clock_ticks,
                self._presence.ssrc,
                spoken.payload,
            )
            self._presence.transport.send_rtp(pack_rtp(packet, first_of_talk=spoken.begins))
            self._reports.sent(len(spoken.payload))
        if spoken.begins or spoken.ends:
            self._note_spoken(spoken)

    def _note_spoken(self, spoken: Spoken) -> None:
        now_ns = time.monotonic_ns()
        turn = self._notes.turns[-1]
        if spoken.begins:
            turn.began_ns.append(now_ns)
        if spoken.ends:
            turn.ended_ns.append(now_ns)
        if spoken.last_of_all:
            self._news.append(FinishedSpeaking(now_ns))

    def _take(self, arrival: Arrival) -> None:
        if arrival.rtcp:
            self._reports.take(arrival, self._presence.ssrc, self._ear.reception)
            return
        packet = parse_rtp(arrival.data)
        if packet is not None and self._presence.hears(packet.ssrc):
            self.listener.receive(packet, arrival.at_ns)

    def receive(self, packet: RtpPacket, at_ns: int) -> None:
        """Take a packet for the ear."""
        if self._line.spoiler is None:
            self._ear.arrive(packet, at_ns)
            return
        for spoiled, spoiled_ns in self._line.spoiler.spoil(packet, at_ns):
            self._ear.arrive(spoiled, spoiled_ns)

    def _listen(self) -> None:
        heard = self._ear.listen(time.monotonic_ns())
        if isinstance(self._mouth, EchoingMouth):
            self._mouth.hear(self._ear.latest)
        if not heard:
            return
        self._notes.hear(heard)
        self._news += heard
        if self._line.spoiler is not None:
            for one in heard:
                if isinstance(one, HeardMarker) and one.turn:
                    self._line.spoiler.reply_began(one.at_ns)

    def _think(self) -> None:
        if self._presence.gone:
            self._detail = self._presence.left_reason
            dismissed = self._presence.dismissed
            self._finish(CallEnd.CLOSED_BY_FLEET if dismissed else CallEnd.CONNECTION_LOST)
            return
        now_ns = time.monotonic_ns()
        news, self._news = self._news, []
        was_waiting = self._state.reply_played_ns is None
        self._state, actions = self._line.script.advance(self._state, now_ns, news)
        played_ns = self._state.reply_played_ns
        if was_waiting and played_ns is not None:
            self._tell_of_reply(played_ns)
        for action in actions:
            self._act(action, now_ns)

    def _tell_of_reply(self, played_ns: int) -> None:
        facts: dict[str, Any] = {"call": self._plan.call, "turn": self._state.turn}
        if self._notes.turns and self._notes.turns[-1].ended_ns:
            facts["response_seconds"] = (played_ns - self._notes.turns[-1].ended_ns[-1]) / 1e9
        self._progress("turn" if self._state.turn else "answered", facts)

    def _act(self, action: Action, now_ns: int) -> None:
        if isinstance(action, Speak):
            self._speak(action.turn, now_ns)
        elif isinstance(action, HangUp):
            self._finish(action.end)
        elif isinstance(action, Act):
            self._do(action.deed)

    def _speak(self, turn: int, now_ns: int) -> None:
        kinds, voicebox = self._plan.kinds, self._line.voicebox
        turns = voicebox.narrow_turns if self._narrow else voicebox.turns
        utterance = turns[turn - 1]
        kind = kinds[turn - 1] if turn <= len(kinds) else TurnKind.PLAIN
        self._notes.turns.append(TurnNotes(turn, kind, now_ns, utterance.pause_seconds))
        if self._line.spoiler is not None:
            self._line.spoiler.caller_speaks()
        self._mouth.say(utterance)

    def _do(self, deed: Deed) -> None:
        if deed in {Deed.NARROW_BAND, Deed.WIDE_BAND}:
            self._narrow = deed is Deed.NARROW_BAND
        elif deed is Deed.MUTE:
            self._sending = False
            self._run(self._presence.mute(muted=True))
        elif deed is Deed.UNMUTE:
            self._sending = True
            self._run(self._presence.mute(muted=False))
        elif deed is Deed.UNPUBLISH:
            self._sending = False
            self._run(self._presence.unpublish())
        elif deed is Deed.REPUBLISH:
            self._run(self._republish())
        elif deed is Deed.VANISH:
            self._vanishes = True

    async def _republish(self) -> None:
        await self._presence.republish()
        self._sending = True

    def _run(self, errand: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._finish_errand)

    def _finish_errand(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if not isinstance(error, ConnectionError):
                raise error
            self._detail = str(error)
            self._finish(CallEnd.CONNECTION_LOST)

    def _report(self) -> None:
        now_ns = time.monotonic_ns()
        packet = self._reports.make(
            self._presence.ssrc, self._clock_ticks, self._ear.reception, now_ns
        )
        self._presence.transport.send_rtcp(packet)

    def _finish(self, end: CallEnd) -> None:
        if not self._over.done():
            self._over.set_result(end)

    def _record(
        self, end: CallEnd, join_started_ns: int, joined_ns: int | None, ended_ns: int
    ) -> CallRecord:
        told = account(self._plan, self._notes, self._line.script.listening, ended_ns)
        reception = self._ear.reception
        round_trips = self._reports.round_trips or self._presence.transport.ice.round_trips
        late = sorted(self._late)
        return CallRecord(
            call=self._plan.call,
            room=self._line.room,
            end=end,
            join_started_ns=join_started_ns,
            joined_ns=joined_ns,
            greeting_heard_ns=told.greeting_heard_ns,
            ended_ns=ended_ns,
            turns=told.turns,
            segments=told.segments,
            packets_sent=self._packets_sent,
            packets_sent_lost=self._reports.lost,
            packets_received=reception.packets_received,
            packets_received_lost=reception.packets_lost,
            concealed_seconds=told.concealed_seconds,
            heard_seconds=told.heard_seconds,
            jitter_seconds=reception.jitter_seconds,
            rtt_seconds=statistics.median(round_trips) if round_trips else 0.0,
            send_late_p95_seconds=late[int(0.95 * (len(late) - 1))] if late else 0.0,
            strange_markers=told.strange_markers,
            detail=self._detail,
            dispatch=self._presence.dispatch,
        )
