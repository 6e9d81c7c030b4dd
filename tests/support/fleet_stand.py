"""A worker's server with no LiveKit and no processes: the test says what both of them do."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from livekit.agents import JobContext, JobProcess
from livekit.agents._exceptions import AssignmentTimeoutError

from callfleet_worker.parent.server import FleetServer
from callfleet_worker.settings import LivekitSettings, ModelSettings, Settings


async def no_call(_: JobContext) -> None:
    """Never run here."""


def no_preparation(_: JobProcess) -> None:
    """Never run here."""


@dataclass
class Named:
    id: str = ""
    name: str = "room"


@dataclass
class Info:
    job: Named


@dataclass
class Process:
    running_job: Info | None


@dataclass
class Pool:
    processes: list[Process] = field(default_factory=list)


@dataclass
class Request:
    """A call that is offered; ``accept`` lasts until the test lets it go on."""

    id: str
    pool: Pool
    launch: asyncio.Event = field(default_factory=asyncio.Event)
    room: Named = field(default_factory=Named)
    answer: str = ""
    passed_to_others: bool | None = None
    fails: bool = False

    async def accept(self) -> None:
        self.answer = "accepted"
        await self.launch.wait()
        if self.fails:
            raise AssignmentTimeoutError
        # The framework lists a call as active before its launch is through.
        self.pool.processes.append(Process(Info(Named(self.id))))
        await asyncio.sleep(0)

    async def reject(self, *, terminate: bool) -> None:
        self.answer = "rejected"
        self.passed_to_others = not terminate


def make_server(slots: int) -> FleetServer:
    """Make a server that nobody has started."""
    livekit = LivekitSettings.model_validate(
        {"url": "ws://127.0.0.1:1", "api_key": "k", "api_secret": "s"}
    )
    model = ModelSettings.model_validate({"keys": "k"})
    settings = Settings(livekit=livekit, model=model, slots=slots)
    made = FleetServer(settings, no_call, no_preparation, [])
    made._proc_pool, made._devmode = cast("Any", Pool()), False
    return made


def pool(server: FleetServer) -> Pool:
    return cast("Pool", server._proc_pool)
