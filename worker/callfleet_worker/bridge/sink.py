"""Where a call's events go, and the options of its bridge. No I/O here."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from callfleet_contract.events import CallEvent

EARS_RATE = 16_000
MOUTH_RATE = 24_000
FRAME_MS = 20
"""Length of a frame to the model. 10 answers up to 5 ms earlier and costs a third more CPU."""
NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000


class EventSink(Protocol):
    """Takes what a call has to tell. Must not block: it is called between two audio frames."""

    def emit(self, event: CallEvent) -> None:
        """Pass one event on."""


class CallLine(EventSink, Protocol):
    """A call's line to its worker's parent, which may say one thing on it."""

    async def time_is_up(self) -> bool:
        """Wait until it says that calls have had their time; False where it never will."""


class Spawn(Protocol):
    """Runs a part of a call as a task; if that breaks, the call ends."""

    def __call__(self, work: Coroutine[Any, Any, None], name: str, /) -> asyncio.Task[None]:
        """Start the task."""


@dataclass(frozen=True, slots=True)
class BridgeOptions:
    """How the bridge of one call treats sound and people; settings.md says what each is for."""

    caller_wait_seconds: float
    caller_return_seconds: float
    noise_gate_dbfs: float | None
    echo_cancellation: bool
    queue_ms: int
    subscription_wait_seconds: float
    settle_seconds: float
    bitrate_kbps: int
    dtx: bool
    red: bool
