"""One call, end to end: what a job's process runs.

The entrypoint returns once the room is reached and leaves the call to a task of its own: the
framework gives an entrypoint that still runs fifteen seconds to react to a shutdown, of which it
is never told.
However the call ends, exactly one ``CallEnded`` is its last event.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import structlog
from livekit import rtc
from livekit.agents import (
    AgentStateChangedEvent,
    AutoSubscribe,
    CloseEvent,
    CloseReason,
    JobContext,
)

from callfleet_contract.events import CallEnded, CallStarted
from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_worker.agents.watching import watch_tools
from callfleet_worker.breakage import attempt, failure_of, kind_of, tell_broken
from callfleet_worker.bridge.assembly import Bridge
from callfleet_worker.bridge.caller import CallerWatch
from callfleet_worker.bridge.ending import DESERVES_APOLOGY, LINE_IS_LOST, Cause, Ending, ending_of
from callfleet_worker.bridge.leaving import cause_of_departure, cause_of_room, cause_of_shutdown
from callfleet_worker.bridge.showing import StateShow
from callfleet_worker.bridge.sink import NS_PER_SECOND, BridgeOptions, CallLine
from callfleet_worker.bridge.turnclock import CallName
from callfleet_worker.content import Redaction, tell_content
from callfleet_worker.farewell import Caller, farewell, plan_farewell
from callfleet_worker.leftalone import is_left_alone
from callfleet_worker.model.build import build_model
from callfleet_worker.model.session import open_session
from callfleet_worker.persona import load_agent
from callfleet_worker.settings import Settings
from callfleet_worker.userdata import EVENTS_KEY, RESCUE_ATTRIBUTE, SETTINGS_KEY

CONNECT_SECONDS = 20.0
CLOSE_SECONDS = 5.0
AGENT_PAUSE_SECONDS = 0.5
"""Between an agent's last word and hanging up; by then a shutdown that closed it is known too."""

log = structlog.get_logger(__name__)


async def entrypoint(ctx: JobContext) -> None:
    """Take a call. ``ctx.proc.userdata`` holds the settings and the line to the parent."""
    call = Call(ctx, ctx.proc.userdata[SETTINGS_KEY], ctx.proc.userdata[EVENTS_KEY])
    ctx.add_shutdown_callback(call.stop)
    await call.begin()


def bridge_options(settings: Settings) -> BridgeOptions:
    """Take out of the settings what the bridge needs."""
    caller, ears, mouth = settings.caller, settings.ears, settings.mouth
    return BridgeOptions(
        caller_wait_seconds=caller.wait_seconds,
        caller_return_seconds=caller.return_seconds,
        noise_gate_dbfs=ears.noise_gate_dbfs,
        echo_cancellation=ears.echo_cancellation,
        queue_ms=mouth.queue_ms,
        subscription_wait_seconds=mouth.subscription_wait_seconds,
        settle_seconds=mouth.settle_seconds,
        bitrate_kbps=mouth.bitrate_kbps,
        dtx=mouth.dtx,
        red=mouth.red,
    )


class Call:
    """The life of one call."""

    def __init__(self, ctx: JobContext, settings: Settings, sink: CallLine) -> None:
        self._ctx, self._settings, self._sink = ctx, settings, sink
        self._name = CallName(ctx.job.id, ctx.job.room.name, time.monotonic_ns())
        self._options = bridge_options(settings)
        self._reached = asyncio.Event()
        self._line_lost = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._cause: asyncio.Future[Cause] = asyncio.get_running_loop().create_future()
        self.bridge = Bridge(self._name, ctx.room, self._options, sink, self._spawn)
        self._model = build_model(settings, self._name.call_id, self.bridge.emit)
        self.session = open_session(self._model)
        self._model.attach(self.session, lambda: self.bridge.clock.owes_reply)
        self._caller = CallerWatch(
            ctx.room,
            follow=self.bridge.ears.follow,
            lose=self.bridge.ears.lose,
            gone=self._on_caller_gone,
        )
        self._show = StateShow(ctx.room, self._spawn)
        self._living: asyncio.Task[None] | None = None
        self._meeting: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Let the call live until something ends it; return when it has reached its room."""
        self._sink.emit(CallStarted(self._name.call_id, self._name.room, self._name.started_ns))
        self._living = asyncio.create_task(self._live(), name="call")
        self._living.add_done_callback(self._on_task_done)
        reached = asyncio.create_task(self._reached.wait())
        await asyncio.wait((self._living, reached), return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()

    async def stop(self, reason: str) -> None:
        """The job is being shut down: end the call, if it has not ended, and wait for its end."""
        self._end(cause_of_shutdown(reason))
        if self._living is not None:
            await asyncio.wait((self._living,))

    async def _live(self) -> None:
        ending = Ending(CallOutcome.FAILED, CallReason.INTERNAL_ERROR, delete_room=True)
        try:
            self._listen_for_ends()
            self._meeting = self._spawn(self._meet_caller(), "meet caller")
            self._spawn(self._talk(), "talk")
            self._spawn(self._heed_time(), "time")
            ending = await self._close(await self._what_ends_it())
        finally:
            seconds = (time.monotonic_ns() - self._name.started_ns) / NS_PER_SECOND
            self._sink.emit(
                CallEnded(
                    self._name.call_id, self._name.room, ending.outcome, ending.reason, seconds
                )
            )
            self._ctx.shutdown(ending.reason)

    async def _what_ends_it(self) -> Cause:
        """Wait for what ends the call: also for somebody who cancels it and leaves the rest."""
        try:
            return await asyncio.shield(self._cause)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or all(part.cancelling() for part in self._tasks):
                raise  # the whole process ends
            task.uncancel()
            tell_broken("call", error)
            return Cause.CRASHED

    async def _talk(self) -> None:
        """Connect the model while the room is connected; whatever breaks here, a caller is met."""
        self.bridge.start()
        rescues = RESCUE_ATTRIBUTE in self._ctx.job.attributes
        agent = load_agent(self._settings, rescues=rescues)
        waited = self.bridge.clock.tool_took
        watch_tools(self.session, self._name.call_id, self.bridge.emit, waited)
        if (telemetry := self._settings.telemetry).tells_content:
            redaction = Redaction.of(telemetry.redact)
            tell_content(self.session, self._name.call_id, redaction, self.bridge.emit)
        self.session.input.audio = self.bridge.ears
        self.session.output.audio = self.bridge.mouth
        if self._settings.model.transcription.agent:
            self.session.output.transcription = self.bridge.text
        await self.session.start(agent, record=False)

    async def _meet_caller(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        except (rtc.ConnectError, TimeoutError) as error:
            log.warning("room not reached", error=kind_of(error))
            self._end(Cause.NOT_CONNECTED)
            return
        self._reached.set()
        self._caller.look()
        self._spawn(self.bridge.publish(self._caller), "publish")
        try:
            async with asyncio.timeout(self._options.caller_wait_seconds):
                await self._caller.is_here()
        except TimeoutError:
            self._end(Cause.NOBODY_CAME)

    async def _heed_time(self) -> None:
        if await self._sink.time_is_up():
            self._end(Cause.TIME_IS_UP)

    def _listen_for_ends(self) -> None:
        self._ctx.room.on("disconnected", self._on_disconnected)
        self.session.on("close", self._on_session_closed)
        self.session.on("agent_state_changed", self._on_agent_state)

    def _end(self, cause: Cause) -> None:
        if cause in LINE_IS_LOST:
            self._line_lost.set()
        if not self._cause.done():
            self._cause.set_result(cause)

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        self._show.show(event.new_state)

    def _on_disconnected(self, reason: int) -> None:
        # The framework disconnects when it shuts a job down, and tells why after that.
        if reason != rtc.DisconnectReason.CLIENT_INITIATED:
            self._end(cause_of_room(reason))

    def _on_session_closed(self, event: CloseEvent) -> None:
        if event.reason is not CloseReason.ERROR:
            asyncio.get_running_loop().call_later(AGENT_PAUSE_SECONDS, self._end, Cause.AGENT_ENDED)
        elif self._model.reason is CallReason.MODEL_REFUSED_KEY:
            self._end(Cause.KEY_REFUSED)
        else:
            self._end(Cause.MODEL_FAILED)

    def _on_caller_gone(self, reason: int) -> None:
        cause = cause_of_departure(reason)
        if cause is Cause.CALLER_LOST:
            self._spawn(self._wait_for_return(), "caller's return")
        else:
            self._end(cause)

    async def _wait_for_return(self) -> None:
        try:
            async with asyncio.timeout(self._options.caller_return_seconds):
                await self._caller.returned.wait()
        except TimeoutError:
            self._end(Cause.CALLER_LOST)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a part of the call beside the others; if it breaks, the call ends with an apology."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if (error := failure_of(task)) is not None:
            tell_broken(task.get_name(), error)
            self._end(Cause.CRASHED)

    async def _close(self, cause: Cause) -> Ending:
        others = self._caller.others if self._ctx.room.isconnected() else 0
        ending = ending_of(cause, answered=self.bridge.clock.answered, others_in_room=others)
        if cause in DESERVES_APOLOGY:
            await self._fall_silent()
            ending = await self._say_farewell(ending)
        self._caller.close()
        # Closing the session changes the state as well, when nobody waits for what is spawned.
        self.session.off("agent_state_changed", self._on_agent_state)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        await attempt(self.bridge.close(), "bridge")
        if ending.delete_room:
            await attempt(self._delete_room(cause), "room")
        await attempt(self._close_session(), "session")
        return ending

    async def _fall_silent(self) -> None:
        """Let nothing but the apology be heard: the model may be in the middle of a reply."""
        self.session.off("close", self._on_session_closed)
        self.session.output.audio = None
        await attempt(self._close_session(), "session")
        self.bridge.mouth.clear_buffer()
        self.bridge.mouth.flush()

    async def _say_farewell(self, ending: Ending) -> Ending:
        """Apologise to a caller who is there or about to be, while they stay."""
        parting = asyncio.create_task(self._part(ending), name="farewell")
        await asyncio.wait((parting,))
        if (error := failure_of(parting)) is not None:
            tell_broken("farewell", error)
        return ending if parting.cancelled() or error is not None else parting.result()

    async def _part(self, ending: Ending) -> Ending:
        if self._meeting is not None:
            lost = asyncio.create_task(self._line_lost.wait())
            await asyncio.wait((self._meeting, lost), return_when=asyncio.FIRST_COMPLETED)
            lost.cancel()
        if self._caller.identity is None or self._line_lost.is_set():
            return ending
        participant = await self._caller.is_here()
        is_phone = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP
        caller = Caller(participant.identity, is_phone)
        plan = plan_farewell(self._settings.farewell, caller, ending.reason)
        plan = replace(plan, outcome=ending.outcome)
        ended = await farewell(self._ctx, self.bridge.mouth, plan, self._line_lost)
        return Ending(ended.outcome, ended.reason, delete_room=False)

    async def _delete_room(self, cause: Cause) -> None:
        if cause is Cause.DISMISSED and not await is_left_alone(
            self._ctx.api.room, self._name.room, self._ctx.job.room.sid
        ):
            return
        await self._ctx.delete_room(self._name.room)

    async def _close_session(self) -> None:
        # The model first: the framework would wait for it to end a reply that nobody hears.
        await self._model.aclose()
        await self.session.aclose()
