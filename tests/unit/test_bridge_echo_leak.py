"""What leaks of an echo, and what is lost of a caller, over ways such as real calls have."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.echo_line import (
    RATE,
    Reply,
    Sound,
    Way,
    length_of,
    longest_seconds,
    run,
    small_speaker,
    speech_seconds,
    stretches,
    talk,
)

from callfleet_rehearsal.sound.clips import clips_of
from callfleet_rehearsal.sound.script import Role
from callfleet_worker.bridge.echopath import Path

MEDIA_WAY_MS = 100
"""To the caller's device and back: packets, codecs and two jitter buffers, 100 ms at least."""
INTERRUPTS_SECONDS = 0.1
"""So much speech in one stretch interrupts the emulated model."""


def interrupted_talk() -> list[Reply]:
    """Five replies, the third of which is interrupted after 1.1 s."""
    replies = talk()
    third = replies[2]
    replies[2] = Reply(third.begins, third.sound, third.begins + round(1.1 * RATE))
    return replies


def spoken_over(seconds: float, caller: Sound) -> tuple[list[Reply], Sound]:
    """Let a caller speak over a reply, which stops 0.3 s later; the next comes after him."""
    onset = round(seconds * RATE)
    end = onset + len(caller)
    replies = []
    for reply in talk():
        is_over = reply.begins < onset < reply.begins + len(reply.sound)
        stopped = onset + round(0.3 * RATE) if is_over else None
        if reply.begins < onset or reply.begins > end:
            replies.append(Reply(reply.begins, reply.sound, stopped))
    near = np.zeros(length_of(talk()), np.int16)
    near[onset:end] = caller
    return replies, near


def interrupts_at(sound: Sound, after: float) -> float | None:
    """Say when the emulated model would take this for an interruption."""
    for begin, end in stretches(sound):
        if end > after and end - begin >= INTERRUPTS_SECONDS:
            return max(begin, after) + INTERRUPTS_SECONDS
    return None


@pytest.mark.parametrize("device_ms", [20, 80, 160, 300])
@pytest.mark.parametrize("gain_db", [-6.0, -12.0, -18.0, -24.0, -30.0])
def test_no_echo_of_any_level_or_delay_is_long_enough_to_interrupt(
    gain_db: float, device_ms: int
) -> None:
    replies = interrupted_talk()
    way = Way(gain_db, MEDIA_WAY_MS + device_ms)
    heard = run(replies, np.zeros(length_of(replies), np.int16), way)
    assert speech_seconds(heard.raw) > 7
    assert longest_seconds(heard.cleaned) < INTERRUPTS_SECONDS
    assert speech_seconds(heard.cleaned) < 0.1
    assert heard.canceller.judge.path is Path.ECHO


@pytest.mark.parametrize("gain_db", [-6.0, -12.0, -18.0])
def test_an_echo_from_a_small_loudspeaker_in_a_room_does_not_interrupt(gain_db: float) -> None:
    replies = interrupted_talk()
    way = Way(gain_db, MEDIA_WAY_MS + 80, room=small_speaker())
    heard = run(replies, np.zeros(length_of(replies), np.int16), way)
    assert speech_seconds(heard.raw) > 9
    assert longest_seconds(heard.cleaned) < INTERRUPTS_SECONDS


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    gain_db=st.floats(-30, -6),
    device_ms=st.integers(20, 300),
    stopped_ms=st.integers(100, 1_400),
    seed=st.integers(0, 1_000),
)
def test_no_interruption_whenever_it_comes_lets_an_echo_through(
    gain_db: float, device_ms: int, stopped_ms: int, seed: int
) -> None:
    replies = talk(3, pause_seconds=0.5)
    second = replies[1]
    replies[1] = Reply(second.begins, second.sound, second.begins + stopped_ms * RATE // 1000)
    way = Way(gain_db, MEDIA_WAY_MS + device_ms, seed=seed)
    heard = run(replies, np.zeros(length_of(replies), np.int16), way)
    assert longest_seconds(heard.cleaned) < INTERRUPTS_SECONDS


@pytest.mark.parametrize("near_db", [0.0, -4.0])
@pytest.mark.parametrize(("number", "seconds"), [(0, 1.3), (1, 2.2), (2, 5.0), (3, 8.6), (4, 13.0)])
def test_a_caller_over_the_echo_is_heard_within_100_ms(
    number: int, seconds: float, near_db: float
) -> None:
    said = clips_of(Role.CALLER)[number].samples
    caller = (said * 10 ** (near_db / 20)).astype(np.int16)
    replies, near = spoken_over(seconds, caller)
    heard = run(replies, near, Way(-12.0, MEDIA_WAY_MS + 80, seed=number))
    alone, over = interrupts_at(near, seconds), interrupts_at(heard.cleaned, seconds)
    assert alone is not None
    assert over is not None
    assert over - alone < 0.1
    spoken = slice(round(seconds * RATE), round(seconds * RATE) + len(caller))
    assert speech_seconds(heard.cleaned[spoken]) > 0.9 * speech_seconds(near[spoken])


def test_a_caller_on_a_noisy_line_without_an_echo_loses_nothing() -> None:
    caller = clips_of(Role.CALLER)[1].samples
    replies, near = spoken_over(5.0, caller)
    noise = np.random.default_rng(4).normal(0, 20, len(near))
    noisy = (near + noise).astype(np.int16)
    heard = run(replies, noisy, Way(gain_db=None))
    assert heard.canceller.judge.path is Path.CLEAR
    assert np.array_equal(heard.cleaned[4 * RATE :], noisy[4 * RATE :])


@pytest.mark.parametrize("device_ms", [80, 300])
def test_the_noise_of_a_line_with_an_echo_is_not_taken_for_a_caller(device_ms: int) -> None:
    replies = interrupted_talk()
    noise = np.random.default_rng(4).normal(0, 60, length_of(replies)).astype(np.int16)
    heard = run(replies, noise, Way(delay_ms=MEDIA_WAY_MS + device_ms))
    assert speech_seconds(heard.raw) > 7
    assert speech_seconds(heard.cleaned) < 0.1


def test_an_echo_that_begins_in_mid_call_is_let_through_for_less_than_half_a_second() -> None:
    replies = talk()
    replies[:2] = [replace(reply, louder_db=-200.0) for reply in replies[:2]]
    heard = run(replies, np.zeros(length_of(replies), np.int16), Way())
    assert not heard.raw[: replies[2].begins].any()
    assert speech_seconds(heard.raw) > 5
    assert speech_seconds(heard.cleaned) < 0.5
    assert heard.canceller.judge.path is Path.ECHO


def test_a_canceller_that_has_rested_says_nothing_of_its_own_at_first() -> None:
    replies = talk(2, pause_seconds=6.0)
    near = np.zeros(length_of(replies), np.int16)
    caller = clips_of(Role.CALLER)[0].samples
    onset = replies[0].begins + len(replies[0].sound) + RATE // 3
    near[onset : onset + len(caller)] = caller
    heard = run(replies, near, Way())
    wakes = slice(replies[1].begins - RATE // 2, replies[1].begins + RATE // 10)
    assert not heard.raw[wakes].any()
    assert not heard.cleaned[wakes].any()
