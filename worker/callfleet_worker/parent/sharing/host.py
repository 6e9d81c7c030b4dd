"""What a process runs that calls share: it is handed one line to the parent for each call.

Each call is the framework's own job, as it would be in a process by itself, in an empty context,
so that no call sees another's variables. What it leaves running ends with it, as there.
"""

import asyncio
import contextvars
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from livekit.agents import JobContext, JobExecutorType, JobProcess
from livekit.agents.ipc.log_queue import LogQueueHandler
from livekit.agents.ipc.proto import InitializeRequest, ShutdownRequest, ShutdownRequestAck
from livekit.agents.ipc.proto import ShuttingDown as IsShuttingDown
from livekit.agents.utils.aio import ChanReceiver

from callfleet_worker.parent.jobs import Preparation
from callfleet_worker.parent.sharing import whose
from callfleet_worker.parent.sharing.ownership import OwnTasks
from callfleet_worker.reporting import EventSink
from callfleet_worker.upstream.jobs import Duplex, Job, JobLine, live_in_this_loop
from callfleet_worker.userdata import EVENTS_KEY

PROCESS_NAME = "job_proc"
"""The framework has a process of this name ignore signals, which are its parent's to answer."""

_HEAD = struct.Struct("!I")

_log = logging.getLogger("livekit.agents")


@dataclass(frozen=True, slots=True)
class HostArguments:
    """All that a process is started with."""

    line: socket.socket
    log_line: socket.socket
    seat_line: socket.socket
    log_levels: dict[str, int]
    preparation: Preparation
    entrypoint: Callable[[JobContext], Awaitable[None]]
    session_end_seconds: float


def host_main(arguments: HostArguments) -> None:
    """Be a process that calls share, until the parent says to go or is gone."""
    for name, level in arguments.log_levels.items():
        logging.getLogger(name).setLevel(level)
    handler = LogQueueHandler(Duplex.open(arguments.log_line))
    handler.addFilter(whose.name_the_call)
    logging.getLogger().addHandler(handler)
    host = _Host(arguments)
    client = JobLine(arguments.line, arguments.log_line, host.initialize, host.serve)
    try:
        client.initialize()
    except Exception:  # noqa: BLE001 - the parent was told, and logs it
        handler.close()
        return
    client.run()
    handler.close()


class _Host:
    """Keeps the calls of this process."""

    def __init__(self, arguments: HostArguments) -> None:
        self._arguments = arguments
        self._client: JobLine | None = None
        self._seats: set[asyncio.Task[None]] = set()
        self._own_tasks = OwnTasks()

    def initialize(self, _: InitializeRequest, client: JobLine) -> None:
        """Do once what all calls need."""
        self._client = client
        self._arguments.preparation.process()

    async def serve(self, messages: ChanReceiver[Any]) -> None:
        """Take calls until the parent says to go."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(self._own_tasks.make)
        whose.tell_whose(loop)
        line = self._arguments.seat_line
        line.settimeout(0)
        loop.add_reader(line, self._take)
        try:
            async for message in messages:
                if isinstance(message, ShutdownRequest) and self._client is not None:
                    await self._client.send(ShutdownRequestAck())
                    await self._client.send(IsShuttingDown())
                    break
        finally:
            loop.remove_reader(line)
            for seat in self._seats:
                seat.cancel()
            if self._seats:
                await asyncio.wait(self._seats)

    def _take(self) -> None:
        try:
            _, numbers, _, _ = socket.recv_fds(self._arguments.seat_line, 1, 1)
        except BlockingIOError:
            return
        for number in numbers:
            seat = asyncio.get_running_loop().create_task(
                self._seat(socket.socket(fileno=number)), context=contextvars.Context()
            )
            self._seats.add(seat)
            seat.add_done_callback(self._left)

    def _left(self, seat: asyncio.Task[None]) -> None:
        self._seats.discard(seat)
        if not seat.cancelled() and (error := seat.exception()) is not None:
            _log.error("a call's place in its process broke", exc_info=error)

    async def _seat(self, line: socket.socket) -> None:
        """Let one call live at the other end of ``line``."""
        prepared: list[JobProcess] = []
        own, call = self._own_tasks.begin(), whose.begin()

        def prepare(process: JobProcess) -> None:
            prepared.append(process)
            self._arguments.preparation.call(process)

        job = Job(
            prepare,
            call.met_by(self._arguments.entrypoint),
            None,
            session_end_timeout=self._arguments.session_end_seconds,
            executor_type=JobExecutorType.THREAD,
        )
        client = JobLine(line, None, job.initialize, job.entrypoint)
        try:
            await first_message(line)
            client.initialize()
            await live_in_this_loop(client)
        finally:
            line.close()
            await self._own_tasks.end(own)
            for process in prepared:
                events: EventSink | None = process.userdata.get(EVENTS_KEY)
                if events is not None:
                    # In a thread: it may wait for a parent that is slow to read.
                    await asyncio.shield(asyncio.to_thread(events.close))


async def first_message(line: socket.socket) -> None:
    """Wait until the first message is there as a whole, or the line's end.

    The framework reads it without the loop, which other calls need: here it never has to wait. A
    message is four bytes of length in network order, and so many bytes.
    """
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    line.settimeout(0)
    loop.add_reader(line, news.set)
    try:
        while True:
            await news.wait()
            news.clear()
            head = line.recv(_HEAD.size, socket.MSG_PEEK)
            if not head:
                break
            if len(head) == _HEAD.size:
                whole = _HEAD.size + _HEAD.unpack(head)[0]
                if len(line.recv(whole, socket.MSG_PEEK)) == whole:
                    break
    finally:
        loop.remove_reader(line)
        line.settimeout(None)
