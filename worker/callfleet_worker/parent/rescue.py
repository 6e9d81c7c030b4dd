"""Send another agent to a caller whose call's process died: LiveKit itself sends nobody.

Once for each room: what kills one process may kill the next, and a caller is not a test bench.
"""

import asyncio

import aiohttp
import structlog
from livekit import api
from livekit.protocol.models import ParticipantInfo

from callfleet_worker.breakage import kind_of
from callfleet_worker.settings import Settings

_TIMEOUT_SECONDS = 10.0
_REMEMBERED_ROOMS = 1000

_log = structlog.get_logger("callfleet.worker")


class Rescue:
    """Asks LiveKit for another agent, in this worker or any other of the same name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rescued: dict[str, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def after_death(self, call_id: str, room: str) -> None:
        """Look after a room whose agent is gone, without waiting for it."""
        if room in self._rescued:
            _log.error("a second agent died in one room: no third is sent", call_id=call_id)
            return
        self._rescued[room] = None
        while len(self._rescued) > _REMEMBERED_ROOMS:
            del self._rescued[next(iter(self._rescued))]
        task = asyncio.create_task(self._send(call_id, room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let what is under way come to its end."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _send(self, call_id: str, room: str) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                if await self._send_if_waited_for(room):
                    _log.info("another agent is asked for", call_id=call_id)
        except (api.TwirpError, aiohttp.ClientError, OSError, TimeoutError) as error:
            _log.error("no other agent can be asked for", call_id=call_id, error=kind_of(error))

    async def _send_if_waited_for(self, room: str) -> bool:
        livekit = self._settings.livekit
        secret = livekit.api_secret.get_secret_value()
        async with api.LiveKitAPI(livekit.url, livekit.api_key, secret) as asking:
            asked = api.ListParticipantsRequest(room=room)
            present = (await asking.room.list_participants(asked)).participants
            if all(person.kind == ParticipantInfo.Kind.AGENT for person in present):
                return False
            await asking.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(agent_name=self._settings.agent_name, room=room)
            )
            return True
