"""Both sounds of a call on one clock: what jitters is the process that looks, not the sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_worker.bridge.echotime import FAR_BLOCK, FarLine, NearClock

MS = 1_000_000
BLOCK_NS = 10 * MS


def test_late_arrivals_do_not_move_what_was_heard() -> None:
    clock = NearClock()
    clock.heard(0, 2)
    told = [clock.heard(n * 20 * MS + late * MS, 2) for n, late in ((1, 7), (2, 18), (3, 1))]
    assert told == [20 * MS, 40 * MS, 60 * MS]


def test_an_early_arrival_shows_that_all_before_it_were_late() -> None:
    clock = NearClock()
    clock.heard(15 * MS, 2)
    assert clock.heard(21 * MS, 2) == 21 * MS
    assert clock.heard(49 * MS, 2) == 41 * MS


def test_a_burst_after_a_stall_belongs_to_the_time_of_the_stall() -> None:
    clock = NearClock()
    clock.heard(0, 2)
    told = [clock.heard(300 * MS, 2) for _ in range(15)]
    assert told == [n * 20 * MS for n in range(1, 16)]


def test_sound_that_stays_late_for_a_second_is_later_from_then_on() -> None:
    clock = NearClock()
    clock.heard(0, 2)
    told = [clock.heard((n * 20 + 200) * MS, 2) for n in range(1, 60)]
    assert told[0] == 20 * MS
    assert told[-1] == (59 * 20 + 200) * MS


def test_frames_of_one_reply_follow_each_other_whatever_their_instants_say() -> None:
    line = FarLine()
    sound = np.arange(1, 3 * FAR_BLOCK + 1, dtype=np.int16)
    line.say(sound[:FAR_BLOCK], 0)
    line.say(sound[FAR_BLOCK : 2 * FAR_BLOCK], BLOCK_NS - 8 * MS)
    line.say(sound[2 * FAR_BLOCK :], 2 * BLOCK_NS + 8 * MS)
    read = np.concatenate([line.take(n * BLOCK_NS) for n in range(1, 4)])
    assert np.array_equal(read, sound)
    assert not line


def test_a_reply_keeps_its_place_to_the_sample_wherever_blocks_begin() -> None:
    line = FarLine()
    line.say(np.ones(2 * FAR_BLOCK, np.int16), 25 * MS)
    read = np.concatenate([line.take(n * BLOCK_NS) for n in range(1, 7)])
    assert np.flatnonzero(read)[0] == 25 * 24
    assert read.sum() == 2 * FAR_BLOCK


def test_a_pause_between_replies_stays_as_long_as_it_was() -> None:
    line = FarLine()
    line.say(np.ones(FAR_BLOCK, np.int16), 0)
    line.say(np.ones(FAR_BLOCK, np.int16), 60 * MS)
    read = np.concatenate([line.take(n * BLOCK_NS) for n in range(1, 8)])
    assert np.flatnonzero(read)[FAR_BLOCK] == 60 * 24


def test_what_was_thrown_away_is_never_read() -> None:
    line = FarLine()
    line.say(np.ones(10 * FAR_BLOCK, np.int16), 0)
    assert line.take(BLOCK_NS).all()
    line.cut(15 * MS)
    assert line.take(2 * BLOCK_NS).sum() == FAR_BLOCK // 2
    assert not line.take(3 * BLOCK_NS).any()


@pytest.mark.parametrize("jump_ms", [35, 500])
def test_sound_that_was_played_while_nobody_heard_is_passed_over(jump_ms: int) -> None:
    line = FarLine()
    line.say(np.arange(100 * FAR_BLOCK).astype(np.int16), 0)
    line.take(BLOCK_NS)
    assert line.take(2 * BLOCK_NS + jump_ms * MS)[0] == np.int16(FAR_BLOCK + jump_ms * 24)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["say", "cut", "take"]), st.integers(-200, 400)), max_size=40
    )
)
def test_every_read_gives_one_block_whatever_came_before(steps: list[tuple[str, int]]) -> None:
    line, now_ns = FarLine(), 0
    for what, offset_ms in steps:
        now_ns += BLOCK_NS
        if what == "say":
            line.say(np.ones(2 * FAR_BLOCK, np.int16), now_ns + offset_ms * MS)
        elif what == "cut":
            line.cut(now_ns + offset_ms * MS)
        else:
            assert len(line.take(now_ns + max(0, offset_ms) * MS)) == FAR_BLOCK
