"""The parent's side of the processes that calls share: kept alive, replaced, renewed.

Each is supervised by the framework like a process of one call: asked every 2.5 s whether it still
answers, killed when it has not for a minute.
"""

import asyncio
import logging
import multiprocessing as mp
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any

import structlog
from livekit.agents import JobContext
from livekit.agents.ipc.supervised_proc import SupervisedProc, SupervisedProcKind
from livekit.agents.utils.aio import ChanReceiver

from callfleet_worker.parent.jobs import Preparation
from callfleet_worker.parent.sharing.host import PROCESS_NAME, HostArguments, host_main

PING_SECONDS = 2.5
SLOW_PING_SECONDS = 0.5
SILENT_SECONDS = 60.0
RESTART_SECONDS = 1.0
WEIGH_SECONDS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sharing:
    """How calls share processes."""

    processes: int
    memory_limit_mb: float
    """Above this a process takes no more calls, and ends with its last. 0 sets no limit."""
    start_seconds: float
    close_seconds: float
    session_end_seconds: float
    preparation: Preparation
    entrypoint: Callable[[JobContext], Awaitable[None]]


class CallProcess(SupervisedProc):
    """One process that calls share, seen from the parent."""

    def __init__(self, sharing: Sharing, mp_context: BaseContext) -> None:
        super().__init__(
            initialize_timeout=sharing.start_seconds,
            close_timeout=sharing.close_seconds,
            memory_warn_mb=0,
            memory_limit_mb=0,
            ping_interval=PING_SECONDS,
            ping_timeout=SILENT_SECONDS,
            high_ping_threshold=SLOW_PING_SECONDS,
            http_proxy=None,
            mp_ctx=mp_context,
            loop=asyncio.get_running_loop(),
        )
        self._sharing = sharing
        self._seat_line, self._far_seat_line = socket.socketpair()
        self.calls: set[object] = set()
        self.empty = asyncio.Event()

    @property
    def process_kind(self) -> SupervisedProcKind:
        """Say what the framework's own lines call it."""
        return SupervisedProcKind.JOB

    def _create_process(self, cch: socket.socket, log_cch: socket.socket) -> mp.Process:
        known = logging.Logger.manager.loggerDict.items()
        levels = {name: log.level for name, log in known if isinstance(log, logging.Logger)}
        arguments = HostArguments(
            line=cch,
            log_line=log_cch,
            seat_line=self._far_seat_line,
            log_levels={"root": logging.getLogger().level, **levels},
            preparation=self._sharing.preparation,
            entrypoint=self._sharing.entrypoint,
            session_end_seconds=self._sharing.session_end_seconds,
        )
        return self._mp_ctx.Process(  # type: ignore[attr-defined,no-any-return] # not in its base
            target=host_main, args=(arguments,), name=PROCESS_NAME
        )

    async def _main_task(self, ipc_ch: ChanReceiver[Any]) -> None:
        async for _ in ipc_ch:
            pass

    def seat(self, call: object, line: socket.socket) -> None:
        """Give a call a place; ``line`` is the process's from now on.

        Raises:
            OSError: the process is gone.

        """
        socket.send_fds(self._seat_line, [b"+"], [line.fileno()])
        line.close()
        self.calls.add(call)
        self.empty.clear()

    def leave(self, call: object) -> None:
        """Take a place back."""
        self.calls.discard(call)
        if not self.calls:
            self.empty.set()

    def release(self) -> None:
        """Let go of what is held for a process that is gone."""
        self._seat_line.close()
        self._far_seat_line.close()

    async def memory_mb(self) -> float:
        """Weigh the process: what it shares with others counts by its share (PSS)."""
        loop = asyncio.get_running_loop()
        mb, _ = await loop.run_in_executor(None, self._sample_memory_mb)
        return mb


class CallProcesses:
    """All processes of a worker: so many are there at any time, each ready for calls."""

    def __init__(self, sharing: Sharing, start: Callable[[Sharing], CallProcess]) -> None:
        self._sharing, self._start = sharing, start
        self._ready: list[CallProcess] = []
        self._news = asyncio.Condition()
        self._keeping: set[asyncio.Task[None]] = set()
        self.is_closing = False
        """Set once the worker goes: no process is started any more, and none waited for."""

    async def ready(self) -> None:
        """Start what is not started, and wait until one takes calls.

        Raises:
            TimeoutError: none got ready in time.

        """
        if not self._keeping:
            for _ in range(self._sharing.processes):
                self._keep_going(self._keep())
        async with asyncio.timeout(self._sharing.start_seconds), self._news:
            await self._news.wait_for(lambda: self._ready)

    async def place(self) -> CallProcess:
        """Find the process with the fewest calls, waiting for one where there is none now.

        Raises:
            TimeoutError: none got ready in time.

        """
        await self.ready()
        return min(self._ready, key=lambda process: len(process.calls))

    async def aclose(self) -> None:
        """End all processes; calls that are still in one are cut."""
        keeping = list(self._keeping)
        for task in keeping:
            task.cancel()
        if keeping:
            await asyncio.wait(keeping)

    def _keep_going(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _keep(self) -> None:
        """Have a process there at any time, until the worker goes."""
        while not self.is_closing:
            process = self._start(self._sharing)
            try:
                await process.start()
                await process.initialize()
            except asyncio.CancelledError:
                await _end(process)
                raise
            except Exception as error:  # noqa: BLE001 - another is tried, whatever it was
                _log.error("a process for calls did not start", error=repr(error))
                await _end(process)
                await asyncio.sleep(RESTART_SECONDS)
                continue
            await self._serve(process)

    async def _serve(self, process: CallProcess) -> None:
        """Have calls seated in a process until it is gone or too heavy."""
        async with self._news:
            self._ready.append(process)
            self._news.notify_all()
        gone = asyncio.create_task(process.join())
        try:
            if await self._grows_heavy(process, gone):
                _log.warning("a process takes no more calls: too heavy", **process.logging_extra())
                self._keep_going(_retire(process))
            else:
                process.release()
        except asyncio.CancelledError:
            await _end(process)
            raise
        finally:
            gone.cancel()
            self._ready.remove(process)

    async def _grows_heavy(self, process: CallProcess, gone: asyncio.Task[None]) -> bool:
        limit = self._sharing.memory_limit_mb
        while not gone.done():
            await asyncio.wait({gone}, timeout=WEIGH_SECONDS if limit else None)
            if limit and not gone.done() and await process.memory_mb() > limit:
                return True
        return False


async def _retire(process: CallProcess) -> None:
    """End a process when the last of its calls has."""
    try:
        if process.calls:
            await process.empty.wait()
    finally:
        await _end(process)


async def _end(process: CallProcess) -> None:
    await process.aclose()
    process.release()
