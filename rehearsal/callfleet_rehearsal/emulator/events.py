"""What the emulator saw and did, as JSON lines with monotonic nanoseconds.

Names of what happened and when; never the sound, nor what anybody said.
"""

import asyncio
import collections
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import orjson

KEPT_EVENTS = 100_000
WRITE_EVERY_SECONDS = 0.2

Event = dict[str, Any]


class EventLog:
    """Keeps the latest events, tells followers, and writes lines to a file a few times a second.

    Writing is put off to the loop's idle moments so that no reply waits for a disk.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._kept: collections.deque[Event] = collections.deque(maxlen=KEPT_EVENTS)
        self._followers: set[Callable[[Event], None]] = set()
        self._unwritten: list[Event] = []
        self._file: TextIO | None = path.open("a", encoding="utf-8") if path else None
        self._flush: asyncio.TimerHandle | None = None

    def add(self, session: str, event: str, at_ns: int | None = None, **facts: Any) -> Event:
        """Record one event, now unless ``at_ns`` says when."""
        entry: Event = {
            "at_ns": time.monotonic_ns() if at_ns is None else at_ns,
            "session": session,
            "event": event,
            **facts,
        }
        self._kept.append(entry)
        for follower in tuple(self._followers):
            follower(entry)
        if self._file is not None:
            self._unwritten.append(entry)
            if self._flush is None:
                loop = asyncio.get_running_loop()
                self._flush = loop.call_later(WRITE_EVERY_SECONDS, self._write)
        return entry

    def all(self, event: str | None = None, session: str | None = None) -> list[Event]:
        """Events so far, oldest first, optionally of one kind and one session."""
        return [
            entry
            for entry in self._kept
            if (event is None or entry["event"] == event)
            and (session is None or entry["session"] == session)
        ]

    def follow(self, follower: Callable[[Event], None]) -> Callable[[], None]:
        """Call ``follower`` with every event from now on; the answer stops that."""
        self._followers.add(follower)
        return lambda: self._followers.discard(follower)

    async def wait_for(
        self, event: str, seconds: float = 60.0, count: int = 1, **facts: Any
    ) -> Event:
        """Wait for the ``count``-th event of this kind with these facts, past ones included.

        Raises:
            TimeoutError: it did not happen in time.

        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Event] = loop.create_future()
        seen = 0

        def look(entry: Event) -> None:
            nonlocal seen
            if entry["event"] != event or any(entry.get(key) != facts[key] for key in facts):
                return
            seen += 1
            if seen == count and not found.done():
                found.set_result(entry)

        for entry in tuple(self._kept):
            look(entry)
        stop = self.follow(look)
        try:
            async with asyncio.timeout(seconds):
                return await found
        except TimeoutError as error:
            message = (
                f"no event {event!r} with {facts} within {seconds} s; "
                f"the latest were {[entry['event'] for entry in list(self._kept)[-12:]]}"
            )
            raise TimeoutError(message) from error
        finally:
            stop()

    def _write(self) -> None:
        self._flush = None
        if self._file is not None and self._unwritten:
            lines = b"\n".join(orjson.dumps(entry) for entry in self._unwritten) + b"\n"
            self._unwritten.clear()
            self._file.write(lines.decode())
            self._file.flush()

    def close(self) -> None:
        """Write what is left and let go of the file."""
        if self._flush is not None:
            self._flush.cancel()
        self._write()
        if self._file is not None:
            self._file.close()
            self._file = None
