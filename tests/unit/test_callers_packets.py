"""RTP, RTCP, SDP and the statistics of a received stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_rehearsal.callers.reception import Reception, Unwrapper
from callfleet_rehearsal.callers.rtp import (
    Report,
    ReportBlock,
    RtpPacket,
    is_rtcp,
    middle_of_ntp,
    ntp_from_unix,
    pack_report,
    pack_rtp,
    parse_reports,
    parse_rtp,
    round_trip_seconds,
)
from callfleet_rehearsal.callers.sdp import (
    Candidate,
    LocalIce,
    Section,
    UnusableAnswerError,
    offer,
    parse_answer,
    parse_candidate,
)

WORDS = st.integers(0, 2**32 - 1)
BLOCKS = st.builds(
    ReportBlock,
    WORDS,
    st.integers(0, 255),
    st.integers(-(2**23), 2**23 - 1),
    WORDS,
    WORDS,
    WORDS,
    WORDS,
)


@given(st.integers(0, 127), st.integers(0, 65535), WORDS, WORDS, st.binary(max_size=200))
def test_a_media_packet_reads_as_it_was_written(
    kind: int, sequence: int, timestamp: int, ssrc: int, payload: bytes
) -> None:
    packet = RtpPacket(kind, sequence, timestamp, ssrc, payload)
    assert parse_rtp(pack_rtp(packet)) == packet


def test_extension_and_padding_are_no_payload() -> None:
    plain = pack_rtp(RtpPacket(111, 1, 2, 3, b""))
    extended = bytes([plain[0] | 0x30]) + plain[1:] + b"\xbe\xde\x00\x01\x10\x00\x00\x00"
    packet = parse_rtp(extended + b"sound" + b"\x00\x00\x03")
    assert packet is not None
    assert packet.payload == b"sound"


@given(st.binary(max_size=60))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    parse_rtp(data)
    parse_reports(data)
    is_rtcp(data)
    parse_candidate(data.decode("latin-1"))


REPORTS = st.builds(
    Report,
    WORDS,
    st.lists(BLOCKS, max_size=3).map(tuple),
    st.integers(1, 2**64 - 1),
    WORDS,
    WORDS,
    WORDS,
)


@given(REPORTS)
def test_a_report_reads_as_it_was_written(sender: Report) -> None:
    receiver = Report(sender.ssrc, sender.blocks)
    assert parse_reports(pack_report(sender)) == [sender]
    assert parse_reports(pack_report(receiver) + pack_report(sender)) == [receiver, sender]
    assert is_rtcp(pack_report(sender))


def test_the_round_trip_is_what_the_answer_did_not_take() -> None:
    sent, answered_after, back = 1_700_000_000.0, 0.25, 1_700_000_000.33
    block = ReportBlock(
        1, 0, 0, 0, 0, middle_of_ntp(ntp_from_unix(sent)), int(answered_after * 65_536)
    )
    assert round_trip_seconds(block, ntp_from_unix(back)) == pytest.approx(0.08, abs=1e-3)
    unanswered = ReportBlock(1, 0, 0, 0, 0, 0, 0)
    assert round_trip_seconds(unanswered, ntp_from_unix(back)) is None


@given(st.lists(st.integers(-100, 100), max_size=100), st.integers(0, 2**20))
def test_numbers_that_wrap_keep_their_distances(steps: list[int], start: int) -> None:
    unwrapper = Unwrapper(16)
    value, first = start, unwrapper.unwrap(start % 65_536)
    for step in steps:
        value = max(value + step, start)
        # The latest value may be up to 10,000 ahead here, far less than half of the scale.
        assert unwrapper.unwrap(value % 65_536) - first == value - start


def _received(sequences: list[int]) -> Reception:
    reception = Reception()
    for sequence in sequences:
        packet = RtpPacket(111, sequence % 65_536, sequence * 960, 7, b"x")
        reception.receive(packet, sequence * 20_000_000)
    return reception


def test_what_is_missing_is_lost_over_the_wrap_of_numbers() -> None:
    reception = _received([65_530, 65_531, 65_534, 65_536, 65_535, 65_540])
    assert reception.packets_expected == 11
    assert reception.packets_lost == 5
    assert reception.jitter_seconds == 0


def test_a_first_packet_numbered_zero_is_a_first_packet() -> None:
    assert _received([0, 1, 2]).packets_lost == 0


def test_a_report_tells_of_its_own_interval() -> None:
    reception = _received([1, 2, 3, 4])
    assert reception.report(0).fraction_lost == 0
    packet = RtpPacket(111, 8, 8 * 960, 7, b"x")
    reception.receive(packet, 8 * 20_000_000)
    reception.sender_reported(77, 1_000_000_000)
    block = reception.report(3_000_000_000)
    assert (block.fraction_lost, block.packets_lost) == (3 * 256 // 4, 3)
    assert block.last_sender_report == 77
    assert block.delay_since_last_sender_report == 2 * 65_536


ANSWER = """v=0\r
o=- 1 2 IN IP4 0.0.0.0\r
s=-\r
t=0 0\r
a=fingerprint:sha-256 ab:cd\r
a=group:BUNDLE 0 1\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
a=setup:active\r
a=mid:0\r
a=ice-ufrag:frag\r
a=ice-pwd:secret\r
a=recvonly\r
a=candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
a=mid:1\r
a=ssrc:42 cname:x\r
a=ssrc:42 msid:PA_x|TR_y TR_y\r
a=msid:PA_x|TR_y TR_y\r
a=sendonly\r
"""


def test_an_answer_tells_whom_its_streams_are_of() -> None:
    answer = parse_answer(ANSWER)
    assert (answer.ufrag, answer.password, answer.fingerprint) == ("frag", "secret", "AB:CD")
    assert not answer.dtls_passive
    microphone, agent = answer.sections
    assert (microphone.mid, microphone.direction) == ("0", "recvonly")
    assert (agent.stream, agent.ssrcs) == ("PA_x|TR_y", (42,))
    assert parse_candidate(answer.candidates[0]) == Candidate("udp", "127.0.0.1", 7882, 2130706431)


def test_an_answer_without_credentials_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(UnusableAnswerError, match="ice-ufrag"):
        parse_answer("v=0\r\n")


def test_an_offer_keeps_the_place_of_a_section_no_longer_used() -> None:
    sections = (Section("0", "mic", 5, inactive=True), Section("1"), Section("2", "again", 6))
    text = offer(LocalIce("u", "p", "F"), sections, 3)
    media = text.split("m=audio")[1:]
    assert ["a=inactive" in part for part in media] == [True, False, False]
    assert "a=recvonly" in media[1]
    assert "a=msid:- again" in media[2]
    assert "a=msid" not in media[0]
