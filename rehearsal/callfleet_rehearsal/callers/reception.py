"""What a receiver knows of one stream: order, loss and jitter (RFC 3550, appendix A). Pure."""

from callfleet_rehearsal.callers.rtp import RTP_CLOCK_RATE, ReportBlock, RtpPacket


class Unwrapper:
    """Counts on where a field of ``bits`` bits starts again from zero."""

    def __init__(self, bits: int) -> None:
        self._modulus = 1 << bits
        self._latest: int | None = None

    def unwrap(self, value: int) -> int:
        """Give the value its place on an endless scale, the nearest to the latest one."""
        if self._latest is None:
            self._latest = value
            return value
        half = self._modulus // 2
        step = (value - self._latest + half) % self._modulus - half
        placed = self._latest + step
        self._latest = max(self._latest, placed)
        return placed


class Reception:
    """Statistics of one received stream."""

    def __init__(self) -> None:
        self.ssrc = 0
        self.packets_received = 0
        self.jitter_seconds = 0.0
        self._sequences = Unwrapper(16)
        self._first: int | None = None
        self._highest = 0
        self._transit: float | None = None
        self._reported = (0, 0)
        self._sender_report = (0, 0)

    @property
    def packets_expected(self) -> int:
        """How many packets the sender has numbered so far."""
        return 0 if self._first is None else self._highest - self._first + 1

    @property
    def packets_lost(self) -> int:
        """How many of them are missing; duplicates do not make up for them."""
        return max(0, self.packets_expected - self.packets_received)

    def receive(self, packet: RtpPacket, arrived_ns: int) -> int:
        """Count a packet and return its sequence number on an endless scale."""
        sequence = self._sequences.unwrap(packet.sequence)
        if self._first is None or packet.ssrc != self.ssrc:
            self._restart(packet, sequence)
        elif sequence < self._first:
            self._first = sequence
        self._highest = max(self._highest, sequence)
        self.packets_received += 1
        transit = arrived_ns / 1e9 - packet.timestamp / RTP_CLOCK_RATE
        if self._transit is not None:
            step = abs(transit - self._transit)
            # A step of half an hour is the timestamp starting again, not jitter.
            if step < 1800:  # noqa: PLR2004 - as above
                self.jitter_seconds += (step - self.jitter_seconds) / 16
        self._transit = transit
        return sequence

    def sender_reported(self, ntp_middle: int, arrived_ns: int) -> None:
        """Remember the sender's report, so that ours lets it compute its round trip."""
        self._sender_report = (ntp_middle, arrived_ns)

    def report(self, now_ns: int) -> ReportBlock:
        """Make the block for the next report, and start its interval anew."""
        expected, received = self.packets_expected, self.packets_received
        interval = expected - self._reported[0]
        lost = max(0, interval - (received - self._reported[1]))
        self._reported = (expected, received)
        ntp_middle, arrived_ns = self._sender_report
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, lost * 256 // interval) if interval > 0 else 0,
            packets_lost=self.packets_lost,
            highest_sequence=self._highest,
            jitter=int(self.jitter_seconds * RTP_CLOCK_RATE),
            last_sender_report=ntp_middle,
            delay_since_last_sender_report=(
                int((now_ns - arrived_ns) * 65_536 // 1_000_000_000) if ntp_middle else 0
            ),
        )

    def _restart(self, packet: RtpPacket, sequence: int) -> None:
        self.ssrc = packet.ssrc
        self._first = sequence
        self._highest = sequence
        self._transit = None
