"""A call's place in a shared process, which the framework takes for a thread of its own.

It is bound to a process when it is given its call, not before: an idle seat costs nothing, and a
call goes where the fewest are.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Any

from livekit.agents.ipc import channel, proto
from livekit.agents.ipc.job_executor import JobStatus
from livekit.agents.ipc.job_thread_executor import ThreadJobExecutor
from livekit.agents.job import RunningJobInfo
from livekit.agents.utils.aio.duplex_unix import DuplexClosed

from callfleet_worker.parent.sharing.processes import CallProcess, CallProcesses
from callfleet_worker.upstream.jobs import AsyncDuplex


class Seat(ThreadJobExecutor):
    """Runs one call, in whichever process has the fewest."""

    def __init__(self, processes: CallProcesses, **options: Any) -> None:
        """Take no place yet.

        Args:
            processes: Where there are places.
            options: What the framework gives to an executor that runs a call in a thread.

        """
        super().__init__(**options)
        self._processes = processes
        self._place: CallProcess | None = None
        self._decided = asyncio.Event()
        self._ended_in_order = False
        self._watching: asyncio.Task[None] | None = None

    @property
    def status(self) -> JobStatus:
        """Whether the call runs, has ended, or was lost with its process."""
        status = super().status
        if status is JobStatus.SUCCESS and not self._ended_in_order:
            return JobStatus.FAILED
        return status

    async def _start(self) -> None:
        self._join_fut = asyncio.Future[None]()
        self._main_atask = asyncio.create_task(self._main_task())

    async def initialize(self) -> None:
        """Wait until there is a process: a worker is ready when calls can be placed."""
        await self._processes.ready()

    async def launch_job(self, info: RunningJobInfo) -> None:
        """Seat the call.

        Raises:
            OSError: the process went away just now; the framework takes another seat.
            TimeoutError: no process got ready in time, or this one did not answer.

        """
        place = await self._processes.place()
        near, far = socket.socketpair()
        self._pch = await AsyncDuplex.open(near)
        try:
            place.seat(self, far)
        except OSError:
            far.close()
            await self._pch.aclose()
            raise
        self._place = place
        self._watching = asyncio.create_task(self._end_with(place))
        self._decided.set()
        await super().initialize()
        await super().launch_job(info)

    async def aclose(self) -> None:
        """End the call, if there is one; cut it where it does not end in time."""
        self._closing = True
        self._decided.set()
        if self._place is not None:
            closing = asyncio.create_task(super().aclose())
            await self._insist(self._place, closing)
            await closing
        elif self._main_atask is not None:
            await asyncio.wait({self._main_atask})

    async def _insist(self, place: CallProcess, closing: asyncio.Task[None]) -> None:
        """See to it that a call that was told to end does.

        A process that does not even answer is killed if the worker goes; else it may recover, for
        its other calls, and is killed when it has been silent for long.
        """
        patience = self._opts.close_timeout
        await asyncio.wait({self._shutdown_ack_fut}, timeout=patience)
        if not self._shutdown_ack_fut.done() and self._processes.is_closing:
            await place.kill()
        await asyncio.wait({self._shutting_down_fut})
        await asyncio.wait({closing}, timeout=patience)
        if not closing.done():
            with suppress(DuplexClosed):
                await self._pch.aclose()

    def logging_extra(self) -> dict[str, Any]:
        """Give the facts for the framework's lines about this call."""
        facts = super().logging_extra()
        facts.pop("tid")
        return facts if self._place is None else {**facts, **self._place.logging_extra()}

    async def _end_with(self, place: CallProcess) -> None:
        """End when the process is dead, though a child that a tool has forked holds the line."""
        await place.join()
        with suppress(DuplexClosed):
            await self._pch.aclose()

    async def _main_task(self) -> None:
        await self._decided.wait()
        if self._place is not None:
            await super()._main_task()

    async def _monitor_task(self) -> None:
        try:
            while True:
                self._heed(await channel.arecv_message(self._pch, proto.IPC_MESSAGES))
        except DuplexClosed:
            pass
        finally:
            if self._place is not None:
                self._place.leave(self)
            if self._watching is not None:
                self._watching.cancel()
            for waited_for in (self._shutdown_ack_fut, self._shutting_down_fut, self._join_fut):
                if not waited_for.done():
                    waited_for.set_result(None)

    def _heed(self, message: Any) -> None:
        if isinstance(message, proto.ShutdownRequestAck) and not self._shutdown_ack_fut.done():
            self._shutdown_ack_fut.set_result(None)
        elif isinstance(message, proto.ShuttingDown) and not self._shutting_down_fut.done():
            self._ended_in_order = True
            self._shutting_down_fut.set_result(None)
        elif isinstance(message, proto.InferenceRequest):
            task = asyncio.create_task(self._do_inference_task(message))
            self._inference_tasks.add(task)
            task.add_done_callback(self._inference_tasks.discard)

    async def _ping_task(self) -> None:
        """Ask nothing: the process is asked, for all its calls."""
