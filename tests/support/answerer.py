"""An agent made of a caller's own parts: it greets, hears markers, and replies when told to."""

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp
import numpy as np
from livekit import api

from callfleet_rehearsal.callers.ear import Ear, Heard, SoundBegan, SoundEnded
from callfleet_rehearsal.callers.mouth import RecordedMouth
from callfleet_rehearsal.callers.opus import PACKET_SECONDS, PACKET_TICKS, RATE
from callfleet_rehearsal.callers.presence import Presence, Way
from callfleet_rehearsal.callers.rtp import RtpPacket, pack_rtp, parse_rtp
from callfleet_rehearsal.callers.sdp import OPUS_PAYLOAD_TYPE
from callfleet_rehearsal.callers.signalling import Signalling
from callfleet_rehearsal.callers.speech import Utterance, between, utter
from callfleet_rehearsal.evidence import HeardMarker
from callfleet_rehearsal.sound.clips import reply
from callfleet_rehearsal.sound.marker import UNKNOWN_CALL, Marker, Speaker, render
from callfleet_rehearsal.stack.livekit import LiveKitServer


def agent_utterance(call: int, turn: int) -> Utterance:
    """What the emulated model would say, as an agent sends it."""
    speech = reply(call, turn).samples
    return utter([np.concatenate([render(Marker(call, turn), Speaker.AGENT, RATE), speech])])


@dataclass
class Answerer:
    """Joins a room as its agent. ``first_sent_ns`` tells when each turn's reply really began.

    With ``counts_turns`` it needs no markers to know which turn is spoken.
    """

    server: LiveKitServer
    room: str
    call: int
    replies_after_seconds: float = 0.3
    turns: int = 3
    counts_turns: bool = False
    first_sent_ns: dict[int, int] = field(default_factory=dict)
    heard: list[HeardMarker] = field(default_factory=list)
    packets: int = 0
    latest_seconds: float = 0.0
    _sequence: int = 0
    _turn: int = 0
    _spoken_to: int = 0
    _due_ns: int = 0

    def __post_init__(self) -> None:
        # Before anybody joins: this takes a moment in which nothing else could happen.
        self._greeting = agent_utterance(UNKNOWN_CALL, 0)
        self._replies = {
            turn: agent_utterance(self.call, turn) for turn in range(1, self.turns + 1)
        }

    async def run(self, ready: asyncio.Event) -> None:
        """Be the agent until cancelled."""
        async with aiohttp.ClientSession() as http:
            way = Way(self.server.url, self._token(), hears_everybody=True)
            self._presence = Presence(way, Signalling(http))
            try:
                await self._presence.join()
                ready.set()
                await self._talk()
            finally:
                await self._presence.vanish()

    def _token(self) -> str:
        grants = api.VideoGrants(room_join=True, room=self.room, agent=True)
        made = api.AccessToken(self.server.api_key, self.server.api_secret)
        return made.with_identity("agent").with_kind("agent").with_grants(grants).to_jwt()

    async def _talk(self) -> None:
        silence = between()
        self._mouth = RecordedMouth(silence)
        self._ear = Ear(Speaker.CALLER)
        loop = asyncio.get_running_loop()
        deadline = loop.time()
        greeted = False
        while True:
            await asyncio.sleep(deadline - loop.time())
            if self.packets:
                self.latest_seconds = max(self.latest_seconds, loop.time() - deadline)
            deadline += PACKET_SECONDS
            now_ns = time.monotonic_ns()
            if self._send():
                self.first_sent_ns[self._turn] = now_ns
            self._take()
            if self.packets and not greeted:
                greeted = True
                self._mouth.say(self._greeting)
            for heard in self._ear.listen(now_ns):
                self._hear(heard, silence)
            if self._due_ns and now_ns >= self._due_ns:
                self._turn, self._spoken_to, self._due_ns = self._spoken_to, 0, 0
                self._mouth.say(self._replies[self._turn])

    def _hear(self, heard: Heard, silence: tuple[bytes, ...]) -> None:
        """Fall silent where a marker tells of a caller's speech; reply some time after it."""
        if isinstance(heard, HeardMarker):
            self.heard.append(heard)
            self._mouth = RecordedMouth(silence)
            self._spoken_to, self._due_ns = heard.turn, 0
        elif isinstance(heard, SoundBegan):
            self._due_ns = 0
            if self.counts_turns:
                self._spoken_to = self._turn + 1
        elif isinstance(heard, SoundEnded) and self._spoken_to:
            self._due_ns = heard.played_ns + round(self.replies_after_seconds * 1e9)

    def _send(self) -> bool:
        """Send the next packet; say whether speech begins in it."""
        spoken = self._mouth.next()
        self._sequence += 1
        packet = RtpPacket(
            OPUS_PAYLOAD_TYPE,
            self._sequence,
            self._sequence * PACKET_TICKS,
            self._presence.ssrc,
            spoken.payload,
        )
        self._presence.transport.send_rtp(pack_rtp(packet))
        return spoken.begins

    def _take(self) -> None:
        for arrival in self._presence.transport.drain():
            packet = None if arrival.rtcp else parse_rtp(arrival.data)
            if packet is not None and self._presence.hears(packet.ssrc):
                self.packets += 1
                self._ear.arrive(packet, arrival.at_ns)
