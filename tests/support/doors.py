"""Doors in a network: ports that are kept open and knocked at, over TCP and UDP.

As a program it does so in whichever network it is started, with the standard library alone:

    doors.py open '[["10.0.0.1", 8081, "tcp"], …]'     until its input ends; says so once they are
    doors.py knock '[["10.0.0.1", 8081, "tcp"], …]'    says what answered, in the same order
"""

import asyncio
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

KNOCK_SECONDS = 3.0
READY = "open"


class Answer(StrEnum):
    """What came back: somebody, word that nobody may pass, or nothing at all."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True)
class Door:
    """One port at one address."""

    address: str
    port: int
    protocol: str = "tcp"

    def __str__(self) -> str:
        return f"{self.address}:{self.port}/{self.protocol}"


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)


def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def keep_open(doors: list[Door]) -> None:
    loop = asyncio.get_running_loop()
    for door in doors:
        if door.protocol == "udp":
            await loop.create_datagram_endpoint(Echo, local_addr=(door.address, door.port))
        else:
            await asyncio.start_server(greet, door.address, door.port)
    print(READY, flush=True)
    await asyncio.to_thread(sys.stdin.read)


def knock(door: Door) -> Answer:
    """Knock once: TCP answers by itself, over UDP whoever is behind the door has to."""
    udp = door.protocol == "udp"
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as asking:
        asking.settimeout(KNOCK_SECONDS)
        try:
            asking.connect((door.address, door.port))
            if udp:
                asking.send(b"knock")
                asking.recv(16)
        except TimeoutError:
            return Answer.SILENT
        except OSError:
            return Answer.REFUSED
    return Answer.OPEN


def knock_at(doors: list[Door]) -> list[Answer]:
    with ThreadPoolExecutor(max_workers=len(doors)) as threads:
        return list(threads.map(knock, doors))


if __name__ == "__main__":
    told = [Door(*each) for each in json.loads(sys.argv[2])]
    if sys.argv[1] == "open":
        asyncio.run(keep_open(told))
    else:
        print(json.dumps(knock_at(told)))
