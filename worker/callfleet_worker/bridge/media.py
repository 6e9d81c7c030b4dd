"""Ask the media engine every few seconds how a call's packets fare."""

import asyncio
from collections.abc import Callable

import structlog
from livekit import rtc

from callfleet_contract.events import CallEvent
from callfleet_worker.breakage import kind_of
from callfleet_worker.bridge.mediastats import Totals, path_of, totals_of, window_between
from callfleet_worker.bridge.sink import Spawn
from callfleet_worker.bridge.turnclock import TurnClock

FIRST_LOOK_SECONDS = 1.0
LOOK_SECONDS = 5.0

log = structlog.get_logger(__name__)


class MediaWatch:
    """Looks at one room's statistics while it is connected."""

    def __init__(
        self,
        call_id: str,
        room: rtc.Room,
        clock: TurnClock,
        emit: Callable[[CallEvent], None],
        spawn: Spawn,
    ) -> None:
        self._call_id, self._room, self._clock = call_id, room, clock
        self._emit, self._spawn = emit, spawn
        self._before = Totals()
        self._path_told = False
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._looking = self._spawn(self._look_on(), "media watch")

    async def stop(self) -> None:
        """Look a last time, so that a call's last seconds count too."""
        if self._looking is None:
            return
        self._looking.cancel()
        await asyncio.wait((self._looking,))
        try:
            async with asyncio.timeout(1.0):
                await self._look()
        except TimeoutError:
            log.debug("no last statistics")

    async def _look_on(self) -> None:
        await asyncio.sleep(FIRST_LOOK_SECONDS)
        while True:
            await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        if not self._room.isconnected():
            return
        try:
            stats = await self._room.get_rtc_stats()
        except RuntimeError as error:
            # The room went away in between; its own event says so.
            log.debug("no statistics", error=kind_of(error))
            return
        after = totals_of(stats.publisher_stats, stats.subscriber_stats)
        window = window_between(self._call_id, self._before, after)
        self._before = after
        if window.jitter_buffer_seconds is not None:
            self._clock.media(window.jitter_buffer_seconds, window.rtt_seconds)
        if not self._path_told and after.protocol != "unknown":
            self._path_told = True
            self._emit(path_of(self._call_id, after))
        self._emit(window.heard)
        self._emit(window.said)
        self._clock.spoken()
