"""A call's events reach its parent over a private socket, and the call never waits for it."""

import asyncio
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from callfleet_contract.event_lines import UnknownEventError, decode, encode
from callfleet_contract.events import (
    BargeIn,
    CallEnded,
    CallEvent,
    CallStarted,
    EventsDropped,
    LoopHeld,
    TurnMeasured,
)
from callfleet_contract.outcomes import CallOutcome, CallReason, TurnEnd
from callfleet_worker.parent import event_socket
from callfleet_worker.parent.event_socket import EventSocket, private_folder
from callfleet_worker.reporting import EventSink

START = CallStarted("a", "room", 1)
END = CallEnded("a", "room", CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP, 3.0)
TURN = TurnMeasured("a", "room", 1, TurnEnd.COMPLETED, 1, 2, 3, 4, 0.0, 0.0, 0.0, 1.0, 1.0)


class Heard:
    """A parent that writes down what it hears."""

    def __init__(self, folder: Path) -> None:
        self.events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self.hung_up: asyncio.Queue[set[str]] = asyncio.Queue()
        self.refused = 0
        self.socket = EventSocket(
            folder / "events.sock", self.events.put_nowait, self.hung_up.put_nowait, self._refuse
        )

    def _refuse(self) -> None:
        self.refused += 1


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # A socket's path may have 107 characters: the folder of a test can be longer.
    with tempfile.TemporaryDirectory(prefix="events-") as short:
        monkeypatch.setattr(event_socket.tempfile, "tempdir", short)
        yield private_folder()


async def test_events_arrive_in_order_and_the_end_of_the_line_is_noticed(folder: Path) -> None:
    parent = Heard(folder)
    await parent.socket.open()
    sink = EventSink(parent.socket.path)
    for event in (START, TURN, END):
        sink.emit(event)
    assert [await parent.events.get() for _ in range(3)] == [START, TURN, END]
    sink.close()
    assert await parent.hung_up.get() == set()
    await parent.socket.close(1)


async def test_a_line_that_ends_too_early_names_the_calls_that_it_left(folder: Path) -> None:
    parent = Heard(folder)
    await parent.socket.open()
    sink = EventSink(parent.socket.path)
    sink.emit(START)
    sink.close()
    assert await parent.hung_up.get() == {"a"}
    await parent.socket.close(1)


async def test_a_call_hears_that_its_time_is_up_and_not_that_its_parent_is_gone(
    folder: Path,
) -> None:
    parent = Heard(folder)
    await parent.socket.open()
    told, left = (EventSink(parent.socket.path) for _ in range(2))
    waiting = [asyncio.create_task(told.time_is_up())]
    for sink in (told, left):
        sink.emit(START)
        await parent.events.get()
    assert not waiting[0].done()
    parent.socket.say_time_is_up()
    assert await waiting[0]
    told.emit(END)
    assert await parent.events.get() == END
    assert await left.time_is_up()
    waiting = [asyncio.create_task(sink.time_is_up()) for sink in (told, left)]
    await parent.socket.close(0.01)
    assert await asyncio.gather(*waiting) == [False, False]
    assert not await EventSink(None).time_is_up()
    for sink in (told, left):
        sink.close()


async def test_what_is_no_event_is_counted_and_does_not_end_the_line(folder: Path) -> None:
    parent = Heard(folder)
    await parent.socket.open()
    _, writer = await asyncio.open_unix_connection(str(parent.socket.path))
    writer.write(b"what?\n" + encode(START).replace(b'"a"', b'["a"]') + encode(START))
    assert await parent.events.get() == START
    assert parent.refused == 2
    writer.write(b"x" * 200_000)
    writer.write_eof()
    assert await parent.hung_up.get() == {"a"}
    assert parent.refused == 3
    writer.close()
    await parent.socket.close(1)


@pytest.mark.parametrize("no_number", [b"NaN", b"Infinity", b"1e999", b"9" * 400, b"-" + b"9" * 20])
def test_what_is_not_a_number_is_no_event(no_number: bytes) -> None:
    with pytest.raises(UnknownEventError, match="is no number"):
        decode(encode(BargeIn("a", 7)).replace(b"7", no_number))


@pytest.mark.parametrize("strange", [b'"7"', b"null", b"true", b"[7]", b"[" * 20_000])
def test_what_is_of_another_kind_is_no_event(strange: bytes) -> None:
    with pytest.raises(UnknownEventError):
        decode(encode(BargeIn("a", 7)).replace(b"7", strange))


@pytest.mark.parametrize(
    ("told", "written"), [('"a"', "7"), ('"call_id"', '"whose"'), ('"call_id":"a",', "")]
)
def test_a_field_that_is_not_what_its_event_has_is_no_event(told: str, written: str) -> None:
    line = encode(BargeIn("a", 0.5)).decode()
    assert told in line
    with pytest.raises(UnknownEventError):
        decode(line.replace(told, written).encode())


def test_half_a_character_does_not_come_through() -> None:
    assert decode(encode(LoopHeld("a", "look\ud83d"))) == LoopHeld("a", "look?")


async def test_an_event_that_nobody_can_take_does_not_make_its_calls_dead(folder: Path) -> None:
    heard: asyncio.Queue[CallEvent] = asyncio.Queue()
    parent = Heard(folder)

    def hear(event: CallEvent) -> None:
        heard.put_nowait(event)
        if isinstance(event, BargeIn):
            raise OverflowError

    parent.socket._on_event = hear
    await parent.socket.open()
    sink = EventSink(parent.socket.path)
    for event in (START, BargeIn("a", 1.0), TURN):
        sink.emit(event)
        assert await asyncio.wait_for(heard.get(), 10) == event
    assert parent.refused == 1
    assert parent.hung_up.empty()
    sink.close()
    await parent.hung_up.get()
    await parent.socket.close(1)


async def test_a_line_that_is_too_long_is_dropped_and_not_the_calls_with_it(folder: Path) -> None:
    parent = Heard(folder)
    await parent.socket.open()
    sink = EventSink(parent.socket.path)
    for event in (START, LoopHeld("a", "x" * 70_000), TURN):
        sink.emit(event)
    assert await parent.events.get() == START
    assert await parent.events.get() == EventsDropped("a", 1)
    assert await parent.events.get() == TURN
    sink.close()
    await parent.hung_up.get()
    await parent.socket.close(1)


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def names(folder: Path) -> list[str]:
    return [inside.name for inside in folder.iterdir()]


async def test_nobody_else_can_reach_the_socket_and_nothing_is_left_of_it(folder: Path) -> None:
    parent = Heard(folder)
    await parent.socket.open()
    assert mode(folder) == 0o700
    assert names(folder) == ["events.sock"]
    await parent.socket.close(1)
    assert names(folder) == []


def test_folders_of_workers_that_were_killed_are_cleared_away(folder: Path) -> None:
    left = folder.parent / f"{event_socket.PREFIX}999999999-x"
    left.mkdir()
    strange = folder.parent / f"{event_socket.PREFIX}strange"
    strange.mkdir()
    another = private_folder()
    assert not left.exists()
    assert strange.exists()
    assert folder.exists()
    assert another.exists()


def deaf_parent(folder: Path) -> tuple[socket.socket, Path]:
    """A parent that listens and never reads."""
    path = folder / "deaf.sock"
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deaf.bind(str(path))
    deaf.listen()
    return deaf, path


def test_a_parent_that_does_not_read_costs_events_and_no_time(folder: Path) -> None:
    deaf, path = deaf_parent(folder)
    sink = EventSink(path, waiting_events=100)
    line = deaf.accept()[0]
    sent = 20_000
    for number in range(sent):
        sink.emit(replace(TURN, turn=number))
    assert 0 < sink.dropped < sent

    line.settimeout(5)
    with line.makefile("rb") as reading:
        first = decode(reading.readline())
        assert isinstance(first, TurnMeasured)
        arrived, told = 1, 0
        while arrived + told < sent:
            sink.emit(END)
            event = decode(reading.readline())
            if isinstance(event, EventsDropped):
                told += event.count
                break
            arrived += isinstance(event, TurnMeasured)
    assert told >= sent - arrived - 100
    line.close()
    deaf.close()
    sink.close()


def test_a_parent_that_is_gone_does_not_disturb_the_call(folder: Path) -> None:
    deaf, path = deaf_parent(folder)
    sink = EventSink(path)
    deaf.accept()[0].close()
    deaf.close()
    sink.emit(START)
    sink.emit(END)
    assert sink.dropped == 2
    assert not sink.flush()
    sink.close()


def test_a_sink_without_a_parent_drops_everything() -> None:
    sink = EventSink(None)
    sink.emit(START)
    assert sink.dropped == 1
    sink.close()


HOLDS_AND_DIES = """
import os, signal, sys, time
from pathlib import Path
from callfleet_contract.events import BargeIn, CallStarted
from callfleet_worker.reporting import EventSink

sink = EventSink(Path(sys.argv[1]))
sink.emit(CallStarted("a", "room", 1))
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
sink.emit(BargeIn("a", 1.0))
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_a_line_ends_with_its_process_whatever_that_has_left_behind(folder: Path) -> None:
    parent = Heard(folder)
    await parent.socket.open()
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDS_AND_DIES, str(parent.socket.path)
    )
    try:
        assert await asyncio.wait_for(parent.hung_up.get(), 30) == {"a"}
        assert [await parent.events.get() for _ in range(2)] == [START, BargeIn("a", 1.0)]
    finally:
        for left in psutil.process_iter(["cmdline"]):
            if str(parent.socket.path) in (left.info["cmdline"] or ()):
                left.kill()
        await program.wait()
    await parent.socket.close(1)
