"""The life of a worker: take its port, ask LiveKit, start, take calls, drain, leave nothing."""

import asyncio
import importlib
import os
import shutil
import signal
import socket
from contextlib import suppress
from pathlib import Path

import structlog

from callfleet_contract.grace import FLUSH_SECONDS, GOODBYE_SECONDS, grace
from callfleet_service.errors import CannotStartError
from callfleet_service.metrics import package_version
from callfleet_service.ports import address_of, bind
from callfleet_worker.farewell import SoundFileError, check_sounds
from callfleet_worker.model.build import prewarm
from callfleet_worker.model.tls import CaFileError
from callfleet_worker.parent.admission.desk import Seen
from callfleet_worker.parent.admission.opening import make_port, reserved, see
from callfleet_worker.parent.admission.port import AdmissionPort
from callfleet_worker.parent.connection import ConnectionWatch, watching
from callfleet_worker.parent.event_socket import EventSocket, private_folder
from callfleet_worker.parent.health import Health, HealthServer
from callfleet_worker.parent.hearing import Hearing
from callfleet_worker.parent.jobs import Preparation
from callfleet_worker.parent.logs import write_logs
from callfleet_worker.parent.otlp import Otlp, whose_of
from callfleet_worker.parent.preflight import RefusedError, Verdict, knock
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.rescue import Rescue
from callfleet_worker.parent.samples import Sampler
from callfleet_worker.parent.server import Entrypoint, FleetServer
from callfleet_worker.parent.signals import heard_signals
from callfleet_worker.persona import AgentClassError, own_tools
from callfleet_worker.settings import Settings
from callfleet_worker.upstream.forking import end_server, fork_server
from callfleet_worker.upstream.jobs import WARM_UP_MODULE

_LOOK_SECONDS = 0.5
# Modules that every call needs: imported once, shared by all processes.
_SHARED_MODULES = (
    "callfleet_worker.parent.preload",
    "livekit.agents",
    "livekit.plugins.google",
    WARM_UP_MODULE,
    "callfleet_worker.parent.sharing.host",
)
# The loop monitor costs 8 % of a call's Python time; the other loads 244 MB of models for turn
# detection, which Gemini does itself.
_FRAMEWORK_SWITCHES = {
    "LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS": "0",
    "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
}

_log = structlog.get_logger("callfleet.worker")


def run(settings: Settings, entrypoint: Entrypoint) -> None:
    """Be a worker until a signal says to go and the last call has ended.

    Args:
        settings: All that it needs to know.
        entrypoint: Runs one call, in another process that imports it by its name.

    Raises:
        CannotStartError: a port, a file, a class or LiveKit itself is in the way.

    """
    os.environ.update(_FRAMEWORK_SWITCHES)
    # Where calls look for the way to LiveKit's API.
    os.environ["LIVEKIT_URL"] = settings.livekit.url
    os.environ["LIVEKIT_API_KEY"] = settings.livekit.api_key
    os.environ["LIVEKIT_API_SECRET"] = settings.livekit.api_secret.get_secret_value()
    try:
        # The slow part of a call's start: done here, it is done for all processes.
        prewarm(settings)
    except (AgentClassError, CaFileError) as error:
        raise CannotStartError(str(error)) from error
    for module in _SHARED_MODULES:
        importlib.import_module(module)
    try:
        fork_server()
    except OSError as error:
        message = (
            f"no socket can be made, TMPDIR is {os.environ.get('TMPDIR')!r} ({error}): set it to a "
            "folder that can be written and whose path is short, 40 characters at most"
        )
        raise CannotStartError(message) from error
    try:
        asyncio.run(_live(settings, entrypoint))
    finally:
        end_server()


async def _live(settings: Settings, entrypoint: Entrypoint) -> None:
    write_logs(settings.log)
    try:
        await check_sounds(settings.farewell)
    except SoundFileError as error:
        raise CannotStartError(str(error)) from error
    with (
        bind(settings.http, "CALLFLEET_HTTP__PORT") as bound,
        reserved(settings.admission) as admission,
    ):
        verdict, sentence = await knock(settings.livekit)
        if verdict is Verdict.REFUSED:
            raise RefusedError(sentence)
        if verdict is Verdict.AWAY:
            _log.warning(sentence)
        folder = private_folder()
        try:
            with watching(settings.livekit, sentence) as watch:
                parent = Parent(settings, entrypoint, folder / "events.sock", watch)
                await parent.live(bound, admission)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class Parent:
    """The parts of a running worker, and the order in which they start and stop."""

    def __init__(
        self,
        settings: Settings,
        entrypoint: Entrypoint,
        event_socket: Path,
        connection: ConnectionWatch,
    ) -> None:
        self._settings, self._connection = settings, connection
        registry = Registry(GEMINI_LIVE, settings.model.profile)
        self._otlp = Otlp.start(settings.telemetry, registry, whose_of(settings))
        self._rescue = Rescue(settings, self._has_slot_or_goes)
        self._hearing = Hearing(
            registry,
            Sampler(GEMINI_LIVE, settings.model.profile),
            self._otlp,
            self._rescue.after_death,
        )
        self._hearing.expect_tools(own_tools(settings))
        self._events = EventSocket(
            event_socket, self._hearing.heard, self._hearing.hung_up, self._hearing.refused
        )
        self._health = HealthServer(registry, self._look)
        preparation = Preparation(settings, event_socket)
        self._server = FleetServer(settings, entrypoint, preparation, _shared(settings, entrypoint))
        self._server.on_accepted = self._hearing.accepted
        self._server.on_given_back = self._hearing.given_back
        self._serving: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._cut = asyncio.Event()
        self._told: bool | None = None
        self._admission: AdmissionPort | None = None
        if settings.admission.is_open:
            self._admission = make_port(settings.admission, self._see, self._server.cordon)
        self._server.on_change = self._hearing.on_change = self._changed

    async def live(self, bound: socket.socket, admission: socket.socket | None) -> None:
        """Start, take calls until a signal comes, let them finish, and stop."""
        with heard_signals(self._on_signal):
            await self._events.open()
            await self._health.start(bound)
            if self._admission is not None and admission is not None:
                await self._admission.start(admission)
            self._say_where(bound, admission)
            looking = asyncio.create_task(self._keep_looking())
            try:
                await self._serve()
            finally:
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking
                await self._events.close(FLUSH_SECONDS)
                await self._rescue.close()
                if self._admission is not None:
                    await self._admission.stop()
                await self._health.stop()
                if self._otlp is not None:
                    await asyncio.to_thread(self._otlp.stop)
        _log.info("worker stopped")

    def _say_where(self, bound: socket.socket, admission: socket.socket | None) -> None:
        drain = self._settings.drain
        _log.info(
            "worker starts",
            version=package_version(),
            http=address_of(bound),
            admission=address_of(admission) if admission else None,
            livekit=self._settings.livekit.url,
            agent_name=self._settings.agent_name,
            slots=self._settings.slots,
            grace_period_seconds=grace(drain.seconds, drain.close_seconds).total_seconds,
        )

    async def _serve(self) -> None:
        self._serving = asyncio.create_task(self._server.run())
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({self._serving, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        try:
            if not self._serving.done():
                await self._drain()
        finally:
            await self._server.aclose()
            await self._serving

    async def _drain(self) -> None:
        had_their_time = self._admission is not None and self._admission.ends_calls
        seconds = GOODBYE_SECONDS if had_their_time else self._settings.drain.seconds
        if had_their_time:
            self._events.say_time_is_up()
        _log.info("draining", calls=self._hearing.active, seconds=seconds)
        draining = asyncio.create_task(self._server.drain())
        cut = asyncio.create_task(self._cut.wait())
        await asyncio.wait({draining, cut}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        cut.cancel()
        draining.cancel()
        try:
            await draining
        except (TimeoutError, asyncio.CancelledError):
            _log.warning("calls are cut", calls=self._hearing.active)

    def _on_signal(self, number: signal.Signals) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            self._changed()
        elif number is signal.SIGINT:
            # A person at a terminal, who means it.
            self._cut.set()
        else:
            _log.warning(
                "already draining: calls may finish; SIGKILL would cut them",
                calls=self._hearing.active,
            )

    def _changed(self) -> None:
        if self._admission is not None:
            self._admission.changed()

    def _see(self) -> Seen:
        said, draining = self._connection.said, self._stopping.is_set()
        return see(self._server, self._hearing, said, draining=draining)

    def _has_slot_or_goes(self) -> bool:
        return self._server.accepting or not self._server.takes_calls

    def _look(self) -> Health:
        server = self._server
        is_live = self._serving is not None and not self._serving.done()
        is_ready = is_live and server.registered
        is_accepting = is_ready and server.accepting and not self._stopping.is_set()
        self._hearing.show(server.slots, accepting=is_accepting)
        return Health(
            live=is_live,
            ready=is_ready,
            accepting=is_accepting,
            reason=self._why_not(is_live=is_live, is_ready=is_ready),
            slots=server.slots,
            taken=server.taken,
        )

    def _why_not(self, *, is_live: bool, is_ready: bool) -> str:
        if not is_live:
            return "not running"
        if not is_ready:
            unknown = f"not registered with LiveKit at {self._settings.livekit.url}"
            return self._connection.said or unknown
        if self._stopping.is_set():
            return "draining"
        if self._server.cordoned:
            return "cordoned"
        return "all slots are taken"

    async def _keep_looking(self) -> None:
        """Tell when the worker becomes ready or ceases to be, and find calls that never spoke."""
        while True:
            is_ready = self._look().ready
            if is_ready is not self._told and (is_ready or self._told is not None):
                _log.info("ready" if is_ready else "not ready")
                self._told = is_ready
            self._hearing.look_for_silent(self._server.held)
            # The framework tells nobody that the connection to LiveKit is gone.
            self._changed()
            await asyncio.sleep(_LOOK_SECONDS)


def _shared(settings: Settings, entrypoint: Entrypoint) -> list[str]:
    own = [entrypoint.__module__]
    if settings.agent_class is not None:
        own.append(settings.agent_class.partition(":")[0])
    return [*_SHARED_MODULES, *(name for name in own if name != "__main__")]
