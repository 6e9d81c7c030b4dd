"""The mouth starts at once, stops at once, and tells truthfully what was played."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.voice.io import PlaybackFinishedEvent

from callfleet_contract.events import CallAnswered, CallEvent
from callfleet_worker.bridge.heard import ReplyText
from callfleet_worker.bridge.mouth import Mouth
from callfleet_worker.bridge.turnclock import CallName, TurnClock

RATE = 24_000


class Talk:
    """A mouth with what it tells."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.text = ReplyText()
        clock = TurnClock(CallName("call", "room", 0), self.events.append)
        self.mouth = Mouth(clock, self.text, _spawn, queue_ms=100)
        self.finished: asyncio.Queue[PlaybackFinishedEvent] = asyncio.Queue()
        self.started = asyncio.Event()
        self.mouth.on("playback_finished", self.finished.put_nowait)
        self.mouth.on("playback_started", lambda _: self.started.set())

    async def reply(self, milliseconds: int) -> None:
        """Hand over a reply's sound, all at once."""
        samples = np.full(RATE * milliseconds // 1000, 5_000, np.int16)
        await self.mouth.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples)))

    async def end(self) -> PlaybackFinishedEvent:
        async with asyncio.timeout(20):
            return await self.finished.get()


def _spawn(work: Coroutine[Any, Any, None], name: str, /) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    talking = Talk()
    yield talking
    await talking.mouth.aclose()


@pytest.mark.parametrize("milliseconds", [5, 20, 205, 600])
async def test_a_reply_is_played_to_its_end(talk: Talk, milliseconds: int) -> None:
    talk.mouth.open()
    await talk.reply(milliseconds)
    talk.mouth.flush()
    end = await talk.end()
    assert not end.interrupted
    # The engine takes whole blocks of 10 ms: the last one is filled up.
    assert milliseconds / 1000 <= end.playback_position < milliseconds / 1000 + 0.010
    assert end.synchronized_transcript is None


async def test_nothing_is_played_before_somebody_listens(talk: Talk) -> None:
    await talk.reply(200)
    talk.mouth.flush()
    await asyncio.sleep(0)
    assert not talk.started.is_set()
    talk.mouth.open()
    end = await talk.end()
    assert end.playback_position == pytest.approx(0.2)


async def test_an_interruption_tells_what_was_heard(talk: Talk) -> None:
    talk.mouth.open()
    await talk.text.capture_text("One two three four five six seven eight nine ten.")
    await talk.reply(60_000)
    async with asyncio.timeout(10):
        await talk.started.wait()
    talk.mouth.flush()
    talk.mouth.clear_buffer()
    end = await talk.end()
    assert end.interrupted
    assert 0 <= end.playback_position < 30
    assert end.synchronized_transcript is not None
    assert len(end.synchronized_transcript) < 40


async def test_what_was_never_played_was_not_heard(talk: Talk) -> None:
    await talk.text.capture_text("Hello.")
    await talk.reply(500)
    talk.mouth.flush()
    talk.mouth.clear_buffer()
    end = await talk.end()
    assert end.interrupted
    assert end.playback_position == 0
    assert end.synchronized_transcript == ""


async def test_a_reply_cut_before_its_first_word_has_none_of_the_last_ones(talk: Talk) -> None:
    talk.mouth.open()
    await talk.text.capture_text("Hello there. " * 50)
    talk.text.flush()
    await talk.reply(40)
    talk.mouth.flush()
    assert not (await talk.end()).interrupted
    talk.started.clear()
    await talk.reply(5_000)
    async with asyncio.timeout(10):
        await talk.started.wait()
    await asyncio.sleep(0.15)
    talk.mouth.clear_buffer()
    end = await talk.end()
    assert end.interrupted
    assert end.playback_position > 0
    assert end.synchronized_transcript == ""


async def test_the_rest_of_an_interrupted_reply_is_refused_and_the_next_is_played(
    talk: Talk,
) -> None:
    talk.mouth.open()
    await talk.reply(5_000)
    async with asyncio.timeout(10):
        await talk.started.wait()
    talk.mouth.clear_buffer()
    assert (await talk.end()).interrupted
    await talk.reply(5_000)
    talk.mouth.flush()
    assert talk.finished.empty()
    await talk.reply(40)
    talk.mouth.flush()
    assert (await talk.end()).playback_position == pytest.approx(0.04)


async def test_clearing_silence_is_nothing(talk: Talk) -> None:
    talk.mouth.open()
    talk.mouth.clear_buffer()
    talk.mouth.flush()
    assert talk.finished.empty()


async def test_what_still_comes_after_the_call_ends_at_once_and_unheard(talk: Talk) -> None:
    talk.mouth.open()
    await talk.mouth.aclose()
    for _ in range(2):
        await talk.reply(200)
        await talk.reply(200)
        talk.mouth.clear_buffer()
        talk.mouth.flush()
        end = await talk.end()
        assert end.interrupted
        assert end.playback_position == 0.0
    async with asyncio.timeout(20):
        await talk.mouth.wait_for_playout()
    assert talk.finished.empty()


async def test_the_first_sound_answers_the_call(talk: Talk) -> None:
    talk.mouth.open()
    await talk.reply(100)
    talk.mouth.flush()
    await talk.end()
    assert [type(event) for event in talk.events] == [CallAnswered]


async def test_a_reply_ends_when_its_last_sound_has_left_and_not_when_it_was_handed_over() -> None:
    # The queue holds the whole reply: one that must wait for room corrects its plan by what the
    # engine has really taken, some tenths of a millisecond either way.
    clock, finished = Mock(), asyncio.Event()
    mouth = Mouth(clock, ReplyText(), _spawn, queue_ms=1_000)
    mouth.on("playback_finished", lambda _: finished.set())
    mouth.open()
    samples = np.full(RATE // 5, 5_000, np.int16)
    await mouth.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples)))
    mouth.flush()
    async with asyncio.timeout(20):
        await finished.wait()
    played, leaves_ns = clock.played.call_args.args
    (ended_ns,) = clock.finished.call_args.args
    assert ended_ns >= leaves_ns + len(played) * 1_000_000_000 // RATE
    await mouth.aclose()
