"""What a caller hears: packets through a jitter buffer, decoded, markers and speech found in it.

Works in batches, whenever it is asked: what was heard when is told by arrivals, not by its clock.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

import numpy as np

from callfleet_rehearsal.callers.jitter import Fate, JitterBuffer, Slot
from callfleet_rehearsal.callers.opus import RATE, Decoder, Samples, Thinner
from callfleet_rehearsal.callers.reception import Reception, Unwrapper
from callfleet_rehearsal.callers.rtp import RTP_CLOCK_RATE, RtpPacket
from callfleet_rehearsal.evidence import HeardMarker
from callfleet_rehearsal.sound.marker import MarkerFinder, Speaker
from callfleet_rehearsal.sound.voice import Edge, SpeechDetector

REPLY_GAP_SECONDS = 0.35
"""Quiet of this length ends a stretch of sound; a shorter one is a pause between words."""
_AUDIBLE_PEAK = 200
_LOUD_MEMORY_SLOTS = 5
_GAP_TICKS_FILLED = RTP_CLOCK_RATE // 2
_DRY_NS = 500_000_000
_MAP_ENTRIES = 1500
_STEP = RTP_CLOCK_RATE // RATE


@dataclass(frozen=True, slots=True)
class SoundBegan:
    """The other side began to be audible."""

    played_ns: int
    arrived_ns: int


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """The other side's last audible sample so far was played at ``played_ns``."""

    played_ns: int


@dataclass(frozen=True, slots=True)
class Concealed:
    """Audible sound was missing or late for so long."""

    played_ns: int
    seconds: float


Heard = HeardMarker | SoundBegan | SoundEnded | Concealed


class Ear:
    """Hears one stream after another."""

    def __init__(self, speaker: Speaker = Speaker.AGENT) -> None:
        self.reception = Reception()
        self._buffer = JitterBuffer()
        self._ticks = Unwrapper(32)
        self._ssrc: int | None = None
        self._decoder = Decoder()
        self._thinner = Thinner()
        self._finder = MarkerFinder(speaker, RATE)
        self._detector = SpeechDetector(RATE, hang_seconds=REPLY_GAP_SECONDS)
        self._position = 0
        self._played_until_ns = 0
        self._starts: list[int] = []
        self._instants: list[tuple[int, int]] = []
        self._loud: deque[bool] = deque([False], maxlen=_LOUD_MEMORY_SLOTS)
        self._doubtful: list[Concealed] = []
        self._last = np.zeros(960, dtype=np.int16)
        self.latest = np.zeros(0, dtype=np.int16)

    def arrive(self, packet: RtpPacket, arrived_ns: int) -> None:
        """Take a packet as it arrives."""
        if packet.ssrc != self._ssrc:
            self._ssrc = packet.ssrc
            self._buffer = JitterBuffer()
            self._ticks = Unwrapper(32)
        sequence = self.reception.receive(packet, arrived_ns)
        if packet.payload:
            ticks = self._ticks.unwrap(packet.timestamp)
            self._buffer.put(sequence, ticks, arrived_ns, packet.payload)

    def listen(self, now_ns: int) -> list[Heard]:
        """Hear what has been played up to now."""
        slots = self._buffer.take(now_ns) or self._silence_of_a_dry_stream(now_ns)
        if not slots:
            self.latest = np.zeros(0, dtype=np.int16)
            return []
        self._played_until_ns = slots[-1].played_ns + _as_ns(slots[-1].ticks)
        heard: list[Heard] = []
        pieces = [self._sound_of(slot, heard) for slot in slots]
        sound = self._thinner.thin(np.concatenate(pieces))
        self.latest = sound
        heard += self._find(sound)
        self._buffer.quiet = not self._detector.speaking
        return heard

    def _silence_of_a_dry_stream(self, now_ns: int) -> list[Slot]:
        """A sender that stops sending ends its speech, too."""
        if not self._detector.speaking or now_ns - self._played_until_ns < _DRY_NS:
            return []
        return [Slot(Fate.SILENT, self._played_until_ns, now_ns, _GAP_TICKS_FILLED)]

    def _sound_of(self, slot: Slot, heard: list[Heard]) -> Samples:
        if slot.fate is Fate.HEARD:
            sound = self._decoder.decode(slot.payload)
            audible = len(sound) > 0 and int(np.abs(sound).max()) > _AUDIBLE_PEAK
            if audible:
                heard += self._doubtful
            self._last = sound
        elif slot.fate is Fate.SILENT:
            sound = np.zeros(min(slot.ticks, _GAP_TICKS_FILLED), dtype=np.int16)
            audible = False
        else:
            sound, audible = self._conceal(slot, heard), any(self._loud)
        if slot.fate in {Fate.HEARD, Fate.SILENT}:
            self._doubtful = []
            self._loud.append(audible)
        self._starts.append(self._position)
        self._instants.append((slot.played_ns, slot.arrived_ns))
        sound = sound[: len(sound) // _STEP * _STEP]
        self._position += len(sound) // _STEP
        return sound

    def _conceal(self, slot: Slot, heard: list[Heard]) -> Samples:
        missing = Concealed(slot.played_ns, slot.ticks / RTP_CLOCK_RATE)
        if any(self._loud):
            heard.append(missing)
        else:
            # At the very start of a reply only what follows tells that this was audible.
            self._doubtful.append(missing)
        sound = np.zeros(min(slot.ticks, _GAP_TICKS_FILLED), dtype=np.int16)
        kept = min(len(sound), len(self._last))
        sound[:kept] = self._last[:kept] // 2
        self._last = np.zeros(0, dtype=np.int16)
        return sound

    def _find(self, sound: Samples) -> list[Heard]:
        found: list[Heard] = []
        for one in self._finder.feed(sound):
            played_ns, arrived_ns = self._instant(one.start_sample)
            marker = one.marker
            found.append(HeardMarker(marker.call, marker.turn, arrived_ns, played_ns))
        for edge in self._detector.feed(sound):
            played_ns, arrived_ns = self._instant(edge.sample)
            begun = edge.edge is Edge.START
            found.append(SoundBegan(played_ns, arrived_ns) if begun else SoundEnded(played_ns))
        if len(self._starts) > 2 * _MAP_ENTRIES:
            del self._starts[:-_MAP_ENTRIES], self._instants[:-_MAP_ENTRIES]
        return found

    def _instant(self, sample: int) -> tuple[int, int]:
        """When a sample was played, and when the packet that holds it arrived."""
        place = max(0, bisect_right(self._starts, sample) - 1)
        played_ns, arrived_ns = self._instants[place]
        within_ns = (sample - self._starts[place]) * 1_000_000_000 // RATE
        return played_ns + within_ns, arrived_ns


def _as_ns(ticks: int) -> int:
    return ticks * 1_000_000_000 // RTP_CLOCK_RATE
