"""Spoils what a caller receives, so that the verdict can be tested on real calls. Seeded, pure."""

import random

from callfleet_rehearsal.callers.opus import PACKET_SECONDS, PACKET_TICKS
from callfleet_rehearsal.callers.plan import EarFaults
from callfleet_rehearsal.callers.rtp import RtpPacket

_PACKET_NS = round(PACKET_SECONDS * 1e9)
_NEAR = 1000


class Spoiler:
    """Stands between the network and the ear."""

    def __init__(self, faults: EarFaults, silence: bytes, seed: int) -> None:
        self._faults = faults
        self._silence = silence
        self._random = random.Random(seed)
        self._reply_began_ns: int | None = None
        self._shift = 0
        self._latest = 0
        self._used_up: int | None = None

    def reply_began(self, at_ns: int) -> None:
        """Learn that a reply began to arrive at this instant."""
        self._reply_began_ns = at_ns

    def caller_speaks(self) -> None:
        """Learn that the reply is over: what was put in is taken out of the silence after it."""
        self._reply_began_ns = None
        if self._shift:
            self._used_up = self._latest
        self._shift = 0

    def spoil(self, packet: RtpPacket, at_ns: int) -> list[tuple[RtpPacket, int]]:
        """Give what arrives in place of a packet, and when."""
        if self._random.random() < self._faults.drop_ratio:
            return []
        if self._is_used_up(packet.sequence):
            return []
        arrivals = self._put_silence_in(packet, at_ns)
        if self._is_cut(at_ns):
            packet = packet._replace(payload=self._silence)
        shifted = self._shifted(packet, self._shift)
        self._latest = shifted.sequence
        arrivals.append((shifted, at_ns + self._delay_ns()))
        return arrivals

    def _put_silence_in(self, packet: RtpPacket, at_ns: int) -> list[tuple[RtpPacket, int]]:
        wanted = round(self._faults.silence_seconds / PACKET_SECONDS)
        if self._reply_began_ns is None or self._shift or not wanted:
            return []
        arrivals: list[tuple[RtpPacket, int]] = []
        for _ in range(wanted):
            silent = self._shifted(packet._replace(payload=self._silence), self._shift)
            arrivals.append((silent, at_ns + self._delay_ns()))
            self._shift += 1
        return arrivals

    def _is_used_up(self, sequence: int) -> bool:
        """Whether silence that was put in before has taken this number."""
        if self._used_up is None:
            return False
        if _NEAR < (sequence - self._used_up) & 0xFFFF < 2 * _NEAR:
            # Long past: the numbers begin again some day.
            self._used_up = None
            return False
        return (self._used_up - sequence) & 0xFFFF < _NEAR

    def _is_cut(self, at_ns: int) -> bool:
        after = self._faults.cut_after_seconds
        if after is None or self._reply_began_ns is None:
            return False
        return at_ns >= self._reply_began_ns + round(after * 1e9)

    def _delay_ns(self) -> int:
        return round(self._faults.delay_seconds * 1e9) + self._shift * _PACKET_NS

    @staticmethod
    def _shifted(packet: RtpPacket, packets: int) -> RtpPacket:
        return packet._replace(
            sequence=(packet.sequence + packets) & 0xFFFF,
            timestamp=(packet.timestamp + packets * PACKET_TICKS) & 0xFFFFFFFF,
        )
