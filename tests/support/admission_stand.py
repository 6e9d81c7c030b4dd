"""An admission port with a worker behind it that does as the test says."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from admission_client import Client
from aiohttp import web

from callfleet_contract.admission import CORDON_PATH, Order
from callfleet_worker.parent.admission.desk import Desk, Seen
from callfleet_worker.parent.admission.orders import Orders
from callfleet_worker.parent.admission.port import AdmissionPort, Door

UID = "this-pod"


@dataclass
class Stand:
    """A port with a worker behind it that does as the test says."""

    client: Client = field(default_factory=lambda: Client("", UID))
    kept: list[Order] = field(default_factory=list)
    cordons: list[bool] = field(default_factory=list)
    trouble: OSError | None = None
    looks: int = 0
    seen: Seen = field(
        default_factory=lambda: Seen(
            registered=True,
            draining=False,
            slots=10,
            reserved=0,
            active=0,
            accepted_total=0,
            given_back_total=0,
            ended_total=0,
            refused_total=0,
            cut_total=0,
            call_seconds_total=0.0,
        )
    )

    def __post_init__(self) -> None:
        self.disk = asyncio.Event()
        self.disk.set()
        self.address = ("", 0)

    def make(self, **patience: float) -> AdmissionPort:
        door = Door(UID, [self.client.key.public_key()], **patience)
        desk = Desk(UID, "boot", None, forgot=False)
        self.port = AdmissionPort(door, Orders(desk, self.look, self.keep, self.cordon))
        return self.port

    def look(self) -> Seen:
        self.looks += 1
        return self.seen

    async def keep(self, order: Order) -> None:
        await self.disk.wait()
        if self.trouble:
            raise self.trouble
        self.kept.append(order)

    def cordon(self, *, cordoned: bool) -> None:
        assert self.kept, "done before it was kept"
        self.cordons.append(cordoned)

    def becomes(self, **facts: Any) -> None:
        self.seen = replace(self.seen, **facts)
        self.port.changed()

    @property
    def connections(self) -> int:
        return len(self._server.connections)

    @property
    def most_waiting_bytes(self) -> int:
        """What the port holds for whoever reads slowest."""
        transports = [one.transport for one in self._server.connections]
        return max(one.get_write_buffer_size() for one in transports if one)

    @property
    def _server(self) -> web.Server:
        server = self.port._runner.server
        assert server is not None
        return server

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.address)

    async def says(self, *request: bytes) -> bytes:
        """Send this as it is, and read until the port hangs up."""
        reader, writer = await self.dial()
        try:
            writer.write(b"".join(request))
            return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def standing(**patience: float) -> AsyncIterator[Stand]:
    stand = Stand()
    port = stand.make(**patience)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await port.start(bound)
        stand.address = bound.getsockname()
        stand.client.url = "http://{}:{}".format(*stand.address)
        yield stand
        await port.stop()


def post(length: int, body: bytes) -> bytes:
    head = f"POST {CORDON_PATH} HTTP/1.1\r\nHost: worker\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + body
