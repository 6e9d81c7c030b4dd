"""The emulator as a thing to start: ``async with Emulator(config) as emulator``."""

import asyncio
import errno
import itertools
import ssl
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from callfleet_rehearsal.emulator.certificates import (
    Certificates,
    make_certificates,
    read_certificates,
)
from callfleet_rehearsal.emulator.configuration import EmulatorConfig
from callfleet_rehearsal.emulator.control import arm_fault, control_app
from callfleet_rehearsal.emulator.conversations import Handles
from callfleet_rehearsal.emulator.doors import Door, Turned, admit, door
from callfleet_rehearsal.emulator.events import EventLog
from callfleet_rehearsal.emulator.fault_kinds import Point
from callfleet_rehearsal.emulator.faults import Effect, FaultBox
from callfleet_rehearsal.emulator.reading import RefusedError
from callfleet_rehearsal.emulator.session import Session
from callfleet_rehearsal.emulator.shared import Shared
from callfleet_rehearsal.emulator.speech import rendered_clips
from callfleet_rehearsal.emulator.wire import Wire

SHUTDOWN_SECONDS = 0.5
HEALTH_PATH = "/healthz"
"""The one path that no Live API has: whoever asks learns that speech is ready and TLS works."""
_LOOPBACK = "127.0.0.1"
TOO_MANY = RefusedError(
    1011, "Resource has been exhausted. RESOURCE_EXHAUSTED: Maximum concurrent sessions exceeded."
)
_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class CannotListenError(OSError):
    """The address cannot be listened on."""


class PortInUseError(CannotListenError):
    """Another program has the port."""


class Emulator:
    """A Gemini Live API on this machine. Usable once entered; gone when left."""

    def __init__(self, config: EmulatorConfig | None = None) -> None:
        self.config = config or EmulatorConfig()
        self.log = EventLog(self.config.log_file)
        self.faults = FaultBox()
        self._shared = Shared(
            self.config, self.log, self.faults, Handles(self.config.handle_lifetime_seconds)
        )
        self._numbers = itertools.count(1)
        self._runners: list[web.AppRunner] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.ca_file = Path()
        self.url = ""
        self.control_url = ""

    async def __aenter__(self) -> Self:
        """Make certificates and speech, and listen."""
        host, listen = self.config.host, self.config.listen
        certificates = self._certificates()
        self.ca_file = certificates.ca_file
        rendered_clips()
        try:
            app = web.Application()
            app.router.add_get(HEALTH_PATH, _healthy)
            app.router.add_route("*", "/{tail:.*}", self._serve)
            port = await self._listen(app, listen or host, self.config.port, certificates.server)
            self.url = f"https://{host}:{port}"
            control, control_host = control_app(self._shared), _LOOPBACK if listen else host
            control_port = await self._listen(control, control_host, self.config.control_port)
            self.control_url = f"http://{control_host}:{control_port}"
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening and drop every connection."""
        await self.close()

    async def close(self) -> None:
        """Stop, whatever state it is in."""
        for session in tuple(self._shared.sessions.values()):
            session.drop()
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        self.log.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def sessions(self) -> list[str]:
        """Names of the sessions that are open."""
        return list(self._shared.sessions)

    def arm(self, name: str, **request: Any) -> dict[str, Any]:
        """Arm a fault, as a POST to the control port's /faults does.

        Raises:
            BadFaultError: there is no such fault, or it hits nobody.

        """
        return arm_fault(self._shared, {"name": name, **request})

    def _certificates(self) -> Certificates:
        if self.config.tls_folder is not None:
            return read_certificates(self.config.tls_folder)
        folder = self.config.certificate_folder
        if folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="callfleet-emulator-")
            folder = Path(self._folder.name)
        return make_certificates(folder, self.config.host)

    async def _listen(
        self, app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> int:
        runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS
        )
        self._runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        bound: int = runner.addresses[0][1]
        return bound

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        entrance = door(request.path)
        if entrance is None:
            return _refuse(404, f"No Live API at {request.path}")
        name = f"session-{next(self._numbers)}"
        self.faults.bind_next(name)
        effect = self.faults.take(Point.UPGRADE, name)
        if effect is not None:
            return self._fail_upgrade(name, effect)
        admitted = admit(entrance, request.headers, request.query, self.config.keys)
        if isinstance(admitted, Turned):
            self.log.add(name, "refused", code=admitted.status, reason=admitted.text)
            return _refuse(admitted.status, admitted.text)
        if not web.WebSocketResponse().can_prepare(request):
            return _refuse(400, "This address speaks websocket only")
        if 0 < self.config.most_sessions <= len(self._shared.sessions):
            admitted = TOO_MANY
        return await self._converse(request, name, entrance, admitted)

    async def _converse(
        self, request: web.Request, name: str, entrance: Door, refused: RefusedError | None
    ) -> web.StreamResponse:
        wire = Wire(request)
        session = Session(self._shared, name, entrance.api, wire)
        self._shared.sessions[name] = session
        self.log.add(name, "session_open", path=request.path, model=None)
        try:
            await wire.accept()
            writing = asyncio.create_task(wire.write())
            try:
                await session.run(refused)
            finally:
                writing.cancel()
        finally:
            del self._shared.sessions[name]
            code, reason = wire.closed_as or (1006, "")
            self.log.add(name, "close", code=code, reason=reason)
        return wire.response

    def _fail_upgrade(self, name: str, effect: Effect) -> web.Response:
        status = int(effect.settings["status"])
        self.log.add(name, "fault", name=effect.name, status=status)
        return _refuse(status, f"Injected by the fault {effect.name}")


def _cannot_listen(host: str, port: int, error: OSError) -> CannotListenError:
    if error.errno == errno.EADDRINUSE:
        message = (
            f"port {port} on {host} is taken by another program; "
            "give another one, or 0 for any that is free"
        )
        return PortInUseError(message)
    message = f"cannot listen on {host}:{port} ({error.strerror}); give another host or port"
    return CannotListenError(message)


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ready\n")


def _refuse(status: int, text: str) -> web.Response:
    name = _STATUS_NAMES.get(status, "UNKNOWN")
    body = {"error": {"code": status, "message": text, "status": name}}
    return web.json_response(body, status=status)
