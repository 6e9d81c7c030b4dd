"""One media connection on one UDP socket: ICE, DTLS, SRTP, arrivals stamped by the kernel."""

import asyncio
import contextlib
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import pylibsrtp

from callfleet_rehearsal.callers.dtls import Dtls
from callfleet_rehearsal.callers.ice import Ice, is_stun
from callfleet_rehearsal.callers.rtp import is_rtcp
from callfleet_rehearsal.callers.sdp import RemoteDescription

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)
_LARGEST_DATAGRAM = 2048
_CHECK_EVERY_SECONDS = 0.05
_CONSENT_EVERY_NS = 2_000_000_000
_CONSENT_LOST_NS = 10_000_000_000
_CLOCK_CHECKED_EVERY_NS = 1_000_000_000
_DTLS_FIRST_BYTES = range(20, 64)

_recent_ports: deque[int] = deque(maxlen=2_000)


class MediaLostError(ConnectionError):
    """The media connection did not come up, or has gone."""


class Arrival(NamedTuple):
    """A decrypted datagram with the instant at which the kernel received it."""

    at_ns: int
    data: bytes
    rtcp: bool


def new_socket() -> socket.socket:
    """Bind a port that no caller of this process had lately.

    LiveKit has one port for all media and knows who sends by the sender's port: what comes from the
    port of a caller who vanished is taken for that one's, until it is given up after some seconds.
    """
    with contextlib.ExitStack() as refused:
        while True:
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            # At every address: an SFU elsewhere is not reached from loopback.
            bound.bind(("", 0))
            port = bound.getsockname()[1]
            if port not in _recent_ports:
                _recent_ports.append(port)
                return bound
            # Held until another is found, so that it is not given again at once.
            refused.enter_context(bound)


class Transport:
    """The caller's end of its media connection.

    While it comes up, the event loop wakes for every datagram. Afterwards nobody is woken:
    ``drain`` is called on the sending clock, and the kernel's stamps say when things arrived.
    """

    def __init__(self) -> None:
        self.ice = Ice()
        self.connected = asyncio.Event()
        self._socket = new_socket()
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._remote = ("", 0)
        self._dtls: Dtls | None = None
        self._outbound: pylibsrtp.Session | None = None
        self._inbound: pylibsrtp.Session | None = None
        self._early: list[Arrival] = []
        self._failure: Exception | None = None
        self._checked_ns = 0
        self._clock_offset_ns = 0
        self._clock_checked_ns = 0

    async def establish(
        self, remote: RemoteDescription, address: tuple[str, int], timeout_seconds: float
    ) -> None:
        """Bring the connection up.

        Raises:
            MediaLostError: it is not up in time.

        """
        self.ice.meet(remote.ufrag, remote.password)
        self._dtls = Dtls(client=remote.dtls_passive, remote_fingerprint=remote.fingerprint)
        self._remote = address
        self._socket.connect(address)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, self._on_readable)
        deadline = loop.time() + timeout_seconds
        try:
            while not self.connected.is_set():
                if loop.time() > deadline:
                    stage = "DTLS handshake" if self.ice.nominated else "ICE check"
                    message = (
                        f"no media connection to {address[0]}:{address[1]} within "
                        f"{timeout_seconds:g} s: the {stage} got no answer; is that UDP port "
                        "reachable from here (rtc.node_ip, rtc.enable_loopback_candidate)?"
                    )
                    raise MediaLostError(message)
                self._nudge()
                await self._wait_for_connection()
        finally:
            loop.remove_reader(self._socket)

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt a media packet and send it."""
        if self._outbound is not None:
            self._send(self._outbound.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt a report and send it."""
        if self._outbound is not None:
            self._send(self._outbound.protect_rtcp(packet))

    def drain(self) -> list[Arrival]:
        """Take all that has arrived: media and reports; the rest is dealt with here.

        Raises:
            MediaLostError: the SFU no longer answers.

        """
        arrivals, self._early = self._early, []
        for datagram, at_ns in self._datagrams():
            self._handle(datagram, at_ns, arrivals)
        self._keep_consent()
        return arrivals

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def _wait_for_connection(self) -> None:
        try:
            async with asyncio.timeout(_CHECK_EVERY_SECONDS):
                await self.connected.wait()
        except TimeoutError:
            return

    def _nudge(self) -> None:
        if self._failure is not None:
            raise self._failure
        # The other side may have given up its own check by the time that ours succeeds; only
        # another one of ours has it try again.
        self._send(self.ice.check(time.monotonic_ns()))
        if self.ice.nominated and self._dtls is not None:
            self._dtls.retransmit()
            self._flush_dtls()

    def _on_readable(self) -> None:
        # Before the connection is up this is the only reader; an error must reach ``establish``.
        try:
            for datagram, at_ns in self._datagrams():
                self._handle(datagram, at_ns, self._early)
        except ConnectionError as error:
            self._failure = error

    def _handle(self, datagram: bytes, at_ns: int, arrivals: list[Arrival]) -> None:
        if is_stun(datagram):
            was_nominated = self.ice.nominated
            answer = self.ice.receive(datagram, self._remote, at_ns)
            if answer is not None:
                self._send(answer)
            if self.ice.nominated and not was_nominated:
                self._advance_dtls(b"")
                self._see_whether_up()
        elif datagram[0] in _DTLS_FIRST_BYTES:
            self._advance_dtls(datagram)
        elif self._inbound is not None:
            self._decrypt(self._inbound, datagram, at_ns, arrivals)

    @staticmethod
    def _decrypt(
        session: pylibsrtp.Session, datagram: bytes, at_ns: int, arrivals: list[Arrival]
    ) -> None:
        rtcp = is_rtcp(datagram)
        try:
            plain = session.unprotect_rtcp(datagram) if rtcp else session.unprotect(datagram)
        except pylibsrtp.Error:
            # A duplicate, or not for us: as on any network, it is not there.
            return
        arrivals.append(Arrival(at_ns, plain, rtcp))

    def _advance_dtls(self, datagram: bytes) -> None:
        if self._dtls is None:
            return
        self._dtls.advance(datagram)
        self._flush_dtls()
        if self._dtls.done and self._outbound is None:
            self._outbound, self._inbound = self._dtls.sessions()
            self._see_whether_up()

    def _see_whether_up(self) -> None:
        # The SFU may shake hands on its own check while the answer to ours is lost on the way;
        # only what has been answered once can be said to be answered no more.
        if self.ice.nominated and self._outbound is not None:
            self.connected.set()

    def _flush_dtls(self) -> None:
        for datagram in self._dtls.outgoing() if self._dtls else []:
            self._send(datagram)

    def _keep_consent(self) -> None:
        now_ns = time.monotonic_ns()
        if now_ns - self._checked_ns < _CONSENT_EVERY_NS:
            return
        self._checked_ns = now_ns
        if now_ns - self.ice.answered_ns > _CONSENT_LOST_NS:
            message = "the SFU has answered no connectivity check for 10 s: the media path is gone"
            raise MediaLostError(message)
        self._send(self.ice.check(now_ns))

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except (BlockingIOError, ConnectionRefusedError):
            # A full buffer drops as a network does; a refusal ends in lost consent.
            return

    def _datagrams(self) -> Iterator[tuple[bytes, int]]:
        offset_ns = self._offset_to_monotonic()
        receive = self._socket.recvmsg
        while True:
            try:
                datagram, ancillary, _, _ = receive(_LARGEST_DATAGRAM, _ANCILLARY_SPACE)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            if not datagram:
                continue
            if ancillary:
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
                yield datagram, seconds * 1_000_000_000 + nanoseconds - offset_ns
            else:
                yield datagram, time.monotonic_ns()

    def _offset_to_monotonic(self) -> int:
        # The kernel stamps with the wall clock, which may be set or slewed at any time.
        now_ns = time.monotonic_ns()
        if now_ns - self._clock_checked_ns > _CLOCK_CHECKED_EVERY_NS:
            self._clock_checked_ns = now_ns
            self._clock_offset_ns = time.time_ns() - time.monotonic_ns()
        return self._clock_offset_ns
