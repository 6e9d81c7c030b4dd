"""A caller's media connection to an SFU that answers as the test has it answer."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from callfleet_rehearsal.callers.dtls import Dtls, identity
from callfleet_rehearsal.callers.ice import Ice, is_stun
from callfleet_rehearsal.callers.sdp import RemoteDescription
from callfleet_rehearsal.callers.transport import MediaLostError, Transport, new_socket


@dataclass
class Sfu(asyncio.DatagramProtocol):
    """Shakes hands with whoever checks the way to it; answers no check before that."""

    shakes_hands: bool = True
    ice: Ice = field(default_factory=Ice)
    dtls: Dtls | None = None

    def connection_made(self, transport: Any) -> None:
        self._socket = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.dtls is None and self.shakes_hands:
            self.dtls = Dtls(client=True, remote_fingerprint=identity().fingerprint)
            self.dtls.advance()
        if self.dtls is not None:
            if not is_stun(data):
                self.dtls.advance(data)
            elif self.dtls.done and (answer := self.ice.receive(data, addr, time.monotonic_ns())):
                self._socket.sendto(answer, addr)
            for datagram in self.dtls.outgoing():
                self._socket.sendto(datagram, addr)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.get_extra_info("sockname")
        return host, port

    @property
    def description(self) -> RemoteDescription:
        return RemoteDescription(
            ufrag=self.ice.ufrag,
            password=self.ice.password,
            fingerprint=identity().fingerprint,
            dtls_passive=False,
            candidates=(),
            sections=(),
        )


@pytest.fixture
async def sfu() -> AsyncIterator[Sfu]:
    loop = asyncio.get_running_loop()
    listening, standing = await loop.create_datagram_endpoint(Sfu, ("127.0.0.1", 0))
    yield standing
    listening.close()


@pytest.fixture
async def caller() -> AsyncIterator[Transport]:
    transport = Transport()
    yield transport
    transport.close()


async def test_a_way_is_up_once_a_check_of_ours_is_answered_as_well(
    caller: Transport, sfu: Sfu
) -> None:
    await caller.establish(sfu.description, sfu.address, 10.0)
    assert caller.ice.nominated
    assert caller.drain() == []


async def test_an_sfu_at_an_address_that_is_not_loopback_is_reached(caller: Transport) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network but its own")
        here = asking.getsockname()[0]
    loop = asyncio.get_running_loop()
    listening, standing = await loop.create_datagram_endpoint(Sfu, (here, 0))
    try:
        await caller.establish(standing.description, standing.address, 10.0)
    finally:
        listening.close()
    assert caller.ice.nominated


async def test_an_sfu_that_answers_nothing_is_told_of_by_the_stage(
    caller: Transport, sfu: Sfu
) -> None:
    sfu.shakes_hands = False
    with pytest.raises(MediaLostError, match="the ICE check got no answer"):
        await caller.establish(sfu.description, sfu.address, 0.1)


def test_no_caller_comes_from_a_port_that_another_had_lately() -> None:
    ports = set()
    for _ in range(1_000):
        with new_socket() as bound:
            ports.add(bound.getsockname()[1])
    assert len(ports) == 1_000
