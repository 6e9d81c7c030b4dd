"""RTP and RTCP as bytes (RFC 3550): the few packets that one audio call needs. Pure."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

RTP_CLOCK_RATE = 48_000
"""Opus in RTP always counts 48 kHz ticks, whatever was encoded (RFC 7587)."""
NTP_EPOCH_SECONDS = 2_208_988_800

_VERSION_BITS = 0x80
_RTP_HEADER = struct.Struct("!BBHII")
_RTCP_HEADER = struct.Struct("!BBH")
_SENDER_INFO = struct.Struct("!IQIII")
_REPORT_BLOCK = struct.Struct("!IIIIII")
_SENDER_REPORT = 200
_RECEIVER_REPORT = 201
_SOURCE_DESCRIPTION = 202
_RTCP_TYPES = range(192, 224)


class RtpPacket(NamedTuple):
    """One media packet, its header read."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one stream that it receives."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int
    delay_since_last_sender_report: int


@dataclass(frozen=True, slots=True)
class Report:
    """A sender or receiver report: ``ntp`` and the packet counts are 0 in receiver reports."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()
    ntp: int = 0
    rtp_timestamp: int = 0
    packets_sent: int = 0
    octets_sent: int = 0


def is_rtcp(datagram: bytes) -> bool:
    """Tell RTCP from RTP where both come on one port (RFC 5761)."""
    return len(datagram) > 1 and datagram[1] in _RTCP_TYPES


def pack_rtp(packet: RtpPacket, *, first_of_talk: bool = False) -> bytes:
    """Write a media packet without extensions."""
    kind = packet.payload_type | (0x80 if first_of_talk else 0)
    header = _RTP_HEADER.pack(
        _VERSION_BITS, kind, packet.sequence & 0xFFFF, packet.timestamp & 0xFFFFFFFF, packet.ssrc
    )
    return header + packet.payload


def parse_rtp(datagram: bytes) -> RtpPacket | None:
    """Read a media packet; None where the bytes are none."""
    if len(datagram) < _RTP_HEADER.size:
        return None
    first, kind, sequence, timestamp, ssrc = _RTP_HEADER.unpack_from(datagram)
    start = _RTP_HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(datagram) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4])
    end = len(datagram) - (datagram[-1] if first & 0x20 else 0)
    if first >> 6 != 2 or start > end:  # noqa: PLR2004 - the protocol's version
        return None
    return RtpPacket(kind & 0x7F, sequence, timestamp, ssrc, datagram[start:end])


def pack_report(report: Report) -> bytes:
    """Write a sender report (where ``ntp`` is set) or a receiver report, with its CNAME."""
    blocks = b"".join(map(_pack_block, report.blocks))
    if report.ntp:
        kind = _SENDER_REPORT
        body = _SENDER_INFO.pack(
            report.ssrc,
            report.ntp,
            report.rtp_timestamp & 0xFFFFFFFF,
            report.packets_sent & 0xFFFFFFFF,
            report.octets_sent & 0xFFFFFFFF,
        )
    else:
        kind, body = _RECEIVER_REPORT, report.ssrc.to_bytes(4)
    return _pack_rtcp(kind, len(report.blocks), body + blocks) + _pack_cname(report.ssrc)


def parse_reports(datagram: bytes) -> list[Report]:
    """Read the sender and receiver reports of a compound packet; everything else is skipped."""
    reports: list[Report] = []
    start = 0
    while start + 8 <= len(datagram):
        first, kind, words = _RTCP_HEADER.unpack_from(datagram, start)
        body = datagram[start + 4 : start + 4 * (words + 1)]
        start += 4 * (words + 1)
        count = first & 0x1F
        if kind == _RECEIVER_REPORT:
            reports.append(Report(int.from_bytes(body[:4]), _parse_blocks(body[4:], count)))
        elif kind == _SENDER_REPORT and len(body) >= _SENDER_INFO.size:
            ssrc, ntp, timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
            blocks = _parse_blocks(body[_SENDER_INFO.size :], count)
            reports.append(Report(ssrc, blocks, ntp, timestamp, packets, octets))
    return reports


def ntp_from_unix(seconds: float) -> int:
    """Write an instant of the wall clock as 64 bits of NTP."""
    return int((seconds + NTP_EPOCH_SECONDS) * 2**32)


def middle_of_ntp(ntp: int) -> int:
    """Take the 32 bits of an NTP instant that reports refer to."""
    return (ntp >> 16) & 0xFFFFFFFF


def round_trip_seconds(block: ReportBlock, arrived_ntp: int) -> float | None:
    """Work out the round trip that a report block tells of, None where it answers no report."""
    if block.last_sender_report == 0:
        return None
    answered = block.last_sender_report + block.delay_since_last_sender_report
    ticks = (middle_of_ntp(arrived_ntp) - answered) & 0xFFFFFFFF
    # A clock that was set meanwhile shows as a huge or negative trip.
    return ticks / 65_536 if ticks < 60 * 65_536 else None


def _pack_rtcp(kind: int, count: int, body: bytes) -> bytes:
    return _RTCP_HEADER.pack(_VERSION_BITS | count, kind, len(body) // 4) + body


def _pack_cname(ssrc: int) -> bytes:
    chunk = ssrc.to_bytes(4) + b"\x01\x06caller\x00"
    return _pack_rtcp(_SOURCE_DESCRIPTION, 1, chunk + bytes(-len(chunk) % 4))


def _pack_block(block: ReportBlock) -> bytes:
    lost = max(-(2**23), min(2**23 - 1, block.packets_lost)) & 0xFFFFFF
    return _REPORT_BLOCK.pack(
        block.ssrc,
        block.fraction_lost << 24 | lost,
        block.highest_sequence & 0xFFFFFFFF,
        block.jitter & 0xFFFFFFFF,
        block.last_sender_report,
        block.delay_since_last_sender_report & 0xFFFFFFFF,
    )


def _parse_blocks(body: bytes, count: int) -> tuple[ReportBlock, ...]:
    blocks: list[ReportBlock] = []
    for index in range(min(count, len(body) // _REPORT_BLOCK.size)):
        ssrc, loss, highest, jitter, last, delay = _REPORT_BLOCK.unpack_from(
            body, index * _REPORT_BLOCK.size
        )
        lost = loss & 0xFFFFFF
        signed = lost - 2**24 if lost >= 2**23 else lost
        blocks.append(ReportBlock(ssrc, loss >> 24, signed, highest, jitter, last, delay))
    return tuple(blocks)
