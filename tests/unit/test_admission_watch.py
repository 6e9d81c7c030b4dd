"""A watch tells the latest, at once; who does not listen keeps nobody, and goes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from admission_client import until
from admission_stand import Stand, post, standing

from callfleet_contract.admission import MOST_BYTES, WATCH_PATH, Report, read_report
from callfleet_worker.parent.admission import port as port_module
from callfleet_worker.parent.admission.port import MOST_WATCHES


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_went_wrong(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever others do, the port's own log stays quiet."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


async def test_a_watch_tells_at_once_and_on_every_change(stand: Stand) -> None:
    async with stand.client.watching() as watching:
        first = await watching.tells(lambda _: True)
        assert (first.active, first.sequence) == (0, 1)
        for active in (1, 2, 1):
            stand.becomes(active=active)
            await watching.tells(lambda report: report.active == active)  # noqa: B023 - used now
        await stand.client.order(1, cordon=True)
        await watching.tells(lambda report: report.cordoned)
        numbers = [report.sequence for report in watching.reports]
        assert numbers == sorted(set(numbers))


async def test_a_watch_is_not_told_twice_what_has_not_changed(stand: Stand) -> None:
    async with stand.client.watching() as watching:
        await watching.tells(lambda _: True)
        for _ in range(50):
            stand.port.changed()
            await asyncio.sleep(0)
        stand.becomes(active=7)
        await watching.tells(lambda report: report.active == 7)
        assert len(watching.reports) == 2


async def test_a_watch_hears_from_a_worker_to_which_nothing_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port_module, "HEARTBEAT_SECONDS", 0.05)
    async with standing(request_seconds=0.05) as stand, stand.client.watching() as watching:
        # News that are none must not put the heartbeat off.
        while len(watching.reports) < 4:
            stand.port.changed()
            await asyncio.sleep(0.01)


async def test_the_newest_watches_stay_and_the_oldest_goes(stand: Stand) -> None:
    async with stand.client.watching() as oldest:
        await oldest.tells(lambda _: True)
        newer = [stand.client.watching() for _ in range(MOST_WATCHES)]
        watchings = [await one.__aenter__() for one in newer]
        await oldest.ends()
        stand.becomes(active=3)
        for watching in watchings:
            await watching.tells(lambda report: report.active == 3)
        for one in newer:
            await one.__aexit__(None, None, None)


async def test_a_watch_that_is_replayed_from_elsewhere_hangs_up_on_none_but_its_own(
    stand: Stand,
) -> None:
    async with stand.client.watching() as operators, AsyncExitStack() as held:
        replayed = [
            await held.enter_async_context(stand.client.watching("127.0.0.2"))
            for _ in range(2 * MOST_WATCHES)
        ]
        for one in replayed[: 1 - MOST_WATCHES]:
            await one.ends()
        stand.becomes(active=3)
        for one in (operators, *replayed[1 - MOST_WATCHES :]):
            await one.tells(lambda report: report.active == 3)


async def slow_reader(stand: Stand) -> socket.socket:
    """Watch, and read nothing."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(0)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(line, stand.address)
    head = "".join(f"{name}: {value}\r\n" for name, value in stand.client.watch_headers().items())
    await loop.sock_sendall(
        line, f"GET {WATCH_PATH} HTTP/1.1\r\nHost: worker\r\n{head}\r\n".encode()
    )
    return line


def reports_in(stream: bytes) -> list[Report]:
    """Read the reports that are there as a whole."""
    lines, _, _ = stream.rpartition(b"\n")
    return [read_report(line) for line in lines.split(b"\n") if line[:1] == b"{"]


async def test_who_reads_slowly_keeps_nobody_and_is_told_the_latest(stand: Stand) -> None:
    changes = 20_000
    with await slow_reader(stand) as line:
        async with stand.client.watching() as quick:
            await quick.tells(lambda _: True)
            for number in range(changes):
                stand.becomes(accepted_total=number)
                if number % 10 == 0:
                    await asyncio.sleep(0)
            await quick.tells(lambda report: report.accepted_total == changes - 1)
            assert 0 < stand.most_waiting_bytes < 2 * MOST_BYTES
        stream = b""
        loop = asyncio.get_running_loop()
        while not any(one.accepted_total == changes - 1 for one in reports_in(stream)):
            stream += await loop.sock_recv(line, 65536)
        assert len(reports_in(stream)) < 100


async def test_who_does_not_read_at_all_is_hung_up_on() -> None:
    async with standing(write_seconds=0.1) as stand:
        with await slow_reader(stand):
            number = 0
            await until(lambda: bool(stand.port._watches._open))
            while stand.port._watches._open:
                number += 1
                stand.becomes(accepted_total=number)
                await asyncio.sleep(0.001)


async def test_who_leaves_in_the_middle_is_let_go(stand: Stand) -> None:
    async with stand.client.watching() as watching:
        await watching.tells(lambda _: True)
    reader, writer = await stand.dial()
    writer.write(post(100, b"{"))
    await writer.drain()
    writer.transport.abort()
    assert await reader.read() == b""
    while stand.connections:
        stand.becomes(active=stand.seen.active + 1)
        await asyncio.sleep(0.01)


async def test_a_stopped_worker_tells_its_last_and_ends_the_watch() -> None:
    async with standing() as stand, stand.client.watching() as watching:
        await watching.tells(lambda _: True)
        stand.seen = replace(stand.seen, draining=True, cut_total=2)
        await stand.port.stop()
        await watching.ends()
        assert (watching.last.draining, watching.last.cut_total) == (True, 2)
