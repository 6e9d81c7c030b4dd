"""Place a rehearsal's calls to agents in the test's own process, many in one evening."""

import asyncio
import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from answerer import Answerer

from callfleet_rehearsal.callers.opus import PACKET_SECONDS
from callfleet_rehearsal.callers.plan import CallPlan, RunPlan
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import CallRecord, TurnRecord
from callfleet_rehearsal.precedence import precedence
from callfleet_rehearsal.stack.livekit import LiveKitServer

TOO_LATE_MS = 120
IN_ROOM_SECONDS = 60
"""Longer than a join may take: where it fails, it is to say why."""


@dataclass
class Placed:
    """Calls that were placed: what callers saw beside what their agents know, by call's number."""

    records: dict[int, CallRecord] = field(default_factory=dict)
    agents: dict[int, Answerer] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    failure: Exception | None = None
    late_seconds: float = 0.0

    def call(self, number: int) -> CallRecord:
        """What one caller saw."""
        if self.failure is not None:
            raise self.failure
        return self.records[number]

    def calls(self, numbers: Iterable[int]) -> list[CallRecord]:
        """What some callers saw."""
        return [self.call(number) for number in numbers]


def unless_too_busy(test: Callable[..., None]) -> Callable[..., None]:
    """Skip a test that failed where the machine kept the agents from speaking in time."""

    @functools.wraps(test)
    def wrapped(**named: Any) -> None:
        try:
            test(**named)
        except (AssertionError, ValueError, ConnectionError):
            placed = (one for one in named.values() if isinstance(one, Placed))
            late_ms = round(1000 * max((one.late_seconds for one in placed), default=0.0))
            if late_ms > TOO_LATE_MS:
                pytest.skip(f"the machine is too busy: the agents were {late_ms} ms late")
            raise

    return wrapped


def spend(*evenings: tuple[RunPlan, list[Answerer]]) -> list[Placed]:
    """Place the calls of all plans at the same time, each to its agent."""

    async def together() -> list[Placed]:
        # Once for all: the first of several runs that ends would take it from the others.
        with precedence():
            return await asyncio.gather(*(_placed(*one) for one in evenings))

    return asyncio.run(together())


async def _placed(plan: RunPlan, agents: list[Answerer]) -> Placed:
    placed = Placed(agents={one.call: one for one in agents})
    try:
        async with answered(placed):
            records = await run(plan, placed.told.append)
    except (AssertionError, ConnectionError) as failure:
        placed.failure = failure
        return placed
    placed.records = {record.call: record for record in records}
    return placed


@contextlib.asynccontextmanager
async def answered(placed: Placed) -> AsyncIterator[None]:
    """Have the agents in their rooms before anybody calls."""
    agents = list(placed.agents.values())
    readies = [asyncio.Event() for _ in agents]
    tasks = [
        asyncio.create_task(one.run(ready)) for one, ready in zip(agents, readies, strict=True)
    ]
    try:
        async with _lateness_noted(placed):
            for task, ready in zip(tasks, readies, strict=True):
                await _in_time(task, ready)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        placed.late_seconds = max(placed.late_seconds, *(one.latest_seconds for one in agents))


@contextlib.asynccontextmanager
async def _lateness_noted(placed: Placed) -> AsyncIterator[None]:
    """Note how late the machine wakes this process in the block."""

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PACKET_SECONDS
            await asyncio.sleep(PACKET_SECONDS)
            placed.late_seconds = max(placed.late_seconds, loop.time() - due)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


async def _in_time(answering: asyncio.Task[None], ready: asyncio.Event) -> None:
    """Wait until an agent is in its room; where it failed to come, say why."""
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait(
        (answering, waiting), timeout=IN_ROOM_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    waiting.cancel()
    if answering.done():
        answering.result()
    assert ready.is_set(), f"the agent did not get into its room within {IN_ROOM_SECONDS} s"


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


def with_agents(
    server: LiveKitServer, *calls: CallPlan, **more: Any
) -> tuple[RunPlan, list[Answerer]]:
    """Plan calls, with an agent for each."""
    plan = plan_of(server, *calls, **more)
    return plan, [Answerer(server, plan.room_of(call), call.call) for call in calls]


def reply_of(turn: TurnRecord) -> tuple[int, int]:
    """When this turn's own reply arrived and was played."""
    (own,) = [one for one in turn.heard if (one.call, one.turn) == (turn.call, turn.turn)]
    return own.at_ns, own.played_at_ns
