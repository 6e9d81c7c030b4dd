"""The framework's server, with slots that are counted exactly.

The framework guesses how much load a call that was just accepted will make, and counts one that
is starting twice: ten calls at once would be refused at nine, or an eleventh accepted. Here each
call takes one slot from the moment that it is accepted to the moment that its process is gone.
A cordoned worker is full, however many slots it has.
"""

import asyncio
import math
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import urlparse
from urllib.request import getproxies, proxy_bypass

import structlog
from livekit.agents import JobContext, JobExecutorType, JobRequest

from callfleet_contract.grace import SHUTDOWN_ACK_SECONDS
from callfleet_worker.bridge.leaving import LIVEKIT_SHUTDOWN
from callfleet_worker.parent.jobs import Preparation
from callfleet_worker.parent.sharing.processes import CallProcess, CallProcesses, Sharing
from callfleet_worker.parent.sharing.seat import Seat
from callfleet_worker.settings import Settings
from callfleet_worker.upstream.jobs import (
    AssignmentTimeoutError,
    end_logs_with_their_process,
    heed_ctrl_c_while_starting,
    run_calls_in,
)
from callfleet_worker.upstream.server import CountedServer

Entrypoint = Callable[[JobContext], Awaitable[None]]

_log = structlog.get_logger(__name__)


class FleetServer(CountedServer):
    """An AgentServer that answers for ``slots`` calls, no more and no fewer."""

    ended_by_livekit = LIVEKIT_SHUTDOWN

    def __init__(
        self,
        settings: Settings,
        entrypoint: Entrypoint,
        preparation: Preparation,
        preload: list[str],
    ) -> None:
        """Set up, but start nothing.

        Args:
            settings: Where to register, under which name, for how many calls.
            entrypoint: Runs one call, in another process that imports it by its name.
            preparation: Runs in each process before it is given a call.
            preload: Modules that all processes share, imported once.

        """
        self.slots = settings.slots
        self._taken: dict[str, None] = {}
        self._registered_once = False
        self.on_accepted: Callable[[str, str], None] = _nobody
        self.on_given_back: Callable[[str], None] = _nobody
        self.on_change: Callable[[], None] = _nobody
        """Told whenever something that others are told of this worker may be another."""
        self.refused_total = 0
        self.cordoned = False
        heed_ctrl_c_while_starting()
        end_logs_with_their_process()
        self._processes = self._shared_processes(settings, entrypoint, preparation)
        super().__init__(
            ws_url=settings.livekit.url,
            api_key=settings.livekit.api_key,
            api_secret=settings.livekit.api_secret.get_secret_value(),
            load_fnc=self.load,
            # Half a slot below full, so that no rounding of tenths decides about the last one.
            load_threshold=(settings.slots - 0.5) / settings.slots,
            job_executor_type=JobExecutorType.THREAD
            if self._processes
            else JobExecutorType.PROCESS,
            num_idle_processes=settings.slots if self._processes else settings.warm_processes,
            initialize_process_timeout=settings.process_start_seconds,
            job_memory_limit_mb=settings.process_memory_limit_mb,
            drain_timeout=settings.drain.seconds,
            session_end_timeout=settings.drain.close_seconds,
            shutdown_process_timeout=SHUTDOWN_ACK_SECONDS,
            max_retry=sys.maxsize,
            # Its own health endpoint says 200 while it reconnects and drains: ours is asked.
            host="127.0.0.1",
            port=0,
            http_proxy=proxy_for(settings.livekit.url),
            preload_modules=preload,
            setup_fnc=preparation,
        )
        self.rtc_session(entrypoint, agent_name=settings.agent_name, on_request=self._decide)
        self._telling: set[asyncio.Task[None]] = set()
        self.on("worker_registered", self._on_registered)
        self.on("worker_started", self._on_started)

    def _shared_processes(
        self, settings: Settings, entrypoint: Entrypoint, preparation: Preparation
    ) -> CallProcesses | None:
        """Have calls share processes, where the settings say so."""
        if settings.calls_per_process == 1:
            return None
        sharing = Sharing(
            processes=math.ceil(settings.slots / settings.calls_per_process),
            memory_limit_mb=settings.process_memory_limit_mb,
            start_seconds=settings.process_start_seconds,
            close_seconds=SHUTDOWN_ACK_SECONDS,
            session_end_seconds=settings.drain.close_seconds,
            preparation=preparation,
            entrypoint=entrypoint,
        )
        processes = CallProcesses(sharing, lambda asked: CallProcess(asked, self.process_context))
        run_calls_in(partial(Seat, processes))
        return processes

    async def aclose(self) -> None:
        """End: calls, connection, and the processes that calls shared."""
        if self._processes is not None:
            self._processes.is_closing = True
        await super().aclose()
        if self._processes is not None:
            await self._processes.aclose()

    @property
    def registered(self) -> bool:
        """Whether LiveKit knows this worker now; false while it reconnects."""
        return self._registered_once and self.is_connected

    @property
    def held(self) -> set[str]:
        """Calls that take a slot: those that run, and those accepted that have yet to run.

        A call that waits for its process, which is slow to start or stands still, is no dead one.
        """
        # The load is also asked for from a thread: list() copies the keys in one step.
        return self.running.union(list(self._taken))

    @property
    def taken(self) -> int:
        """Slots taken."""
        return len(self.held)

    @property
    def reserved(self) -> set[str]:
        """Calls that are accepted and do not run yet."""
        return set(self._taken) - self.running

    @property
    def accepting(self) -> bool:
        """Whether a call that is offered now would be taken."""
        return self.registered and self.takes_calls and self.taken < self.slots

    @property
    def takes_calls(self) -> bool:
        """Whether calls are taken while there are slots."""
        return not self.draining and not self.cordoned

    def load(self) -> float:
        """Say how full the worker is, from 0 to 1."""
        return 1.0 if self.cordoned else min(1.0, self.taken / self.slots)

    def cordon(self, *, cordoned: bool) -> None:
        """Take no more calls, or take them again; calls that are up go on.

        LiveKit is told at once, and again whenever it comes back.
        """
        self.cordoned = cordoned
        self._tell_soon()

    def turned_away(self) -> None:
        """Count a call that found no slot; one that a worker on its way out passes on is none."""
        if self.takes_calls:
            self.refused_total += 1
            self.on_change()

    def _on_registered(self, *_: Any) -> None:
        self._registered_once = True
        # By itself the framework would tell what it found before the connection was lost.
        self._tell_soon()

    def _on_started(self) -> None:
        # By itself the framework tells every 2.5 s: as long would a free slot get no call.
        self.on_calls_changed(self._tell_soon)

    def _tell_soon(self, _: Any = None) -> None:
        self.on_change()
        task = asyncio.create_task(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        """Tell LiveKit how full the worker is now."""
        if self.registered and not self.draining:
            await self.tell_load()

    async def _decide(self, request: JobRequest) -> None:
        call_id = request.id
        if not self.takes_calls or self.taken >= self.slots:
            self.turned_away()
            _log.info(
                "call passed on",
                call_id=call_id,
                slots=self.slots,
                taken=self.taken,
                cordoned=self.cordoned,
            )
            await request.reject(terminate=False)
            return
        self._taken[call_id] = None
        self.on_accepted(call_id, request.room.name)
        try:
            await request.accept()
        except AssignmentTimeoutError:
            self.on_given_back(call_id)
            _log.warning("call was given to another worker", call_id=call_id)
        finally:
            self._taken.pop(call_id, None)
            self.on_change()


def _nobody(*_: str) -> None:
    """Tell nobody."""


def proxy_for(url: str) -> str | None:
    """Find the proxy to LiveKit, unless NO_PROXY names its host: the framework never asks that."""
    host = urlparse(url).hostname or ""
    if proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("http")
