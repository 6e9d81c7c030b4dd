"""LiveKit's signalling: one websocket, protobuf both ways, a single peer connection (/rtc/v1)."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from livekit.protocol import models, rtc

_PROTOCOL_VERSION = 16
# LiveKit itself tries for 18 s to find the room a place before it says no.
_CONNECT_SECONDS = 20.0


class JoinRefusedError(ConnectionError):
    """The SFU did not let the caller in."""


class Signalling:
    """The caller's websocket to the SFU."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._pinging: asyncio.Task[None] | None = None

    async def join(self, url: str, token: str, request: rtc.JoinRequest) -> rtc.JoinResponse:
        """Open the websocket with the request to join, and wait to be let in.

        Raises:
            JoinRefusedError: the SFU cannot be reached, or says no.

        """
        request.client_info.sdk = models.ClientInfo.SDK.JS
        request.client_info.protocol = _PROTOCOL_VERSION
        request.client_info.version = "2.15.0"
        wrapped = rtc.WrappedJoinRequest(join_request=request.SerializeToString())
        query = {"join_request": base64.urlsafe_b64encode(wrapped.SerializeToString()).decode()}
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                self._socket = await self._http.ws_connect(
                    f"{_websocket_url(url)}/rtc/v1",
                    params=query,
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                    compress=0,
                    proxy=proxy_to(url),
                )
                response = await self._receive()
        except TimeoutError as error:
            message = (
                f"LiveKit at {url} did not answer the request to join in {_CONNECT_SECONDS:g} s"
            )
            raise JoinRefusedError(message) from error
        except aiohttp.WSServerHandshakeError as error:
            message = (
                f"LiveKit at {url} refused the caller with HTTP {error.status}: "
                "check that key and secret are the server's own, and that the token names the room"
            )
            raise JoinRefusedError(message) from error
        except (aiohttp.ClientError, OSError) as error:
            message = f"LiveKit at {url} cannot be reached ({error!r}): is it running there?"
            raise JoinRefusedError(message) from error
        if response is None or response.WhichOneof("message") != "join":
            kind = response.WhichOneof("message") if response else "the end of the connection"
            message = f"LiveKit at {url} answered the request to join with {kind}, not with join"
            raise JoinRefusedError(message)
        if response.join.ping_interval > 0:
            self._pinging = asyncio.create_task(self._ping(response.join.ping_interval))
        return response.join

    async def responses(self) -> AsyncIterator[rtc.SignalResponse]:
        """Yield what the SFU says, until the connection ends."""
        while (response := await self._receive()) is not None:
            yield response

    async def send(self, request: rtc.SignalRequest) -> None:
        """Say something to the SFU; nothing happens where the connection has ended."""
        if self._socket is not None and not self._socket.closed:
            with contextlib.suppress(ConnectionError):
                await self._socket.send_bytes(request.SerializeToString())

    async def close(self) -> None:
        """Close the websocket."""
        if self._pinging is not None:
            self._pinging.cancel()
        if self._socket is not None:
            await self._socket.close()

    async def _receive(self) -> rtc.SignalResponse | None:
        if self._socket is None:
            return None
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                return rtc.SignalResponse.FromString(message.data)
            if message.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.PING}:
                return None

    async def _ping(self, interval_seconds: float) -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            ping = rtc.Ping(timestamp=time.time_ns() // 1_000_000)
            await self.send(rtc.SignalRequest(ping_req=ping))


def proxy_to(url: str) -> str | None:
    """Find the proxy that leads to LiveKit; None where NO_PROXY names its host.

    Only for signalling: media take no such proxy.
    """
    if proxy_bypass(urlsplit(url).hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("http")


def _websocket_url(url: str) -> str:
    """Accept the addresses that people write for a LiveKit server."""
    for written, meant in (("http://", "ws://"), ("https://", "wss://")):
        if url.startswith(written):
            url = meant + url.removeprefix(written)
    return url.rstrip("/")
