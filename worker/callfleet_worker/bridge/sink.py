"""Where a call's events go, and the options of its bridge. No I/O here."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from callfleet_contract.events import CallEvent

EARS_RATE = 16_000
MOUTH_RATE = 24_000
NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000


class EventSink(Protocol):
    """Takes what a call has to tell. Must not block: it is called between two audio frames."""

    def emit(self, event: CallEvent) -> None:
        """Pass one event on."""


class Spawn(Protocol):
    """Runs a part of a call as a task; if that breaks, the call ends."""

    def __call__(self, work: Coroutine[Any, Any, None], name: str, /) -> asyncio.Task[None]:
        """Start the task."""


@dataclass(frozen=True, slots=True)
class BridgeOptions:
    """How the bridge of one call treats sound and people."""

    frame_ms: int = 20
    """Length of a frame to the model. 10 answers up to 5 ms earlier and costs a third more CPU."""
    queue_ms: int = 100
    """Audio kept ahead in the mouth. Lower starves under load; it delays neither start nor stop."""
    noise_gate_dbfs: float | None = None
    """Caller's sound below this level is silence to the model. None: no gate."""
    echo_cancellation: bool = False
    """Take the agent's own voice out of what the caller's device sends back."""
    dtx: bool = True
    """Send next to no packets while the agent is silent, as LiveKit's own clients do. A fifth less
    work for server and caller, and nothing that a caller's jitter buffer was seen to mind."""
    red: bool = True
    """Send each packet twice, so that a single lost one is not heard."""
    caller_wait_seconds: float = 30.0
    """How long an empty room is kept before the call counts as never joined."""
    caller_return_seconds: float = 10.0
    """How long a caller whose network broke may take to come back."""
    subscription_wait_seconds: float = 5.0
    """How long the agent's first words wait for the caller's device to listen."""
    settle_seconds: float = 0.2
    """How long a device that has just subscribed is given to play. Less clips the first word."""
    no_response_seconds: float = 10.0
    """A turn without a reply for so long counts as not answered."""
