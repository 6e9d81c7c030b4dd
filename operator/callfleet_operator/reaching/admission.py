"""Speak with a worker's admission port: watch it, and send it orders. Raises in one way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from callfleet_contract import signing
from callfleet_contract.admission import (
    CORDON_PATH,
    HEARTBEAT_SECONDS,
    MOST_BYTES,
    WATCH_PATH,
    Order,
    Report,
    WireError,
    encode,
    read_refusal,
    read_report,
)
from callfleet_operator.reaching.keys import Keys

SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
"""A watch that is silent for so long is given up and begun anew."""
_CONNECT_SECONDS = 3.0
_ORDER_SECONDS = 3.0
_OK = 200
_ASKED_WRONGLY = range(400, 500)


class DeafError(Exception):
    """A worker cannot be reached, or what answers is no worker."""


class RefusedError(DeafError):
    """A worker does not do what it is asked for; ``report`` says how it is, if it said so."""

    def __init__(self, message: str, report: Report | None) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True, slots=True)
class Address:
    """Where a worker listens, who it is, and whom it believes."""

    host: str
    port: int
    pod_uid: str
    keys: tuple[str, ...] = ()

    def url(self, path: str) -> str:
        """Give the URL of a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{path}"


class AdmissionClient:
    """One for all workers."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            trust_env=False,
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def watch(self, at: Address) -> AsyncIterator[Report]:
        """Give each report that a worker makes, until the connection ends.

        Raises:
            RefusedError: what is there lets nobody listen who signs so.
            DeafError: it cannot be reached, was silent, or says what is no report.

        """
        headers = {signing.HEADER: self._keys.sign(at.keys, signing.WATCH, at.pod_uid.encode())}
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=SILENCE_SECONDS
        )
        try:
            async with self._session.get(
                at.url(WATCH_PATH), headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                if response.status in _ASKED_WRONGLY:
                    raise await _refusal(response)
                if response.status != _OK:
                    raise DeafError(str(await _refusal(response)))
                async for line in response.content:
                    yield read_report(line.strip())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise DeafError(_said(error)) from error

    async def order(self, at: Address, order: Order) -> Report:
        """Send an order; give the report after it.

        Raises:
            RefusedError: the worker does not obey.
            DeafError: it cannot be reached, or what answered is no worker.

        """
        body = encode(order)
        headers = {
            signing.HEADER: self._keys.sign(at.keys, signing.CORDON, body),
            "Content-Type": "application/json",
        }
        limits = aiohttp.ClientTimeout(total=_ORDER_SECONDS)
        try:
            async with self._session.post(
                at.url(CORDON_PATH),
                data=body,
                headers=headers,
                timeout=limits,
                allow_redirects=False,
            ) as response:
                if response.status == _OK:
                    return read_report(await _body(response))
                raise await _refusal(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise DeafError(_said(error)) from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """Read a whole body, or as much of it as shows that it is too long."""
    body = b""
    async for chunk in response.content.iter_chunked(MOST_BYTES):
        body += chunk
        if len(body) > MOST_BYTES:
            break
    return body.strip()


async def _refusal(response: aiohttp.ClientResponse) -> RefusedError:
    try:
        told = read_refusal(await _body(response))
    except WireError:
        return RefusedError(f"it answered {response.status} and no sentence", None)
    return RefusedError(f"it answered {response.status}: {told.error}", told.report)


def _said(error: BaseException) -> str:
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return f"no answer within {SILENCE_SECONDS:g} s"
    return str(error) or type(error).__name__
