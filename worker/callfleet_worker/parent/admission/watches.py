"""Who watches this worker: woken on every change, and never waited for."""

import asyncio
from collections.abc import Callable


class Watch:
    """One watch. It holds nothing but whether there is news: whoever is slow sees the latest."""

    def __init__(self, hang_up: Callable[[], None]) -> None:
        self._hang_up = hang_up
        self._news = asyncio.Event()
        self.is_dropped = False

    def wake(self) -> None:
        """Say that there may be news."""
        self._news.set()

    def drop(self) -> None:
        """End it, whatever it waits for."""
        self.is_dropped = True
        self._hang_up()
        self.wake()

    async def news(self, patience_seconds: float) -> None:
        """Wait until there may be news, or for so long."""
        try:
            async with asyncio.timeout(patience_seconds):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()


class Watches:
    """All watches: a few at most, the newest stay.

    An operator that hangs, or its connection, must not lock out the one that leads now.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[Watch, None] = {}
        self.is_closing = False
        """Each watch ends after what there is to tell now."""

    def begin(self, hang_up: Callable[[], None]) -> Watch:
        """Add a watch, and drop the oldest where there are too many."""
        while len(self._open) >= self._most:
            oldest = next(iter(self._open))
            self.end(oldest)
            oldest.drop()
        watch = Watch(hang_up)
        self._open[watch] = None
        return watch

    def end(self, watch: Watch) -> None:
        """Take a watch out."""
        self._open.pop(watch, None)

    def changed(self) -> None:
        """Have every watch look again."""
        for watch in self._open:
            watch.wake()

    def close(self) -> None:
        """Have every watch tell what there is to tell, and end."""
        self.is_closing = True
        self.changed()
