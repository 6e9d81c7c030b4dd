"""Place a rehearsal's calls to an agent in the test's own process."""

import asyncio
import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from answerer import Answerer

from callfleet_rehearsal.callers.plan import (
    CallPlan,
    RunPlan,
)
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import CallRecord, TurnRecord
from callfleet_rehearsal.stack.livekit import LiveKitServer

TOO_LATE_MS = 120


latest_seconds: list[float] = []


def unless_too_busy(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Skip a test that failed where the machine kept the agent from speaking in time."""

    @functools.wraps(test)
    async def wrapped(*arguments: Any, **named: Any) -> None:
        latest_seconds.clear()
        try:
            await test(*arguments, **named)
        except (AssertionError, ValueError):
            late_ms = round(1000 * max(latest_seconds, default=0.0))
            if late_ms > TOO_LATE_MS:
                pytest.skip(f"the machine is too busy: the agent spoke {late_ms} ms late")
            raise

    return wrapped


@contextlib.asynccontextmanager
async def answered(*answerers: Answerer) -> AsyncIterator[None]:
    """Have the agents in their rooms before anybody calls."""
    readies = [asyncio.Event() for _ in answerers]
    tasks = [
        asyncio.create_task(one.run(ready)) for one, ready in zip(answerers, readies, strict=True)
    ]
    try:
        for task, ready in zip(tasks, readies, strict=True):
            await _in_time(task, ready)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        latest_seconds.append(max(one.latest_seconds for one in answerers))


async def _in_time(answering: asyncio.Task[None], ready: asyncio.Event) -> None:
    """Wait until an agent is in its room; where it failed to come, say why."""
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((answering, waiting), timeout=20, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if answering.done():
        answering.result()
    assert ready.is_set(), "the agent did not get into its room within 20 s"


def plan_of(server: LiveKitServer, *calls: CallPlan, **more: Any) -> RunPlan:
    return RunPlan(
        livekit_url=server.url,
        api_key=server.api_key,
        api_secret=server.api_secret,
        agent_name="",
        run_id=secrets.token_hex(3),
        calls=calls,
        **more,
    )


async def place_all(
    server: LiveKitServer, *calls: CallPlan, **more: Any
) -> tuple[list[CallRecord], list[Answerer]]:
    """Place calls to answerers, and give what callers saw beside what the agents know."""
    plan = plan_of(server, *calls, **more)
    answerers = [Answerer(server, plan.room_of(call), call.call) for call in calls]
    async with answered(*answerers):
        records = await run(plan, lambda _: None)
    return records, answerers


async def place(server: LiveKitServer, call: CallPlan, **more: Any) -> tuple[CallRecord, Answerer]:
    """Place one call."""
    (record,), (answerer,) = await place_all(server, call, **more)
    return record, answerer


def reply_of(turn: TurnRecord) -> tuple[int, int]:
    """When this turn's own reply arrived and was played."""
    (own,) = [one for one in turn.heard if (one.call, one.turn) == (turn.call, turn.turn)]
    return own.at_ns, own.played_at_ns
