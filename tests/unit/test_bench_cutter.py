"""Between worker and server all passes, until one room's signal is cut."""

import asyncio
import base64
import contextlib
import json

from callfleet_rehearsal.bench.faults.cutter import Cutter

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def says_it_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while heard := await reader.read(1000):
        writer.write(heard)
    writer.close()


def signal_of(room: str) -> bytes:
    body = base64.urlsafe_b64encode(json.dumps({"video": {"room": room}}).encode()).rstrip(b"=")
    return b"GET /rtc/v1?access_token=a." + body + b".c HTTP/1.1\r\n\r\n"


async def test_one_rooms_signal_is_cut_and_all_else_goes_on() -> None:
    async with await asyncio.start_server(says_it_again, "127.0.0.1", 0) as server:
        with Cutter(server.sockets[0].getsockname()[1]) as cutter:
            lines: dict[bytes, Line] = {}
            for head in (signal_of("one"), signal_of("two"), b"POST /twirp HTTP/1.1\r\n\r\n"):
                reader, writer = lines[head] = await asyncio.open_connection(
                    "127.0.0.1", cutter.port
                )
                writer.write(head)
                assert await reader.readexactly(len(head)) == head
            cut = await asyncio.to_thread(cutter.cut, "one")
            assert cut > 0
            assert await asyncio.to_thread(cutter.cut, "one") == 0
            struck, *others = lines.values()
            with contextlib.suppress(ConnectionResetError):
                assert await struck[0].read(100) == b""
            for reader, writer in others:
                writer.write(b"still here")
                assert await reader.readexactly(10) == b"still here"
                writer.close()


async def test_a_server_that_is_away_is_away_behind_the_cutter_too() -> None:
    async with await asyncio.start_server(says_it_again, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    with Cutter(port) as cutter:
        reader, writer = await asyncio.open_connection("127.0.0.1", cutter.port)
        assert await reader.read(100) == b""
        writer.close()
