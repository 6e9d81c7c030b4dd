"""An operator for tests of the admission port: signs, orders, watches."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callfleet_contract.admission import (
    CORDON_PATH,
    WATCH_PATH,
    Order,
    Refusal,
    Report,
    encode,
    read_refusal,
    read_report,
)
from callfleet_contract.signing import CORDON, HEADER, WATCH, sign, write_public_key

PATIENCE_SECONDS = 60.0


async def until(true: Callable[[], bool]) -> None:
    """Wait for what tells nobody."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


def new_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@dataclass
class Watching:
    """What a watch has told so far."""

    reports: list[Report] = field(default_factory=list)
    has_ended: bool = False
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def last(self) -> Report:
        return self.reports[-1]

    async def tells(self, true: Callable[[Report], bool]) -> Report:
        """Wait for a report, from now on or the last one, of which something is true."""
        seen = max(0, len(self.reports) - 1)
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            while True:
                for report in self.reports[seen:]:
                    if true(report):
                        return report
                seen = len(self.reports)
                await self._news.wait()

    async def ends(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            await self._news.wait_for(lambda: self.has_ended)

    async def read(self, answer: aiohttp.ClientResponse) -> None:
        try:
            async for line in answer.content:
                await self._note(read_report(line.rstrip()))
        except aiohttp.ClientError:
            pass
        finally:
            async with self._news:
                self.has_ended = True
                self._news.notify_all()

    async def _note(self, report: Report) -> None:
        async with self._news:
            self.reports.append(report)
            self._news.notify_all()


@dataclass
class Client:
    """Asks one worker."""

    url: str
    pod_uid: str
    key: Ed25519PrivateKey = field(default_factory=new_key)

    @property
    def public_key(self) -> str:
        return write_public_key(self.key.public_key())

    async def order(self, epoch: int, *, cordon: bool, **other: str) -> tuple[int, Report]:
        """Give an order that is answered with a report, alone or with a refusal."""
        order = Order(other.get("pod_uid", self.pod_uid), epoch, cordon, other.get("reason", ""))
        status, body = await self.send(encode(order))
        report = read_report(body) if status == 200 else read_refusal(body).report
        assert report is not None, (status, body)
        return status, report

    async def send(self, body: bytes, header: str | None = None) -> tuple[int, bytes]:
        """Send a body as an order, signed unless a header is given."""
        headers = {HEADER: header if header is not None else sign(self.key, CORDON, body)}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + CORDON_PATH, data=body, headers=headers) as answer,
        ):
            return answer.status, await answer.read()

    async def refused(self, body: bytes, header: str | None = None) -> tuple[int, Refusal]:
        status, answer = await self.send(body, header)
        return status, read_refusal(answer)

    def watch_headers(self) -> dict[str, str]:
        return {HEADER: sign(self.key, WATCH, self.pod_uid.encode())}

    @asynccontextmanager
    async def watching(self, from_host: str = "127.0.0.1") -> AsyncIterator[Watching]:
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(local_addr=(from_host, 0))
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            session.get(self.url + WATCH_PATH, headers=self.watch_headers()) as answer,
        ):
            assert answer.status == 200, await answer.text()
            watching = Watching()
            reading = asyncio.create_task(watching.read(answer))
            try:
                yield watching
            finally:
                reading.cancel()
                await asyncio.wait({reading})
