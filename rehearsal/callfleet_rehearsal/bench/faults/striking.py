"""Do to one call from outside what no agent can do to itself: at LiveKit, the model, the wire."""

import asyncio
import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from livekit import api

from callfleet_rehearsal.bench.faults.cutter import Cutter
from callfleet_rehearsal.bench.faults.kinds import Fault
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.livekit import LiveKitServer

STALL_SECONDS = 10.0
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Striker:
    """Knows where a call can be hit."""

    server: LiveKitServer
    emulator: Emulator
    cutter: Cutter

    def strike(self, fault: Fault, room: str, call: int) -> None:
        """Strike the call now; returns when it is done. Must not be called on an event loop.

        Raises:
            StackError: there is nothing to hit, which is no fault that was measured.

        """
        if fault.key == "terminate":
            asyncio.run(self._terminate(room))
        elif fault.key == "stall":
            self._stall(call)
        elif fault.key == "signal" and not self.cutter.cut(room):
            message = f"no signal connection of {room} goes through the cutter; was it answered?"
            raise StackError(message)

    async def _terminate(self, room: str) -> None:
        server = self.server
        async with api.LiveKitAPI(server.http_url, server.api_key, server.api_secret) as livekit:
            for dispatch in await livekit.agent_dispatch.list_dispatch(room):
                await livekit.agent_dispatch.delete_dispatch(dispatch.id, room)

    def _stall(self, call: int) -> None:
        found = [one["session"] for one in self._ask("/sessions") if one["call"] == call]
        if not found:
            message = f"the model has no open session of call {call}; was it heard there?"
            raise StackError(message)
        fault = {"name": "stall", "at": "now", "seconds": STALL_SECONDS}
        for session in found:
            self._ask("/faults", {**fault, "session": session})

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body else None
        url = f"{self.emulator.control_url}{path}"
        with urllib.request.urlopen(url, data, _ANSWER_SECONDS) as answer:  # noqa: S310 - our own
            return json.load(answer)
