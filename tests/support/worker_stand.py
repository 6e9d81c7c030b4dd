"""Start workers for tests, ask them how they are, and give them calls."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import aiohttp
import psutil
from json_lines import objects_in
from livekit import api, rtc

from callfleet_rehearsal.callers.plan import CallPlan, RunPlan
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment

HERE = Path(__file__).parent
PROGRAM = HERE / "worker_probe.py"
START_SECONDS = 120.0
PATIENCE_SECONDS = 60.0


async def until(true: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for what another process does, and tells nobody."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _value(true()):  # noqa: ASYNC110 - no event reaches over here
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        message = f"not {what} after {PATIENCE_SECONDS:.0f} s"
        raise AssertionError(message) from error


async def _value(seen: bool | Awaitable[bool]) -> bool:
    return seen if isinstance(seen, bool) else await seen


@dataclass(slots=True)
class Worker:
    """A worker's process, seen from outside."""

    child: Child
    agent_name: str

    def lines(self) -> list[dict[str, Any]]:
        """What it logged."""
        return objects_in(self.child.log)

    def logged(self, event: str, **facts: Any) -> list[dict[str, Any]]:
        """Its lines about one thing."""
        return [
            line
            for line in self.lines()
            if line["event"] == event and all(line.get(name) == facts[name] for name in facts)
        ]

    @property
    def url(self) -> str:
        """Where its health is asked for."""
        return f"http://{self.logged('worker starts')[0]['http']}"

    async def is_true(self, truth: str) -> bool:
        """Ask for one of its three truths."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/healthz/{truth}") as answer,
        ):
            assert (await answer.json())[truth] is (answer.status == 200)
            return answer.status == 200

    async def why_not(self, truth: str) -> str:
        """Ask why one of them is not."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/healthz/{truth}") as answer,
        ):
            return str((await answer.json()).get("reason", ""))

    async def becomes(self, truth: str, *, value: bool = True) -> None:
        """Wait until one of them changes."""

        async def changed() -> bool:
            return await self.is_true(truth) is value

        await until(changed, f"{truth} {value}")

    async def metrics(self) -> dict[str, float]:
        """Read its metrics: series with labels, as written, and their values."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/metrics") as answer,
        ):
            text = await answer.text()
        rows = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in rows}

    async def metric_becomes(self, name: str, value: float) -> None:
        """Wait until a series has a value."""

        async def reached() -> bool:
            return (await self.metrics()).get(name) == value

        await until(reached, f"{name} {value}")

    def signal(self, number: signal.Signals) -> None:
        """Send the parent a signal."""
        os.kill(self.child.pid, number)

    async def ends(self) -> int:
        """Wait for its end; return its exit code."""
        return await asyncio.to_thread(self.child.process.wait, PATIENCE_SECONDS)

    def left_behind(self) -> list[int]:
        """Its session's processes that live, the parent included."""
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.child.pid:
                    found.append(process.pid)
            except ProcessLookupError:
                continue
        return found


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a worker holds: its own, and at the model."""

    processes: int
    slots_taken: int
    model_sessions: int
    files: tuple[str, ...] = ()


async def holdings(worker: Worker, emulator: Emulator, folder: Path | None = None) -> Holdings:
    """Ask a worker and the model what is held now, and look what lies in its folder."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{worker.url}/healthz/ready") as answer:
            slots = (await answer.json())["taken"]
        async with session.get(f"{emulator.control_url}/sessions") as answer:
            model_sessions = len(await answer.json())
    return Holdings(len(worker.left_behind()), slots, model_sessions, _files_in(folder))


def _files_in(folder: Path | None) -> tuple[str, ...]:
    return tuple(sorted(str(path) for path in folder.rglob("*"))) if folder else ()


def plan_of(
    server: LiveKitServer, worker: Worker, run_id: str, calls: tuple[CallPlan, ...] = ()
) -> RunPlan:
    """Have these calls go to a worker."""
    return RunPlan(
        livekit_url=server.url,
        api_key=server.api_key,
        api_secret=server.api_secret,
        agent_name=worker.agent_name,
        run_id=run_id,
        calls=calls,
    )


def start_worker(children: Children, server: LiveKitServer, **more: str) -> Worker:
    """Start a worker with a name of its own, so that no other test's calls reach it."""
    agent_name = f"agent-{uuid4().hex[:8]}"
    environment = inherited_environment(
        LIVEKIT_URL=server.url,
        LIVEKIT_API_KEY=server.api_key,
        LIVEKIT_API_SECRET=server.api_secret,
        GOOGLE_API_KEY="no key is needed here",
        CALLFLEET_AGENT_NAME=agent_name,
        CALLFLEET_HTTP__HOST="127.0.0.1",
        CALLFLEET_HTTP__PORT="0",
        PYTHONPATH=os.pathsep.join(path for path in [str(HERE), *sys.path] if path),
    )
    environment.update(more)
    command: list[str | Path] = [sys.executable, PROGRAM]
    return Worker(children.start(f"worker-{agent_name}", command, environment), agent_name)


class Caller:
    """Makes rooms that ask for a worker, as a caller's token does."""

    def __init__(self, server: LiveKitServer) -> None:
        self._server = server
        self._api = api.LiveKitAPI(server.http_url, server.api_key, server.api_secret)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.aclose()

    async def call(self, worker: Worker, metadata: str = "") -> str:
        """Open a room for the worker to be sent to."""
        room = f"room-{uuid4().hex[:12]}"
        await self._api.room.create_room(
            api.CreateRoomRequest(
                name=room,
                empty_timeout=120,
                agents=[api.RoomAgentDispatch(agent_name=worker.agent_name, metadata=metadata)],
            )
        )
        return room

    @asynccontextmanager
    async def in_person(self, room: str) -> AsyncIterator[None]:
        """Be in a room, as a caller who has nothing to say."""
        token = (
            api.AccessToken(self._server.api_key, self._server.api_secret)
            .with_identity("caller")
            .with_grants(api.VideoGrants(room_join=True, room=room))
        )
        inside = rtc.Room()
        await inside.connect(self._server.url, token.to_jwt())
        try:
            yield
        finally:
            await inside.disconnect()

    async def hang_up(self, room: str) -> None:
        """Close the room."""
        await self._api.room.delete_room(api.DeleteRoomRequest(room=room))

    async def rooms(self) -> list[str]:
        """Name the rooms that there are."""
        found = await self._api.room.list_rooms(api.ListRoomsRequest())
        return [room.name for room in found.rooms]

    async def dismiss_agent(self, room: str) -> None:
        """Take the agent back out of a room, which stays."""
        for dispatch in await self._api.agent_dispatch.list_dispatch(room):
            await self._api.agent_dispatch.delete_dispatch(dispatch.id, room)

    async def is_joined(self, room: str) -> bool:
        """Whether all who are in a room have its media, too: LiveKit tells no other of its end."""
        found = await self._api.room.list_participants(api.ListParticipantsRequest(room=room))
        return all(who.state == who.State.ACTIVE for who in found.participants)

    async def agents(self, room: str) -> int:
        """Count the agents in a room."""
        found = await self._api.room.list_participants(api.ListParticipantsRequest(room=room))
        return len(found.participants)
