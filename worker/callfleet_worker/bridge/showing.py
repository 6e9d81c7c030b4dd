"""Show the caller's client what the agent does; front ends for LiveKit read it."""

import asyncio

import structlog
from livekit import rtc

from callfleet_worker.breakage import kind_of
from callfleet_worker.bridge.sink import Spawn

AGENT_STATE = "lk.agent.state"

log = structlog.get_logger(__name__)


class StateShow:
    """Keeps an attribute of the agent at what it does now."""

    def __init__(self, room: rtc.Room, spawn: Spawn) -> None:
        self._room, self._spawn = room, spawn
        self._telling: asyncio.Task[None] | None = None

    def show(self, state: str) -> None:
        """Tell a state, in place of one that is still being told."""
        if self._telling is not None:
            self._telling.cancel()
        if self._room.isconnected():
            self._telling = self._spawn(self._tell(state), "agent state")

    async def _tell(self, state: str) -> None:
        try:
            await self._room.local_participant.set_attributes({AGENT_STATE: state})
        except Exception as error:  # noqa: BLE001 - whatever it is, a call is worth more
            log.warning("the agent's state is not shown", error=kind_of(error))
