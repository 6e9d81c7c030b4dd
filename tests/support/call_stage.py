"""One call on a stage: a real LiveKit server and a real room, the emulator, and a phone to play.

The job around the call is the only thing made up: what a worker's process would give it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from livekit import api, rtc
from phone import PATIENCE_SECONDS, Phone, token_of
from rooms_api import Rooms

from callfleet_contract.events import CallEnded, CallEvent
from callfleet_rehearsal.emulator.configuration import EmulatorConfig
from callfleet_rehearsal.emulator.server import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_worker.call import Call
from callfleet_worker.settings import Settings


class Job:
    """As much of a JobContext as a call uses."""

    def __init__(self, server: LiveKitServer, room: str, settings: Settings) -> None:
        self._server = server
        self.events: list[CallEvent] = []
        self.job = SimpleNamespace(
            id=f"job-{room}", room=SimpleNamespace(name=room, sid=""), attributes={}
        )
        self.room = rtc.Room()
        self.proc = SimpleNamespace(userdata={"settings": settings, "events": self})
        self.shut_down: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.up = asyncio.Event()
        self.time_is_up = self.up.wait
        self.transferred: list[tuple[str, str]] = []
        self.callbacks: list[Callable[[str], Awaitable[None]]] = []

    def emit(self, event: CallEvent) -> None:
        self.events.append(event)

    def add_shutdown_callback(self, callback: Callable[[str], Awaitable[None]]) -> None:
        self.callbacks.append(callback)

    async def connect(self, auto_subscribe: Any) -> None:
        del auto_subscribe
        token = token_of(self._server, "agent", self.job.room.name).with_kind("agent")
        options = rtc.RoomOptions(auto_subscribe=False)
        await self.room.connect(self._server.url, token.to_jwt(), options)
        self.job.room.sid = await self.room.sid

    @property
    def api(self) -> Any:
        """The way to LiveKit's API; only as much of it as is asked."""
        return SimpleNamespace(room=Rooms(self._server))

    async def delete_room(self, room_name: str | None = None) -> None:
        """Delete the room; without a name, as the framework does, the one that was joined."""
        room = room_name or self.room.name
        async with api.LiveKitAPI(
            self._server.http_url, self._server.api_key, self._server.api_secret
        ) as livekit:
            with contextlib.suppress(api.TwirpError):
                await livekit.room.delete_room(api.DeleteRoomRequest(room=room))

    async def transfer_sip_participant(self, participant: str, transfer_to: str) -> None:
        """Have somebody gone when this returns, as LiveKit does."""
        self.transferred.append((participant, transfer_to))
        gone = asyncio.Event()
        self.room.on("participant_disconnected", lambda _: gone.set())
        await Rooms(self._server).remove(self.job.room.name, participant)
        await gone.wait()

    def shutdown(self, reason: str) -> None:
        if not self.shut_down.done():
            self.shut_down.set_result(reason)


@dataclass
class Stage:
    """A call that runs, and what it told."""

    server: LiveKitServer
    room: str
    emulator: Emulator
    job: Job
    call: Call
    phones: list[Phone] = field(default_factory=list)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.job.events if isinstance(event, kind)]

    async def phone(self, identity: str = "caller", *, publish: bool = True) -> Phone:
        """Have somebody join the room."""
        phone = Phone(self.server, self.room, identity)
        self.phones.append(phone)
        await phone.join()
        if publish:
            await phone.publish()
        return phone

    async def notices(self, phone: Phone) -> None:
        """Wait until the agent knows of somebody."""
        seen = asyncio.Event()
        self.job.room.on("participant_connected", lambda _: seen.set())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while phone.identity not in self.job.room.remote_participants:
                await seen.wait()
                seen.clear()

    async def sees_the_caller(self) -> None:
        """Wait until the agent knows who calls."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.call._caller.is_here()

    def calls_heard(self) -> set[int]:
        """Whose markers the model heard. A busy machine's jitter buffer may spoil single ones."""
        return {each["call"] for each in self.emulator.log.all("marker")}

    async def ended(self) -> CallEnded:
        """Wait for the call's end, which is its last event and its only one of the kind."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.job.shut_down
        (end,) = self.of(CallEnded)
        assert self.job.events[-1] is end
        assert isinstance(end, CallEnded)
        return end

    async def removes(self, identity: str) -> None:
        """Have an operator put somebody out of the room."""
        await Rooms(self.server).remove(self.room, identity)

    async def rooms(self) -> list[str]:
        """The rooms that the server has."""
        answer = await Rooms(self.server).list_rooms(api.ListRoomsRequest())
        return [room.name for room in answer.rooms]


def call_settings(server: LiveKitServer, emulator: Emulator, **more: Any) -> Settings:
    """Settings of a call on the stage; ``more`` replaces whole sections."""
    model = {
        "keys": ["good"],
        "names": ["gemini-2.5-flash-native-audio-preview-12-2025"],
        "base_url": emulator.url,
        "ca_file": emulator.ca_file,
    }
    model |= more.pop("model", {})
    livekit = {"url": server.url, "api_key": server.api_key, "api_secret": server.api_secret}
    return Settings.model_validate({"livekit": livekit, "model": model, **more})


@contextlib.asynccontextmanager
async def on_stage(
    server: LiveKitServer, config: EmulatorConfig | None = None, **settings: Any
) -> AsyncIterator[Stage]:
    """Begin a call in a room of its own; whatever is left of it afterwards is taken down."""
    async with Emulator(config) as emulator:
        room = f"stage-{uuid4().hex[:8]}"
        job = Job(server, room, call_settings(server, emulator, **settings))
        context: Any = job
        call = Call(context, job.proc.userdata["settings"], job)
        stage = Stage(server, room, emulator, job, call)
        beginning = asyncio.create_task(call.begin())
        try:
            yield stage
        finally:
            await call.stop("the test is over")
            await beginning
            for phone in stage.phones:
                await phone.leave()
            await job.room.disconnect()
            await job.delete_room(room)
