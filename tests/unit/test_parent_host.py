"""A process that calls share waits for nobody while it takes a call."""

import asyncio
import socket
import struct
from collections.abc import Iterator

import pytest

from callfleet_worker.parent.sharing.host import first_message

MESSAGE = struct.pack("!I", 300) + b"x" * 300


@pytest.fixture
def lines() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    yield near, far
    near.close()
    far.close()


@pytest.mark.parametrize("arrived", [0, 2, 4, 5, 303])
async def test_a_message_that_has_arrived_in_part_is_waited_for_and_left_whole(
    lines: tuple[socket.socket, socket.socket], arrived: int
) -> None:
    near, far = lines
    near.sendall(MESSAGE[:arrived])
    waiting = asyncio.create_task(first_message(far))
    await asyncio.wait({waiting}, timeout=0.05)
    assert not waiting.done()
    near.sendall(MESSAGE[arrived:])
    await waiting
    assert far.gettimeout() is None
    assert far.recv(1000) == MESSAGE


async def test_a_line_that_ends_is_waited_for_no_longer(
    lines: tuple[socket.socket, socket.socket],
) -> None:
    near, far = lines
    waiting = asyncio.create_task(first_message(far))
    near.close()
    await waiting
    assert far.recv(1000) == b""
