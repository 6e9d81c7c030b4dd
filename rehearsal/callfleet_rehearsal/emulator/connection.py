"""The life of one connection: accepted, given handles, told to go away, ended."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

from callfleet_rehearsal.emulator import frames
from callfleet_rehearsal.emulator.conversations import Conversation
from callfleet_rehearsal.emulator.settings import SessionSettings
from callfleet_rehearsal.emulator.shared import Shared
from callfleet_rehearsal.emulator.wire import Wire

SESSION_EXPIRED = (1008, "BidiGenerateContent session expired")
CONNECTION_OVER = (1011, "The operation was aborted.")
SHOWN_OF_HANDLE = 8


class Connection:
    """What happens to a connection by itself, whatever is said on it."""

    def __init__(self, shared: Shared, name: str, wire: Wire) -> None:
        self._shared = shared
        self._name = name
        self._wire = wire
        self._later: set[asyncio.TimerHandle] = set()
        self.consumed = 0

    def accept(self, conversation: Conversation, settings: SessionSettings) -> None:
        """Say setupComplete, and arrange the connection's end."""
        config, wire = self._shared.config, self._wire
        wire.send(frames.setup_complete(self._name, settings.api))
        self._log("setup_complete")
        self.offer_handle(conversation, settings)
        age = (time.monotonic_ns() - conversation.started_ns) / 1e9
        life, ending = config.connection_seconds, CONNECTION_OVER
        if not settings.compresses and config.session_seconds - age < life:
            life, ending = max(0.0, config.session_seconds - age), SESSION_EXPIRED
        self.after(max(0.0, life - config.go_away_seconds), self._go_away)
        self.after(life, lambda: wire.close(*ending))

    def _go_away(self) -> None:
        seconds = self._shared.config.go_away_seconds
        self._wire.send(frames.go_away(seconds))
        self._log("go_away", time_left=seconds)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later, if the connection still stands."""
        if seconds <= 0:
            act()
            return

        def run() -> None:
            self._later.discard(handle)
            act()

        handle = asyncio.get_running_loop().call_later(seconds, run)
        self._later.add(handle)

    def stop(self) -> None:
        """Forget what was to be done later."""
        for handle in self._later:
            handle.cancel()
        self._later.clear()

    def offer_handle(self, conversation: Conversation, settings: SessionSettings) -> None:
        """Give a new handle that leads back to this conversation."""
        if settings.resumable:
            handle = str(uuid.uuid4())
            self._shared.handles.issue(handle, conversation, time.monotonic_ns())
            self.send_handle(handle, settings)

    def send_handle(self, handle: str, settings: SessionSettings) -> None:
        """Send a handle; an empty one means that now is no time to resume."""
        if not settings.resumable:
            return
        self._wire.send(frames.resumption(handle, self.consumed if settings.transparent else None))
        self._log("resumption", handle=handle[:SHOWN_OF_HANDLE], resumable=bool(handle))

    def _log(self, event: str, **facts: Any) -> None:
        self._shared.log.add(self._name, event, **facts)
