"""Write Events in the background: what happens to a fleet waits for none of them."""

import asyncio
from collections.abc import Callable

import structlog
from lightkube.resources.core_v1 import Event
from lightkube.types import PatchType

from callfleet_operator.objects.happenings import (
    Happening,
    Limiter,
    Saying,
    build_event,
    event_patch,
)
from callfleet_operator.reaching.connection import Connection
from callfleet_operator.reaching.problems import Trouble
from callfleet_operator.reaching.writing import NotLeadingError, WriteError, Writer

_MOST_WAITING = 1_000

log = structlog.get_logger("callfleet_operator")


class Posting:
    """Posts Events. ``now`` is the API server's time: what it dates stands beside them."""

    def __init__(
        self, connection: Connection, writer: Writer, me: str, now: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._writer = writer
        self._me = me
        self._now = now
        self._limiter = Limiter()
        self._queue: asyncio.Queue[Saying] = asyncio.Queue(_MOST_WAITING)

    def say(self, happening: Happening) -> None:
        """Have an Event written, unless it would be too much."""
        saying = self._limiter.say(happening, self._now())
        if saying is not None and not self._queue.full():
            self._queue.put_nowait(saying)

    async def run(self) -> None:
        """Write what waits, one after the other, until cancelled."""
        while True:
            saying = await self._queue.get()
            try:
                await self._write(saying)
            except (WriteError, NotLeadingError) as error:
                log.debug("an Event was not written", error=str(error))

    async def _write(self, saying: Saying) -> None:
        if saying.count > 1 and await self._repeat(saying):
            return
        event = build_event(saying, self._me, self._now())
        client = self._connection.client
        await self._writer.write("event", "write an Event", lambda: client.create(event))

    async def _repeat(self, saying: Saying) -> bool:
        """Raise the count of an Event; False where it is gone by now."""
        client, patch = self._connection.client, event_patch(saying, self._now())
        try:
            await self._writer.write(
                "event",
                "raise the count of an Event",
                lambda: client.patch(
                    Event,
                    saying.name,
                    patch,
                    namespace=saying.happening.about.namespace,
                    patch_type=PatchType.MERGE,
                ),
            )
        except WriteError as error:
            if error.problem.trouble is Trouble.GONE:
                return False
            raise
        return True
