"""What is done to a caller's ear is what was asked for, and nothing besides."""

from callfleet_rehearsal.callers.earfaults import Spoiler
from callfleet_rehearsal.callers.opus import PACKET_TICKS
from callfleet_rehearsal.callers.plan import EarFaults
from callfleet_rehearsal.callers.rtp import RtpPacket

STEP_NS = 20_000_000
SILENCE = b"silence"


def packet(number: int) -> RtpPacket:
    return RtpPacket(111, number & 0xFFFF, number * PACKET_TICKS, 1, b"%d" % number)


def numbers(spoiler: Spoiler, *sent: int) -> list[int]:
    arrivals = [one for n in sent for one in spoiler.spoil(packet(n), n * STEP_NS)]
    return [arrived.sequence for arrived, _ in arrivals]


def test_packets_that_overtake_each_other_are_not_lost_to_a_spoiled_ear() -> None:
    late = Spoiler(EarFaults(delay_seconds=0.1), SILENCE, seed=1)
    assert numbers(late, 1, 3, 2, 4) == [1, 3, 2, 4]


def test_silence_in_a_reply_leaves_no_number_out_and_gives_none_twice() -> None:
    holed = Spoiler(EarFaults(silence_seconds=0.2), SILENCE, seed=1)
    first = 0xFFF0
    heard = numbers(holed, first, first + 1)
    holed.reply_began(0)
    heard += numbers(holed, first + 2, first + 3)
    holed.caller_speaks()
    # Ten of the silence after the reply make room for what was put in.
    heard += numbers(holed, *range(first + 4, first + 20))
    assert heard == [(first + step) & 0xFFFF for step in range(20)]


def test_silence_lasts_as_long_as_it_was_asked_for() -> None:
    holed = Spoiler(EarFaults(silence_seconds=0.2), SILENCE, seed=1)
    holed.reply_began(0)
    arrivals = holed.spoil(packet(1), STEP_NS)
    assert [one.payload for one, _ in arrivals] == [SILENCE] * 10 + [b"1"]
    assert [at_ns for _, at_ns in arrivals] == [STEP_NS * step for step in range(1, 12)]


def test_numbers_that_begin_again_are_not_taken_for_those_of_old_silence() -> None:
    holed = Spoiler(EarFaults(silence_seconds=0.2), SILENCE, seed=1)
    holed.reply_began(0)
    numbers(holed, 1)
    holed.caller_speaks()
    heard = numbers(holed, *range(2, 0x10000 + 100))
    assert heard == [n & 0xFFFF for n in range(12, 0x10000 + 100)]
