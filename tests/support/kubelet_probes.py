"""Ask a container for its health, as a kubelet does."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import aiohttp
from kubelet_spec import Object, Probe, probe_of

Found = Callable[[bool], None]


class Health:
    """What the probes of one start of a container have found."""

    def __init__(self, session: aiohttp.ClientSession, host: str, pod: Object) -> None:
        """Know nothing yet.

        Raises:
            BeyondStandInError: a probe asks in a way that is not known here.
            ConfigError: a probe asks a port that there is not.

        """
        self._session, self._host = session, host
        self._start = probe_of(pod, "startupProbe")
        self._live = probe_of(pod, "livenessProbe")
        self._ready = probe_of(pod, "readinessProbe")
        self.started, self._is_ready = False, False
        self.unwell = asyncio.Event()
        """It is to be ended and started again."""
        self.news = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether it is started and does not say that it is unready."""
        return self.started and self._is_ready

    def is_well(self) -> None:
        """Take it as started and ready, without asking."""
        self.started = self._is_ready = True
        self.news.set()

    async def keep_asking(self) -> None:
        """Ask as long as the container runs; what asks whether it started comes before the rest."""
        if self._start is not None:
            await self._until_started(self._start)
        self.started = True
        self._is_ready = self._ready is None
        self.news.set()
        async with asyncio.TaskGroup() as group:
            if self._live is not None:
                group.create_task(self._asking(self._live, self._found_live))
            if self._ready is not None:
                group.create_task(self._asking(self._ready, self._found_ready))

    async def _until_started(self, probe: Probe) -> None:
        found = asyncio.get_running_loop().create_future()

        def note(good: bool) -> None:
            if not found.done():
                found.set_result(good)

        asking = asyncio.create_task(self._asking(probe, note))
        try:
            if not await found:
                self.unwell.set()
                await asyncio.Event().wait()
        finally:
            asking.cancel()

    def _found_live(self, good: bool) -> None:
        if not good:
            self.unwell.set()

    def _found_ready(self, good: bool) -> None:
        if good is not self._is_ready:
            self._is_ready = good
            self.news.set()

    async def _asking(self, probe: Probe, found: Found) -> None:
        """Ask for ever, and tell whenever enough answers in a row were good, or bad."""
        good = bad = 0
        await asyncio.sleep(probe.delay_seconds)
        while True:
            good, bad = (good + 1, 0) if await self._answers(probe) else (0, bad + 1)
            if good >= probe.successes or bad >= probe.failures:
                found(good > 0)
            await asyncio.sleep(probe.period_seconds)

    async def _answers(self, probe: Probe) -> bool:
        try:
            async with asyncio.timeout(probe.timeout_seconds):
                if probe.path is None:
                    _, writer = await asyncio.open_connection(self._host, probe.port)
                    writer.close()
                    return True
                url = f"http://{self._host}:{probe.port}{probe.path}"
                async with self._session.get(url, allow_redirects=False) as answer:
                    return HTTPStatus.OK <= answer.status < HTTPStatus.BAD_REQUEST
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False
