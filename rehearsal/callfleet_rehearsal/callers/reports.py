"""The caller's RTCP: what it reports, and what it learns of its own stream. No socket."""

import time

from callfleet_rehearsal.callers.reception import Reception
from callfleet_rehearsal.callers.rtp import (
    Report,
    middle_of_ntp,
    ntp_from_unix,
    pack_report,
    parse_reports,
    round_trip_seconds,
)
from callfleet_rehearsal.callers.transport import Arrival


class Reports:
    """One call's reports. Losses are counted per stream, as a stream may be republished."""

    def __init__(self) -> None:
        self.round_trips: list[float] = []
        self._lost: dict[int, int] = {}
        self._packets = 0
        self._octets = 0

    @property
    def lost(self) -> int:
        """How many of our packets the SFU has missed."""
        return sum(self._lost.values())

    def sent(self, octets: int) -> None:
        """Count a packet that was sent."""
        self._packets += 1
        self._octets += octets

    def take(self, arrival: Arrival, ssrc: int, reception: Reception) -> None:
        """Read a compound packet of the SFU."""
        for report in parse_reports(arrival.data):
            if report.ntp and report.ssrc == reception.ssrc:
                reception.sender_reported(middle_of_ntp(report.ntp), arrival.at_ns)
            for block in report.blocks:
                if block.ssrc != ssrc:
                    continue
                self._lost[ssrc] = max(0, block.packets_lost)
                trip = round_trip_seconds(block, _ntp_at(arrival.at_ns))
                if trip is not None:
                    self.round_trips.append(trip)

    def make(self, ssrc: int, rtp_timestamp: int, reception: Reception, now_ns: int) -> bytes:
        """Write a sender report with a block on what we receive."""
        blocks = (reception.report(now_ns),) if reception.packets_received else ()
        return pack_report(
            Report(ssrc, blocks, _ntp_at(now_ns), rtp_timestamp, self._packets, self._octets)
        )


def _ntp_at(monotonic_ns: int) -> int:
    """Write an instant of the monotonic clock as NTP, by the wall clock as it is set now."""
    ago_ns = time.monotonic_ns() - monotonic_ns
    return ntp_from_unix((time.time_ns() - ago_ns) / 1e9)
