"""The framework's server, told from within how full it is and how a call ends."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import BaseContext
from typing import Any

from livekit.agents import AgentServer
from livekit.agents.ipc import channel, proto
from livekit.agents.utils.aio.duplex_unix import DuplexClosed
from livekit.protocol.agent import JobTermination


class CountedServer(AgentServer, ABC):
    """An AgentServer that is as full as its heir says, at any moment."""

    ended_by_livekit: str
    """The reason that a call is told which LiveKit ends."""

    @abstractmethod
    def load(self) -> float:
        """Say how full the worker is, from 0 to 1."""

    @abstractmethod
    def turned_away(self) -> None:
        """Take note of an offer that the framework passes on by itself, because it is full."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection to LiveKit; false while it reconnects."""
        return not self._connecting and not self._closed

    @property
    def running(self) -> set[str]:
        """Jobs that hold a process now."""
        pool = getattr(self, "_proc_pool", None)
        return set() if pool is None else {info.job.id for info in self.active_jobs}

    @property
    def process_context(self) -> BaseContext:
        """What processes are started with."""
        return self._mp_ctx

    def on_calls_changed(self, tell: Callable[[Any], None]) -> None:
        """Have each call told of that starts or has ended; not before ``worker_started``."""
        self._proc_pool.on("process_job_launched", tell)
        self._proc_pool.on("process_closed", tell)

    async def tell_load(self) -> None:
        """Tell LiveKit how full the worker is now."""
        self._worker_load = self.load()
        await self._update_worker_status()

    def _get_effective_load(self) -> float:
        return self.load()

    def _is_available(self) -> bool:
        # Of every offer the framework asks this once, and asks nobody else where it says no.
        is_available = super()._is_available()
        if not is_available:
            self.turned_away()
        return is_available

    async def _handle_termination(self, msg: JobTermination) -> None:
        """LiveKit ends a call, mostly as it closes the room: the worker did not stop.

        The framework tells a call no reason, as if its worker went; whichever news of a closed
        room came first would decide what was counted.
        """
        executor = self._proc_pool.get_by_job_id(msg.job_id)
        if executor is None:
            return
        line = vars(executor)["_pch"]
        with suppress(DuplexClosed):
            await channel.asend_message(line, proto.ShutdownRequest(reason=self.ended_by_livekit))
        await executor.aclose()
