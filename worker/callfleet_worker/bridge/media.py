"""Look every few seconds how a call's packets fare, and whether the two hear each other."""

import asyncio
import time
from collections.abc import Callable

import structlog
from livekit import rtc

from callfleet_contract.events import CallerConnection, CallEvent, OneWayAudio
from callfleet_contract.metrics import WINDOW_SECONDS
from callfleet_worker.breakage import kind_of
from callfleet_worker.bridge.caller import CallerWatch
from callfleet_worker.bridge.callerline import CallerLine
from callfleet_worker.bridge.mediastats import (
    Totals,
    Windows,
    path_of,
    totals_of,
    window_between,
)
from callfleet_worker.bridge.oneway import Lasting, Look, unheard
from callfleet_worker.bridge.sink import Spawn
from callfleet_worker.bridge.turnclock import TurnClock

FIRST_LOOK_SECONDS = 1.0
LOOKS_PER_WINDOW = 2
LOOK_SECONDS = WINDOW_SECONDS / LOOKS_PER_WINDOW

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
        self._totals = Totals()
        self._windows = Windows(call_id, LOOKS_PER_WINDOW)
        self._before: Look | None = None
        self._unheard = Lasting()
        self._line: CallerLine | None = None
        self._path_told = False
        self._looking: asyncio.Task[None] | None = None

    def start(self, caller: CallerWatch) -> None:
        """Begin to look."""
        self._line = CallerLine(self._room, caller)
        self._looking = self._spawn(self._look_on(self._line), "media watch")

    def published(self) -> None:
        """The agent's track is there to be taken."""
        if self._line is not None:
            self._line.published()

    async def stop(self) -> None:
        """Look a last time, so that a call's last seconds count too."""
        if self._looking is None or self._line is None:
            return
        self._looking.cancel()
        await asyncio.wait((self._looking,))
        try:
            async with asyncio.timeout(1.0):
                await self._look(self._line)
        except TimeoutError:
            log.debug("no last statistics")
        self._line.close()
        self._tell(*self._windows.end())
        self._tell_quality(self._line)
        self._clock.spoken()

    async def _look_on(self, line: CallerLine) -> None:
        await asyncio.sleep(FIRST_LOOK_SECONDS)
        while True:
            await self._look(line)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, line: CallerLine) -> None:
        if not self._room.isconnected():
            return
        try:
            stats = await self._room.get_rtc_stats()
        except RuntimeError as error:
            # The room went away in between; its own event says so.
            log.debug("no statistics", error=kind_of(error))
            return
        after = totals_of(stats.publisher_stats, stats.subscriber_stats)
        since_last = window_between(self._call_id, self._totals, after)
        self._totals = after
        if since_last.jitter_buffer_seconds is not None:
            self._clock.media(since_last.jitter_buffer_seconds, since_last.rtt_seconds)
        if not self._path_told and after.protocol != "unknown":
            self._path_told = True
            self._tell(path_of(self._call_id, after))
        self._tell(*self._windows.look(after))
        self._tell_unheard(line, after)
        self._tell_quality(line)
        self._clock.spoken()

    def _tell_unheard(self, line: CallerLine, totals: Totals) -> None:
        before = self._before
        self._before = now = Look(
            at_seconds=time.monotonic(),
            line=line.look(answered=self._clock.answered),
            received=totals.packets_received,
            sent=totals.packets_sent,
            reports=totals.sent_reports,
        )
        if before is not None:
            seconds = now.at_seconds - before.at_seconds
            for direction, lasted in self._unheard.look(unheard(before, now), seconds):
                self._tell(OneWayAudio(self._call_id, direction, lasted))

    def _tell_quality(self, line: CallerLine) -> None:
        for quality, seconds in line.quality_seconds():
            self._tell(CallerConnection(self._call_id, quality, seconds))

    def _tell(self, *events: CallEvent) -> None:
        for event in events:
            self._emit(event)
