"""The relay that makes bad weather, as decisions and on real sockets."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_rehearsal.relay import Relay, Sky, Weather, is_sound

SENT = [number * 0.02 for number in range(2000)]


def deliveries(weather: Weather, *, up: bool = True, seed: int = 1) -> list[tuple[float, ...]]:
    sky = Sky(weather, up=up, seed=seed)
    return [sky.deliveries(at) for at in SENT]


def test_in_fair_weather_everything_arrives_at_once() -> None:
    assert deliveries(Weather()) == [(at,) for at in SENT]


def test_each_way_has_its_own_delay() -> None:
    weather = Weather(delay_up_seconds=0.03, delay_down_seconds=0.05)
    assert deliveries(weather)[7] == (SENT[7] + 0.03,)
    assert deliveries(weather, up=False)[7] == (SENT[7] + 0.05,)


def test_losses_and_duplicates_are_as_many_as_asked_for_and_seeded() -> None:
    weather = Weather(loss_ratio=0.05, duplicate_ratio=0.1)
    counts = [len(one) for one in deliveries(weather)]
    assert counts.count(0) == pytest.approx(100, abs=40)
    assert counts.count(2) == pytest.approx(190, abs=60)
    assert deliveries(weather) == deliveries(weather)
    assert deliveries(weather) != deliveries(weather, seed=2)


def test_an_outage_drops_everything_for_as_long_as_it_lasts() -> None:
    weather = Weather(outage_at_seconds=1.0, outage_seconds=0.5)
    lost = [at for at, one in zip(SENT, deliveries(weather), strict=True) if not one]
    assert lost[0] == pytest.approx(1.0)
    assert len(lost) == 25


@given(st.floats(0, 0.2), st.integers(0, 2**32))
def test_jitter_alone_never_changes_the_order(jitter: float, seed: int) -> None:
    weather = Weather(jitter_seconds=jitter)
    arrived = [one[0] for one in deliveries(weather, seed=seed)[:200]]
    assert all(a <= b for a, b in itertools.pairwise(arrived))
    assert all(0 <= b - a <= jitter + 1e-9 for a, b in zip(SENT, arrived, strict=False))


def test_reordered_datagrams_come_behind_later_ones() -> None:
    arrived = [one[0] for one in deliveries(Weather(reorder_ratio=0.1, reorder_seconds=0.05))]
    assert sum(a > b for a, b in itertools.pairwise(arrived)) > 50


SOUND, REPORT, CHECK, HANDSHAKE = b"\x80\x6f..", b"\x80\xc9..", b"\x00\x01..", b"\x16\xfe.."


@pytest.mark.parametrize("up", [True, False])
def test_where_one_is_not_heard_all_else_still_passes(*, up: bool) -> None:
    way = "up" if up else "down"
    weather = Weather(**{f"unheard_{way}_at_seconds": 1.0})
    sky, back = Sky(weather, up=up, seed=1), Sky(weather, up=not up, seed=1)
    assert sky.deliveries(0.9, is_sound=True) == (0.9,)
    assert sky.deliveries(1.0, is_sound=True) == ()
    assert sky.deliveries(1.0) == (1.0,)
    assert back.deliveries(1.0, is_sound=True) == (1.0,)


def test_sound_is_told_from_what_shares_its_port() -> None:
    assert is_sound(SOUND)
    assert not any(is_sound(other) for other in (REPORT, CHECK, HANDSHAKE, b"", b"\x80"))


class _Peer(asyncio.DatagramProtocol):
    """A socket that queues what it gets, and echoes it where asked to."""

    def __init__(self, *, echoes: bool) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self._echoes = echoes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.got.put_nowait(data)
        if self._echoes:
            self.transport.sendto(data, addr)


@pytest.fixture
async def echo() -> AsyncIterator[tuple[str, int]]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Peer(echoes=True), local_addr=("127.0.0.1", 0)
    )
    yield transport.get_extra_info("sockname")
    transport.close()


async def test_two_callers_get_their_own_answers_back_late(echo: tuple[str, int]) -> None:
    loop = asyncio.get_running_loop()
    weather = Weather(delay_up_seconds=0.04, delay_down_seconds=0.04)
    async with Relay(echo, weather) as relay:
        peers: list[_Peer] = []
        sent_at = loop.time()
        for word in (b"one", b"two"):
            _, peer = await loop.create_datagram_endpoint(
                lambda: _Peer(echoes=False), remote_addr=relay.address
            )
            peer.transport.sendto(word)
            peers.append(peer)
        answers = [await asyncio.wait_for(peer.got.get(), 10) for peer in peers]
        assert answers == [b"one", b"two"]
        assert loop.time() - sent_at >= 0.08
        for peer in peers:
            peer.transport.close()


async def test_a_relay_stands_where_it_is_told_to(echo: tuple[str, int]) -> None:
    # The same port at another loopback address, as a server announces it.
    front = ("127.0.0.2", echo[1])
    async with Relay(echo, Weather(), front=front) as relay:
        assert relay.address == front
        _, peer = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Peer(echoes=False), remote_addr=front
        )
        peer.transport.sendto(b"one")
        assert await asyncio.wait_for(peer.got.get(), 10) == b"one"
        peer.transport.close()


@pytest.mark.parametrize("at_seconds", [0.0, None], ids=["by weather", "when told"])
async def test_a_relay_lets_a_flow_go_unheard_and_stay(
    echo: tuple[str, int], at_seconds: float | None
) -> None:
    async with Relay(echo, Weather(unheard_up_at_seconds=at_seconds)) as relay:
        if at_seconds is None:
            relay.keep_sound_back()
        _, peer = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Peer(echoes=False), remote_addr=relay.address
        )
        peer.transport.sendto(SOUND)
        peer.transport.sendto(CHECK)
        assert await asyncio.wait_for(peer.got.get(), 10) == CHECK
        peer.transport.close()


async def test_a_relay_has_no_address_before_it_is_open() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = Relay(("127.0.0.1", 9), Weather()).address
