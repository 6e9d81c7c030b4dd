"""Who watches this worker: woken on every change, and never waited for."""

import asyncio
from collections import Counter
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
    """All watches: a few at most, the newest stay, and of those who have most the oldest goes.

    An operator that hangs, or its connection, must not lock out the one that leads now; nor must
    whoever caught a watch and replays it from elsewhere.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[Watch, str] = {}
        self.is_closing = False
        """Each watch ends after what there is to tell now."""

    def begin(self, hang_up: Callable[[], None], watcher: str) -> Watch:
        """Add a watch from an address, and drop one where there are too many."""
        while len(self._open) >= self._most:
            held = Counter([*self._open.values(), watcher])
            most = max(held.values())
            dropped = next(watch for watch, other in self._open.items() if held[other] == most)
            self.end(dropped)
            dropped.drop()
        watch = Watch(hang_up)
        self._open[watch] = watcher
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
