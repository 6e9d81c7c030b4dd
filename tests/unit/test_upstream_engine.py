"""Events of the media engine reach the one that they are for, from the first on."""

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit import rtc
from livekit.rtc._ffi_client import FfiQueue
from livekit.rtc._proto.ffi_pb2 import FfiEvent, FfiRequest, FfiResponse

from callfleet_worker.upstream import engine
from callfleet_worker.upstream.engine import EngineError, EventRouter, capture, router

RATE = 24_000


def end_of(stream: int) -> FfiEvent:
    event = FfiEvent()
    event.audio_stream_event.stream_handle = stream
    event.audio_stream_event.eos.SetInParent()
    return event


def acknowledged(number: int) -> FfiEvent:
    event = FfiEvent()
    event.capture_audio_frame.async_id = number
    return event


def news_of(room: int) -> FfiEvent:
    event = FfiEvent()
    event.room_event.room_handle = room
    return event


def elsewhere(work: Callable[[], None]) -> threading.Thread:
    """Do something in a thread, as the engine does."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@dataclass
class Engine:
    """Opens streams, and may have a frame before it has said their number."""

    early: Callable[[int], None] = lambda _: None
    opened: int = 0
    instance: "Engine" = field(init=False)

    def __post_init__(self) -> None:
        self.instance = self

    def request(self, _: FfiRequest) -> FfiResponse:
        self.opened += 1
        self.early(self.opened)
        answer = FfiResponse()
        answer.new_audio_stream.stream.handle.id = self.opened
        return answer


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Engine:
    opening = Engine()
    monkeypatch.setattr(engine, "FfiClient", opening)
    monkeypatch.setattr(engine, "FfiHandle", Handle)
    return opening


@dataclass
class Handle:
    handle: int


async def passed_on() -> None:
    """Let the loop hand out what has arrived."""
    await asyncio.sleep(0.01)


async def test_a_streams_events_reach_it_and_no_other(fake: Engine) -> None:
    del fake
    routing = EventRouter(FfiQueue())
    heard: dict[int, list[Any]] = {1: [], 2: []}
    for taken in heard.values():
        routing.open_stream(FfiRequest(), taken.append)
    elsewhere(lambda: routing.put(end_of(2))).join()
    await passed_on()
    assert heard == {1: [], 2: [end_of(2)]}


async def test_a_frame_that_comes_before_the_streams_number_is_known_is_not_lost(
    fake: Engine,
) -> None:
    routing = EventRouter(FfiQueue())
    threads = []

    def early(number: int) -> None:
        threads.append(elsewhere(lambda: routing.put(end_of(number))))

    fake.early = early
    heard: list[Any] = []
    routing.open_stream(FfiRequest(), heard.append)
    await asyncio.to_thread(threads[0].join)
    await passed_on()
    assert heard == [end_of(1)]


async def test_a_stream_that_is_forgotten_is_told_no_more(fake: Engine) -> None:
    del fake
    routing = EventRouter(FfiQueue())
    heard: list[Any] = []
    routing.forget_stream(routing.open_stream(FfiRequest(), heard.append))
    routing.put(end_of(1))
    await passed_on()
    assert heard == []


async def test_an_acknowledgement_reaches_the_one_that_waits_for_it() -> None:
    routing = EventRouter(FfiQueue())
    mine: list[Any] = []
    others: list[Any] = []
    number = routing.expect_capture(mine.append)
    assert routing.expect_capture(others.append) != number
    routing.put(acknowledged(number))
    routing.put(acknowledged(number))
    await passed_on()
    assert (mine, others) == ([acknowledged(number)], [])


async def test_every_other_event_takes_its_old_way_to_those_who_were_there_before() -> None:
    before: FfiQueue[FfiEvent] = FfiQueue()
    early = before.subscribe()
    routing = EventRouter(before)
    late = routing.subscribe()
    events = [news_of(1), acknowledged(7), end_of(9), news_of(2)]
    for event in events:
        routing.put(event)
    await passed_on()
    for queue in (early, late):
        assert [queue.get_nowait() for _ in range(queue.qsize())] == events
    routing.unsubscribe(early)
    before.unsubscribe(late)
    assert not before._subscribers


async def test_what_arrives_together_wakes_the_loop_once(
    monkeypatch: pytest.MonkeyPatch, fake: Engine
) -> None:
    del fake
    routing = EventRouter(FfiQueue())
    heard: list[Any] = []
    routing.open_stream(FfiRequest(), heard.append)
    loop = asyncio.get_running_loop()
    wakes = []
    wake = loop.call_soon_threadsafe

    def counted(*what: Any) -> asyncio.Handle:
        wakes.append(what)
        return wake(*what)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    for _ in range(50):
        routing.put(end_of(1))
    await passed_on()
    assert (len(heard), len(wakes)) == (50, 1)
    routing.put(end_of(1))
    await passed_on()
    assert (len(heard), len(wakes)) == (51, 2)


async def test_a_frame_that_the_engine_refuses_is_an_error() -> None:
    source = rtc.AudioSource(RATE, 1)
    await capture(source, b"\0\0" * 240, RATE)
    with pytest.raises(EngineError, match="sample_rate"):
        await capture(source, b"\0\0" * 160, 16_000)
    await source.aclose()
    assert not router()._captures


async def test_an_engines_thread_keeps_its_state_from_one_event_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, here, put = threading.local(), threading.get_ident(), EventRouter.put
    found: list[bool] = []

    def noting(self: EventRouter, event: FfiEvent) -> None:
        if threading.get_ident() != here:
            found.append(hasattr(kept, "since_the_event_before"))
            kept.since_the_event_before = True
        put(self, event)

    monkeypatch.setattr(EventRouter, "put", noting)
    source = rtc.AudioSource(RATE, 1, queue_size_ms=60_000)
    threads = os.cpu_count() or 1
    for _ in range((threads + 1) * engine.BUSY_THREAD_EVENTS):
        await capture(source, bytes(RATE // 100 * 2), RATE)
    await source.aclose()
    assert not found[0]
    assert any(found)
