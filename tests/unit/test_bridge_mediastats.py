"""Running totals become windows, and no count ever falls."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.rtc._proto.stats_pb2 import RtcStats

from callfleet_worker.bridge.mediastats import (
    Totals,
    Windows,
    path_of,
    totals_of,
    window_between,
)

counts = st.integers(0, 10**9)
totals = st.builds(
    Totals,
    packets_received=counts,
    packets_lost=counts,
    jitter_buffer_delay_seconds=st.floats(0, 1e6),
    jitter_buffer_samples=counts,
    concealed_samples=counts,
    total_samples=counts,
    packets_sent=counts,
    sent_lost=counts,
)


@given(totals, totals)
def test_no_window_is_ever_negative(before: Totals, after: Totals) -> None:
    window = window_between("call", before, after)
    for leg in (window.heard, window.said):
        assert leg.packets_received >= 0
        assert leg.packets_lost >= 0
        assert 0 <= leg.concealed_ratio <= 1
    assert window.jitter_buffer_seconds is None or window.jitter_buffer_seconds >= 0


def test_a_window_holds_what_came_since_the_last() -> None:
    before = Totals(packets_received=100, packets_lost=3, total_samples=48_000)
    after = replace(
        before,
        packets_received=150,
        packets_lost=2,
        total_samples=96_000,
        concealed_samples=480,
        jitter_buffer_delay_seconds=1_440.0,
        jitter_buffer_samples=48_000,
    )
    window = window_between("call", before, after)
    assert window.heard.packets_received == 50
    assert window.heard.packets_lost == 0
    assert window.heard.concealed_ratio == pytest.approx(0.01)
    assert window.jitter_buffer_seconds == pytest.approx(0.03)


def packets(count: int) -> Totals:
    return Totals(packets_received=count, packets_sent=2 * count)


def test_the_first_window_is_one_look_and_the_others_are_as_many_as_asked_for() -> None:
    windows = Windows("call", 2)
    told = [
        [window.packets_received for window in windows.look(packets(count))]
        for count in (50, 300, 550, 800)
    ]
    assert told == [[50, 100], [], [500, 1000], []]
    assert [window.leg for window in windows.end()] == ["agent_in", "agent_out"]
    assert windows.end() == ()


@given(st.lists(counts, max_size=9).map(sorted), st.integers(1, 4))
def test_every_packet_is_in_one_window(seen: list[int], looks: int) -> None:
    windows = Windows("call", looks)
    told = [window for count in seen for window in windows.look(packets(count))]
    told += windows.end()
    assert sum(one.packets_received for one in told if one.leg == "agent_in") == max(
        seen, default=0
    )


def one(kind: str, identity: str, **fields: object) -> RtcStats:
    stats = RtcStats()
    part = getattr(stats, kind)
    part.rtc.id = identity
    for path, value in fields.items():
        target = part
        *parents, name = path.split("__")
        for parent in parents:
            target = getattr(target, parent)
        setattr(target, name, value)
    return stats


def test_the_engines_messages_are_read_whichever_connection_carries_them() -> None:
    heard = one(
        "inbound_rtp",
        "i",
        stream__kind="audio",
        received__packets_received=7,
        received__packets_lost=-2,
        inbound__jitter_buffer_emitted_count=480,
        inbound__jitter_buffer_delay=14.4,
    )
    picture = one("inbound_rtp", "v", stream__kind="video", received__packets_received=99)
    said = one("outbound_rtp", "o", stream__kind="audio", sent__packets_sent=5)
    report = one(
        "remote_inbound_rtp",
        "r",
        received__packets_lost=2,
        remote_inbound__round_trip_time_measurements=3,
    )
    transport = one("transport", "t", transport__selected_candidate_pair_id="p")
    pair = one(
        "candidate_pair",
        "p",
        candidate_pair__local_candidate_id="l",
        candidate_pair__current_round_trip_time=0.02,
    )
    other = one("candidate_pair", "q", candidate_pair__current_round_trip_time=9.0)
    local = one("local_candidate", "l", candidate__protocol="udp", candidate__candidate_type=3)
    one_connection = totals_of([heard, picture, said, report, transport, other, pair, local], [])
    two_connections = totals_of([said, report], [heard, picture, transport, other, pair, local])
    assert one_connection == two_connections
    assert one_connection.packets_received == 7
    assert one_connection.packets_lost == 0
    assert one_connection.packets_sent == 5
    assert (one_connection.sent_lost, one_connection.sent_reports) == (2, 3)
    assert one_connection.rtt_seconds == pytest.approx(0.02)
    path = path_of("call", one_connection)
    assert (path.protocol, path.candidate_type) == ("udp", "relay")


def test_no_statistics_are_no_packets() -> None:
    assert totals_of([], []) == Totals()
