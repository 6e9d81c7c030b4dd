"""A worker with a trivial call, for tests of the parent: ``python worker_probe.py``."""

import asyncio
import os
import sys
import time

import structlog
from livekit.agents import JobContext

from callfleet_contract.events import CallEnded, CallStarted, TurnMeasured
from callfleet_contract.outcomes import CallOutcome, CallReason, TurnEnd
from callfleet_service.errors import CannotStartError
from callfleet_worker.parent.life import run
from callfleet_worker.reporting import EventSink
from callfleet_worker.settings import SettingsError, load

MS = 1_000_000
TOLD = "time is up"
LEAVES_A_CHILD = "leave a child"
"""Metadata of a call whose process forks one, which holds all that is open there."""
HEEDING: set[asyncio.Task[None]] = set()


def turn(call_id: str, room: str) -> TurnMeasured:
    """A turn of 400 ms, of which the fleet made 100."""
    now_ns = time.monotonic_ns()
    return TurnMeasured(
        call_id=call_id,
        room=room,
        turn=1,
        end=TurnEnd.COMPLETED,
        speech_end_ns=now_ns - 400 * MS,
        model_sent_ns=now_ns - 350 * MS,
        first_model_audio_ns=now_ns - 50 * MS,
        first_played_ns=now_ns,
        tool_seconds=0.0,
        jitter_buffer_seconds=0.0,
        agent_rtt_seconds=0.0,
        heard_seconds=2.0,
        played_seconds=2.0,
    )


async def entrypoint(ctx: JobContext) -> None:
    """Say that a call has started and had a turn, and stay until the room is gone."""
    events: EventSink = ctx.proc.userdata["events"]
    call_id, room = ctx.job.id, ctx.room.name
    started_ns = time.monotonic_ns()
    events.emit(CallStarted(call_id, room, started_ns))
    if ctx.job.metadata == LEAVES_A_CHILD and os.fork() == 0:
        time.sleep(600)  # noqa: ASYNC251 - the child has nothing else to do
        os._exit(0)
    await ctx.connect()
    events.emit(turn(call_id, room))
    structlog.get_logger("probe").info(
        "call runs",
        call_id=call_id,
        room=room,
        job_process=os.getpid(),
        metadata=ctx.job.metadata,
        attributes=dict(ctx.job.attributes),
    )

    async def say_goodbye(reason: str) -> None:
        was_told = reason in ("parent process shutdown", TOLD)
        seconds = (time.monotonic_ns() - started_ns) / 1e9
        outcome = CallOutcome.DROPPED if was_told else CallOutcome.COMPLETED
        why = CallReason.WORKER_STOPPED if was_told else CallReason.CALLER_HUNG_UP
        events.emit(CallEnded(call_id, room, outcome, why, seconds))
        events.close()

    ctx.add_shutdown_callback(say_goodbye)
    heeding = asyncio.create_task(heed(events, ctx))
    heeding.add_done_callback(HEEDING.discard)
    HEEDING.add(heeding)


async def heed(events: EventSink, ctx: JobContext) -> None:
    """End when the parent says that calls had their time."""
    if await events.time_is_up():
        ctx.shutdown(TOLD)


def main() -> int:
    """Run the worker as ``callfleet worker`` does."""
    try:
        # Its own name in the processes, too: what is __main__ here is not there.
        from worker_probe import entrypoint as named  # noqa: PLC0415

        run(load(), named)
    except (SettingsError, CannotStartError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
