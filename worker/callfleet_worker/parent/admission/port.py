"""Speak HTTP on the admission port: signed requests, small bodies, and nobody waited for.

Whoever reaches the port can at most keep it busy: what is slow, long or unsigned is hung up on,
and calls, which are in other processes, do not notice.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from aiohttp import web
from aiohttp.http import HttpProcessingError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from callfleet_contract.admission import (
    CORDON_PATH,
    HEARTBEAT_SECONDS,
    MOST_BYTES,
    WATCH_PATH,
    Refusal,
    Report,
    WireError,
    encode,
    read_order,
)
from callfleet_contract.signing import CORDON, HEADER, WATCH, is_signed
from callfleet_worker.parent.admission.orders import NotKeptError, Orders
from callfleet_worker.parent.admission.watches import Watch, Watches

MOST_WATCHES = 4
MOST_CONNECTIONS = 64
_LOOK_SECONDS = 0.05
# Of a body that is refused so much is read on, so that the sender hears why.
_LINGER_SECONDS = 1.0
_STOP_SECONDS = 1.0

_log = logging.getLogger(__name__)
# Whoever can reach the port could fill the log with it, a traceback a line.
_log.addFilter(lambda record: not (record.exc_info and _is_no_http(record.exc_info[1])))


@dataclass(frozen=True, slots=True)
class Door:
    """Whom to let in, and how long to wait for them."""

    pod_uid: str
    keys: Sequence[Ed25519PublicKey]
    request_seconds: float = 5.0
    """For the head of a request, and again for its body."""
    write_seconds: float = 10.0
    """For a report to leave for whoever watches."""


class AdmissionPort:
    """Serves watches and orders."""

    def __init__(self, door: Door, orders: Orders) -> None:
        self._door, self._orders = door, orders
        self._watches = Watches(MOST_WATCHES)
        app = web.Application(middlewares=[_in_json])
        app.router.add_get(WATCH_PATH, self._watch, allow_head=False)
        app.router.add_post(CORDON_PATH, self._order)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_log,
            auto_decompress=False,
            keepalive_timeout=door.request_seconds,
            lingering_time=_LINGER_SECONDS,
            shutdown_timeout=_STOP_SECONDS,
        )
        self._server: asyncio.Server | None = None

    async def start(self, bound: socket.socket) -> None:
        """Serve on a socket that is bound already."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._greet, sock=bound)

    async def stop(self) -> None:
        """Tell every watch what there is to tell still, and stop serving."""
        self._watches.close()
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    @property
    def ends_calls(self) -> bool:
        """Whether calls had their time, and are to end when the worker is told to go."""
        return self._orders.ends_calls

    def changed(self) -> None:
        """Have every watch look again; costs next to nothing, and waits for none."""
        self._watches.changed()

    def _greet(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None or len(server.connections) >= MOST_CONNECTIONS:
            return _HangUp()
        return server()

    async def _order(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        self._let_in(request, CORDON, body)
        try:
            order = read_order(body)
        except WireError as error:
            return _refuse(400, f"this is no order: {error}")
        try:
            answer = await self._orders.take(order)
        except NotKeptError as error:
            sentence = f"{error}: nothing has changed; see the volume at its state folder"
            return _refuse(507, sentence, self._orders.report())
        self.changed()
        if answer.refused:
            return _refuse(409, answer.refused, answer.report)
        return _json(200, encode(answer.report))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        self._let_in(request, WATCH, self._door.pod_uid.encode())
        response = web.StreamResponse(
            headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
        )
        response.force_close()
        await response.prepare(request)
        transport = request.transport
        if transport is None:
            return response
        watch = self._watches.begin(transport.abort, request.remote or "")
        try:
            await self._keep_telling(watch, response, transport)
        except ConnectionError:
            # Whoever watched is gone.
            transport.abort()
        finally:
            self._watches.end(watch)
        return response

    async def _keep_telling(
        self, watch: Watch, response: web.StreamResponse, transport: asyncio.Transport
    ) -> None:
        loop = asyncio.get_running_loop()
        told: Report | None = None
        due = loop.time()
        while not watch.is_dropped:
            is_last = self._watches.is_closing
            report = self._orders.report()
            news = replace(report, sequence=0)
            if news != told or loop.time() >= due:
                await response.write(encode(report) + b"\n")
                # One report is under way at a time: the next is made when this one has left.
                if not await self._has_left(transport):
                    transport.abort()
                    return
                told, due = news, loop.time() + HEARTBEAT_SECONDS
            if is_last:
                return
            await watch.news(due - loop.time())

    async def _has_left(self, transport: asyncio.Transport) -> bool:
        loop = asyncio.get_running_loop()
        patience_ends = loop.time() + self._door.write_seconds
        while transport.get_write_buffer_size():
            if transport.is_closing() or loop.time() > patience_ends:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return True

    async def _body(self, request: web.Request) -> bytes:
        body = b""
        try:
            async with asyncio.timeout(self._door.request_seconds):
                while len(body) <= MOST_BYTES and (piece := await request.content.readany()):
                    body += piece
        except TimeoutError as error:
            seconds = f"{self._door.request_seconds:.0f} s"
            raise _Refused(408, f"the body was not there after {seconds}") from error
        except (web.RequestPayloadError, OSError) as error:
            raise _Refused(400, f"the body cannot be read ({error})") from error
        if len(body) > MOST_BYTES:
            raise _Refused(413, f"the body is longer than {MOST_BYTES} bytes, which no order is")
        return body

    def _let_in(self, request: web.Request, purpose: str, signed: bytes) -> None:
        header = request.headers.get(HEADER)
        if header is None:
            raise _Refused(401, f"the request has no header {HEADER}: sign it, see admission.md")
        if not is_signed(self._door.keys, purpose, signed, header):
            sentence = (
                "the signature is not that of any key of CALLFLEET_ADMISSION__PUBLIC_KEYS under "
                "what was sent: sign with the key that belongs to one of them, for this pod"
            )
            raise _Refused(401, sentence)


def _is_no_http(error: BaseException | None) -> bool:
    return isinstance(error, HttpProcessingError)


class _HangUp(asyncio.Protocol):
    """Takes a connection that is one too many, and ends it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class _Refused(Exception):  # noqa: N818 - answered, not raised out of here
    """A request that is answered with a refusal."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@web.middleware
async def _in_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except _Refused as refused:
        return _refuse(refused.status, refused.sentence)
    except web.HTTPMethodNotAllowed as error:
        allowed = " or ".join(sorted(error.allowed_methods))
        return _refuse(405, f"{request.path} takes {allowed}, not {request.method}")
    except web.HTTPNotFound:
        return _refuse(404, f"there is {WATCH_PATH} and {CORDON_PATH}, and nothing else")


def _refuse(status: int, sentence: str, report: Report | None = None) -> web.Response:
    return _json(status, encode(Refusal(sentence, report)))


def _json(status: int, line: bytes) -> web.Response:
    response = web.Response(status=status, body=line + b"\n", content_type="application/json")
    # Nothing is kept open between requests, so that what stays open is a watch.
    response.force_close()
    return response
