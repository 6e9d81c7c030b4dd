"""What a caller's simulated jitter buffer plays, and when."""

import random

from hypothesis import given
from hypothesis import strategies as st

from callfleet_rehearsal.callers.jitter import STEP_NS, Fate, JitterBuffer, Slot

PACKET = 960
PACKET_NS = 20_000_000
BASE_NS = 5_000_000_000


def _play(arrivals: list[tuple[int, int]], ticks_of: dict[int, int] | None = None) -> list[Slot]:
    """Play packets given as (number, arrival in ns), listening every 200 ms."""
    buffer = JitterBuffer()
    slots: list[Slot] = []
    ordered = sorted(arrivals, key=lambda one: one[1])
    end_ns = ordered[-1][1] + 2_000_000_000
    for now_ns in range(BASE_NS, end_ns, 200_000_000):
        while ordered and ordered[0][1] <= now_ns:
            number, at_ns = ordered.pop(0)
            ticks = (ticks_of or {}).get(number, number * PACKET)
            buffer.put(number, ticks, at_ns, number.to_bytes(2))
        slots += buffer.take(now_ns)
    return slots


def _steady(numbers: range) -> list[tuple[int, int]]:
    return [(number, BASE_NS + number * PACKET_NS) for number in numbers]


def test_a_calm_stream_is_played_twenty_milliseconds_after_it_arrives() -> None:
    slots = _play(_steady(range(300)))
    assert [slot.fate for slot in slots] == [Fate.HEARD] * 300
    assert slots[-1].played_ns - slots[-1].arrived_ns == STEP_NS


def test_packets_that_overtake_others_again_and_again_are_played_in_order() -> None:
    arrivals = [
        (number, at_ns + (30_000_000 if number % 10 == 5 else 0))
        for number, at_ns in _steady(range(300))
    ]
    slots = _play(arrivals)
    assert [int.from_bytes(slot.payload) for slot in slots if slot.payload] == list(range(300))
    assert slots[-1].played_ns - slots[-1].arrived_ns == 2 * STEP_NS


def test_a_packet_that_never_comes_is_one_packet_concealed() -> None:
    slots = _play([one for one in _steady(range(100)) if one[0] != 40])
    lost = [slot for slot in slots if slot.fate is Fate.LOST]
    assert [slot.ticks for slot in lost] == [PACKET]
    assert len(slots) == 100


def test_a_stall_delays_what_follows_and_is_concealed_for_as_long() -> None:
    arrivals = [
        (number, at_ns + (200_000_000 if number >= 60 else 0))
        for number, at_ns in _steady(range(80))
    ]
    slots = _play(arrivals)
    (stalled,) = [slot for slot in slots if slot.fate is Fate.STALLED]
    assert stalled.ticks == 9 * PACKET
    assert all(slot.played_ns >= slot.arrived_ns for slot in slots if slot.payload)


def test_silence_that_was_never_sent_is_not_lost() -> None:
    ticks_of = {number: (number + (25 if number >= 50 else 0)) * PACKET for number in range(100)}
    arrivals = [(number, BASE_NS + ticks_of[number] * PACKET_NS // PACKET) for number in range(100)]
    slots = _play(arrivals, ticks_of)
    assert {slot.fate for slot in slots} == {Fate.HEARD, Fate.SILENT}


def test_a_delay_that_came_with_a_stall_goes_where_the_sender_pauses() -> None:
    ticks_of = {number: (number + (20 if number >= 80 else 0)) * PACKET for number in range(400)}
    arrivals = [
        (
            number,
            BASE_NS + ticks_of[number] * PACKET_NS // PACKET + (300_000_000 if number == 30 else 0),
        )
        for number in range(400)
    ]
    slots = _play(arrivals, ticks_of)
    assert slots[-1].played_ns - slots[-1].arrived_ns == STEP_NS


@given(st.integers(0, 2**32), st.floats(0, 0.2), st.integers(0, 120_000_000))
def test_whatever_the_network_does_all_is_played_once_and_in_order(
    seed: int, loss: float, jitter_ns: int
) -> None:
    chance = random.Random(seed)
    arrivals = [
        (number, at_ns + chance.randint(0, jitter_ns if number else 0))
        for number, at_ns in _steady(range(120))
        if number == 0 or chance.random() >= loss
    ]
    slots = _play(arrivals)
    played = [int.from_bytes(slot.payload) for slot in slots if slot.fate is Fate.HEARD]
    assert played == sorted(set(played))
    assert set(played) <= {number for number, _ in arrivals}
    assert all(slot.played_ns >= slot.arrived_ns for slot in slots if slot.fate is Fate.HEARD)
    # Nothing vanishes without a trace: heard and lost together fill the time that was sent.
    filled = sum(slot.ticks for slot in slots if slot.fate in {Fate.HEARD, Fate.LOST})
    last = max(number for number, _ in arrivals)
    assert filled == (last + 1) * PACKET
