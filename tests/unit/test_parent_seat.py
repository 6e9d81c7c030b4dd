"""A seat is what the framework takes for the executor of one call."""

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit.agents.ipc import channel, proto
from livekit.agents.ipc.job_executor import JobStatus
from livekit.agents.ipc.job_thread_executor import ThreadJobExecutor
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.agents.utils.aio.duplex_unix import DuplexClosed, _AsyncDuplex
from livekit.protocol import agent

from callfleet_worker.parent.sharing.seat import Seat

OPTIONS: dict[str, Any] = {
    "initialize_process_fnc": None,
    "job_entrypoint_fnc": None,
    "session_end_fnc": None,
    "simulation_end_fnc": None,
    "inference_executor": None,
    "initialize_timeout": 5.0,
    "close_timeout": 0.1,
    "session_end_timeout": 1.0,
    "ping_interval": 2.5,
    "high_ping_threshold": 0.5,
    "http_proxy": None,
}


@dataclass
class Process:
    """A process for calls, of which only the lines to it are there."""

    calls: set[object] = field(default_factory=set)
    lines: list[socket.socket] = field(default_factory=list)
    seated: asyncio.Event = field(default_factory=asyncio.Event)
    is_gone: bool = False
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    def seat(self, call: object, line: socket.socket) -> None:
        if self.is_gone:
            raise BrokenPipeError
        self.calls.add(call)
        self.lines.append(line)
        self.seated.set()

    def leave(self, call: object) -> None:
        self.calls.discard(call)

    async def join(self) -> None:
        await self.dead.wait()

    async def kill(self) -> None:
        self.is_gone = True
        for line in self.lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def logging_extra(self) -> dict[str, Any]:
        return {"pid": 1}


@dataclass
class Processes:
    process: Process
    is_closing: bool = False

    async def ready(self) -> None:
        """There is one."""

    async def place(self) -> Process:
        return self.process


class Call:
    """The far end of a seat's line: answers as a process does for a call."""

    def __init__(self, line: socket.socket, *, heeds: bool = True) -> None:
        self._line, self._heeds = line, heeds
        self.told: list[Any] = []
        self.running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        duplex = await _AsyncDuplex.open(self._line)
        with contextlib.suppress(DuplexClosed):
            while True:
                message = await channel.arecv_message(duplex, proto.IPC_MESSAGES)
                self.told.append(type(message))
                if isinstance(message, proto.InitializeRequest):
                    await channel.asend_message(duplex, proto.InitializeResponse())
                if isinstance(message, proto.ShutdownRequest):
                    await channel.asend_message(duplex, proto.ShutdownRequestAck())
                    await channel.asend_message(duplex, proto.ShuttingDown())
                    if self._heeds:
                        break
        await duplex.aclose()


def job(name: str = "job") -> RunningJobInfo:
    return RunningJobInfo(
        accept_arguments=JobAcceptArguments(name="", identity="", metadata=""),
        job=agent.Job(id=name),
        url="",
        token="",
        worker_id="",
        fake_job=False,
    )


@pytest.fixture
def process() -> Process:
    return Process()


async def started(process: Process) -> Seat:
    seat = Seat(Processes(process), **OPTIONS, loop=asyncio.get_running_loop())  # type: ignore[arg-type] # a stand-in
    await seat.start()
    await seat.initialize()
    return seat


async def launched(process: Process, *, heeds: bool = True) -> tuple[Seat, Call]:
    seat = await started(process)
    launching = asyncio.create_task(seat.launch_job(job()))
    await process.seated.wait()
    call = Call(process.lines[-1], heeds=heeds)
    await launching
    return seat, call


async def test_an_idle_seat_takes_no_place_and_ends_at_once(process: Process) -> None:
    seat = await started(process)
    assert (seat.started, seat.running_job, process.calls) == (True, None, set())
    await seat.aclose()
    await seat.join()


async def test_a_seat_that_was_never_started_can_be_closed(process: Process) -> None:
    seat = Seat(Processes(process), **OPTIONS, loop=asyncio.get_running_loop())  # type: ignore[arg-type] # a stand-in
    await seat.aclose()
    assert not seat.started


async def test_a_call_takes_a_place_and_gives_it_back_at_its_end(process: Process) -> None:
    seat, call = await launched(process)
    assert process.calls == {seat}
    assert seat.status is JobStatus.RUNNING
    assert seat.logging_extra()["job_id"] == "job"
    await seat.aclose()
    await seat.join()
    assert seat.status is JobStatus.SUCCESS
    assert process.calls == set()
    assert call.told == [proto.InitializeRequest, proto.StartJobRequest, proto.ShutdownRequest]


async def test_a_call_that_is_lost_with_its_process_has_failed(process: Process) -> None:
    seat, call = await launched(process)
    call.running.cancel()
    process.lines[0].shutdown(socket.SHUT_RDWR)
    await seat.join()
    assert seat.status is JobStatus.FAILED
    assert process.calls == set()


async def test_a_call_ends_with_its_process_though_a_child_of_that_holds_the_line(
    process: Process,
) -> None:
    seat, call = await launched(process)
    call.running.cancel()
    held = process.lines[0].dup()
    process.dead.set()
    await asyncio.wait_for(seat.join(), 20)
    assert seat.status is JobStatus.FAILED
    assert process.calls == set()
    held.close()


async def test_a_call_that_does_not_end_when_told_is_cut_off(process: Process) -> None:
    seat, call = await launched(process, heeds=False)
    await seat.aclose()
    await call.running
    assert process.calls == set()


@pytest.mark.parametrize("worker_goes", [True, False])
async def test_a_process_that_does_not_answer_is_killed_only_when_the_worker_goes(
    process: Process, *, worker_goes: bool
) -> None:
    seat, call = await launched(process)
    call.running.cancel()
    seat._processes.is_closing = worker_goes
    closing = asyncio.create_task(seat.aclose())
    await asyncio.wait({closing}, timeout=5 * OPTIONS["close_timeout"])
    assert (closing.done(), process.is_gone) == (worker_goes, worker_goes)
    await process.kill()
    await closing
    assert seat.status is JobStatus.FAILED


async def test_a_seat_in_a_process_that_is_gone_refuses_its_call_and_can_be_closed(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.is_gone = True
    seat = await started(process)
    near, far = socket.socketpair()
    monkeypatch.setattr(socket, "socketpair", lambda: (near, far))
    with pytest.raises(BrokenPipeError):
        await seat.launch_job(job())
    assert (near.fileno(), far.fileno()) == (-1, -1)
    assert seat.running_job is None
    await seat.aclose()
    await seat.join()


def test_the_framework_gives_a_seat_what_it_takes() -> None:
    """Its private contract, as of the version that is pinned."""
    given = set(ThreadJobExecutor.__init__.__kwdefaults__ or {}) | set(
        ThreadJobExecutor.__init__.__annotations__
    )
    assert given - {"return"} == set(OPTIONS) | {"loop"}
