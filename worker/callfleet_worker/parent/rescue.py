"""Send another agent to a caller whose call's process died: LiveKit itself sends nobody.

Once for each room: what kills one process may kill the next, and a caller is not a test bench.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aiohttp
import structlog
from livekit import api
from livekit.protocol.models import ParticipantInfo

from callfleet_worker.breakage import kind_of
from callfleet_worker.parent.server import proxy_for
from callfleet_worker.settings import Settings
from callfleet_worker.userdata import RESCUE_ATTRIBUTE

_TIMEOUT_SECONDS = 10.0
_SLOT_SECONDS = 1.0
_OFFER_SECONDS = 3.0
_LOOK_SECONDS = 0.1
_REMEMBERED_ROOMS = 1000

_log = structlog.get_logger("callfleet.worker")


class Rescue:
    """Asks LiveKit for another agent, in this worker or any other of the same name."""

    def __init__(self, settings: Settings, has_slot: Callable[[], bool]) -> None:
        self._settings, self._has_slot = settings, has_slot
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
                await self._send_until_taken(call_id, room)
        except (api.TwirpError, aiohttp.ClientError, OSError, TimeoutError) as error:
            _log.error("no other agent can be asked for", call_id=call_id, error=kind_of(error))

    async def _send_until_taken(self, call_id: str, room: str) -> None:
        livekit = self._settings.livekit
        secret = livekit.api_secret.get_secret_value()
        async with (
            aiohttp.ClientSession(proxy=proxy_for(livekit.url)) as session,
            api.LiveKitAPI(livekit.url, livekit.api_key, secret, session=session) as asking,
        ):
            if not await _is_waited_for(asking, room):
                return
            asked = await self._as_lost(asking, room)
            # The slot of the call that died is about to be told as free, and may be the only one.
            with suppress(TimeoutError):
                async with asyncio.timeout(_SLOT_SECONDS):
                    while not self._has_slot():  # noqa: ASYNC110 - seldom, and for seconds
                        await asyncio.sleep(_LOOK_SECONDS / 10)
            while not await self._is_sent(asking, asked, call_id):
                if not await _is_waited_for(asking, room):
                    return

    async def _is_sent(
        self, asking: api.LiveKitAPI, asked: api.CreateAgentDispatchRequest, call_id: str
    ) -> bool:
        """Ask for an agent; false where nobody took the call."""
        sent = await asking.agent_dispatch.create_dispatch(asked)
        _log.info("another agent is asked for", call_id=call_id)
        is_taken = await _is_taken(asking, sent.id, asked.room)
        if not is_taken:
            _log.warning("no other agent has a free slot yet", call_id=call_id)
        return is_taken

    async def _as_lost(self, asking: api.LiveKitAPI, room: str) -> api.CreateAgentDispatchRequest:
        """Ask as the lost agent was asked for: what that one was told, the next is to know too."""
        name = self._settings.agent_name
        dispatches = await asking.agent_dispatch.list_dispatch(room)
        ours = (one for one in dispatches if one.agent_name == name)
        lost = next(ours, api.AgentDispatch())
        return api.CreateAgentDispatchRequest(
            agent_name=name,
            room=room,
            metadata=lost.metadata,
            attributes={**lost.attributes, RESCUE_ATTRIBUTE: "yes"},
        )


async def _is_waited_for(asking: api.LiveKitAPI, room: str) -> bool:
    """Whether anybody but agents is in a room."""
    present = await asking.room.list_participants(api.ListParticipantsRequest(room=room))
    return any(who.kind != ParticipantInfo.Kind.AGENT for who in present.participants)


async def _is_taken(asking: api.LiveKitAPI, dispatch_id: str, room: str) -> bool:
    """Wait until a worker has taken a dispatch, but no longer than LiveKit looks for one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_OFFER_SECONDS):
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                for one in await asking.agent_dispatch.list_dispatch(room):
                    if one.id == dispatch_id and one.state.jobs:
                        return True
    return False
