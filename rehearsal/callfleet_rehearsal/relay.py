"""Bad weather between somebody and the SFU: a seeded UDP relay that delays, drops and reorders."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, cast

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to datagrams on their way. Delays are one way, ratios are of all datagrams.

    ``jitter_seconds`` adds up to so much to each datagram's delay without changing their order;
    a reordered datagram is held back by ``reorder_seconds`` more. An outage drops everything
    for ``outage_seconds``, ``outage_at_seconds`` after the relay began. ``unheard_up_at_seconds``
    and ``unheard_down_at_seconds`` after it began sound passes that way no more, and all else still
    does: connections stay, and one hears the other no longer. None is never.
    """

    delay_up_seconds: float = 0.0
    delay_down_seconds: float = 0.0
    jitter_seconds: float = 0.0
    loss_ratio: float = 0.0
    duplicate_ratio: float = 0.0
    reorder_ratio: float = 0.0
    reorder_seconds: float = 0.03
    outage_at_seconds: float = 0.0
    outage_seconds: float = 0.0
    unheard_up_at_seconds: float | None = None
    unheard_down_at_seconds: float | None = None


class Sky:
    """Decides each datagram's fate on one way of one flow. Seeded, no clock, no socket."""

    def __init__(self, weather: Weather, *, up: bool, seed: int) -> None:
        self._weather = weather
        self._delay = weather.delay_up_seconds if up else weather.delay_down_seconds
        self._unheard_at = weather.unheard_up_at_seconds if up else weather.unheard_down_at_seconds
        self._random = random.Random(seed)
        self._latest = 0.0

    def deliveries(self, at_seconds: float, *, is_sound: bool = False) -> tuple[float, ...]:
        """When a datagram that comes at ``at_seconds`` is delivered: never, once or twice."""
        weather = self._weather
        if is_sound and self._unheard_at is not None and at_seconds >= self._unheard_at:
            return ()
        lost, doubled, held = (self._random.random() for _ in range(3))
        due = at_seconds + self._delay + weather.jitter_seconds * self._random.random()
        since = at_seconds - weather.outage_at_seconds
        if lost < weather.loss_ratio or 0 <= since < weather.outage_seconds:
            return ()
        if held < weather.reorder_ratio:
            due += weather.reorder_seconds
        else:
            due = self._latest = max(due, self._latest)
        return (due, due) if doubled < weather.duplicate_ratio else (due,)


class _Socket(asyncio.DatagramProtocol):
    """Hands on what arrives."""

    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._received(data, addr)

    def send(self, data: bytes, address: Address | None = None) -> None:
        """Send, unless the socket was closed while the datagram was on its way."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data, address)

    def close(self) -> None:
        """Close the socket."""
        if self.transport is not None:
            self.transport.close()


@dataclass(frozen=True, slots=True)
class _Flow:
    """One sender's way through the relay."""

    onward: _Socket
    up: Sky
    down: Sky


class Relay:
    """Stands before one UDP address. Every sender gets a socket of its own behind it.

    ``front`` is where it is sent to; by default, at a free port.
    """

    def __init__(
        self,
        target: Address,
        weather: Weather,
        seed: int = 1,
        front: Address = ("127.0.0.1", 0),
    ) -> None:
        self._target = target
        self._front_at = front
        self._weather = weather
        self._seed = seed
        self._flows: dict[Address, asyncio.Task[_Flow]] = {}
        self._front = _Socket(self._from_sender)
        self._began = 0.0
        self._keeps_sound = False

    @property
    def address(self) -> Address:
        """Where senders send to."""
        transport = self._front.transport
        if transport is None:
            message = "the relay has no address before it is entered with `async with`"
            raise RuntimeError(message)
        host, port = transport.get_extra_info("sockname")
        return str(host), int(port)

    def keep_sound_back(self) -> None:
        """Let no more sound pass towards the target, from now on; all else still does."""
        self._keeps_sound = True

    async def __aenter__(self) -> Self:
        """Open the front."""
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        await loop.create_datagram_endpoint(lambda: self._front, local_addr=self._front_at)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all sockets; what is on its way is dropped."""
        self._front.close()
        for flow in self._flows.values():
            (await flow).onward.close()

    def _from_sender(self, data: bytes, sender: Address) -> None:
        if self._keeps_sound and is_sound(data):
            return
        flow = self._flows.get(sender)
        if flow is None:
            flow = asyncio.get_running_loop().create_task(self._open(sender))
            self._flows[sender] = flow
        if flow.done():
            self._forward(data, flow.result().up, flow.result().onward.send)
        else:
            flow.add_done_callback(
                lambda done: self._forward(data, done.result().up, done.result().onward.send)
            )

    async def _open(self, sender: Address) -> _Flow:
        number = len(self._flows)
        up = Sky(self._weather, up=True, seed=self._seed * 1000 + 2 * number)
        down = Sky(self._weather, up=False, seed=self._seed * 1000 + 2 * number + 1)

        def back(data: bytes) -> None:
            self._front.send(data, sender)

        onward = _Socket(lambda data, _: self._forward(data, down, back))
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: onward, remote_addr=self._target)
        return _Flow(onward, up, down)

    def _forward(self, data: bytes, sky: Sky, send: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for due in sky.deliveries(now - self._began, is_sound=is_sound(data)):
            at = self._began + due
            if at <= now:
                send(data)
            else:
                loop.call_at(at, send, data)


_RTP_FIRST_BYTES = range(128, 192)
_RTCP_SECOND_BYTES = range(192, 224)


def is_sound(datagram: bytes) -> bool:
    """Tell media from all that shares a port with it: checks, handshakes, reports (RFC 7983)."""
    return (
        len(datagram) > 1
        and datagram[0] in _RTP_FIRST_BYTES
        and datagram[1] not in _RTCP_SECOND_BYTES
    )
