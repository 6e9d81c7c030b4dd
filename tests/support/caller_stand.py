"""A worker as production starts it, and callers who try its patience, all of them at once."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from call_account import account
from json_lines import objects_in
from worker_stand import (
    HERE,
    START_SECONDS,
    Caller,
    Holdings,
    Worker,
    holdings,
    plan_of,
    until,
)

from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_rehearsal.callers.plan import CallPlan, RunPlan
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import CallRecord
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import worker_environment

CALLS_TOTAL = "callfleet_calls_total{"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who comes into one room, and what is to become of the call in it.

    With ``deleted`` somebody deletes the room once its caller was greeted. ``room_stays`` where
    another is left in it; None where that may be so or not.
    """

    what: str
    callers: tuple[CallPlan, ...]
    outcome: CallOutcome
    reason: CallReason
    deleted: bool = False
    room_stays: bool | None = False

    @property
    def series(self) -> str:
        """The series that the call's end is counted in."""
        return f'{CALLS_TOTAL}outcome="{self.outcome}",reason="{self.reason}"}}'


@dataclass(slots=True)
class Evening:
    """A worker's calls, from the first to the last, and what was seen of them."""

    worker: Worker
    server: LiveKitServer
    emulator: Emulator
    folder: Path
    began_ns: int = field(default_factory=time.monotonic_ns)
    run_id: str = field(default_factory=lambda: uuid4().hex[:6])
    records: dict[int, CallRecord] = field(default_factory=dict)
    rooms_after: dict[str, bool] = field(default_factory=dict)
    before: Holdings | None = None
    after: Holdings | None = None
    metrics: dict[str, float] = field(default_factory=dict)

    async def spend(self, visits: Sequence[Visit]) -> None:
        """Let everybody call, and wait until nothing of it is left, or it will not go."""
        self.before = await self._holdings()
        async with Caller(self.server) as operator, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._close_rooms(operator, visits))
            greeted = {visit.callers[0].call: visit for visit in visits if visit.deleted}

            def tell(event: dict[str, Any]) -> None:
                if event["event"] == "answered" and event["call"] in greeted:
                    room = self.room_of(greeted[event["call"]])
                    tasks.create_task(operator.hang_up(room))

            plan = self._plan(*(call for visit in visits for call in visit.callers))
            self.records = {record.call: record for record in await run(plan, tell)}
        with contextlib.suppress(AssertionError):
            await until(self._holds_no_more, "back to what it held before")
        self.after = await self._holdings()
        self.metrics = await self.worker.metrics()

    def room_of(self, visit: Visit) -> str:
        return self._plan().room_of(visit.callers[0])

    def ends(self, visit: Visit) -> list[tuple[str, str]]:
        """How the log says that a room's call ended, as often as it does."""
        lines = self.worker.logged("call ended", room=self.room_of(visit))
        return [(line["outcome"], line["reason"]) for line in lines]

    def complaints(self, visit: Visit) -> list[str]:
        """What the log says of a call that somebody would have to look into.

        The media engine's own lines are left out: it complains of rooms that are closed to it.
        """
        room = self.room_of(visit)
        lines = [line for line in self.worker.lines() if line.get("room") == room]
        ours = [line for line in lines if line["logger"] != "livekit"]
        told = [line for line in ours if line["level"] not in {"debug", "info"}]
        return [" ".join((line["event"], *line.get("names", ()))) for line in told]

    def model_saw(self, event: str) -> Iterator[dict[str, Any]]:
        """What the model told of these calls."""
        return (told for told in self._model_told() if told["event"] == event)

    def account(self, call: int) -> str:
        """What the caller and the model tell of one call, for whoever reads why a test failed."""
        return account(self.records[call], self._model_told())

    def voices_heard(self) -> set[int]:
        """Whose voices reached the model."""
        return {each["call"] for each in self.model_saw("marker")}

    def turns_heard(self, call: int) -> set[int]:
        """Which turns the model heard to their end in the session that heard this caller's voice.

        Their markers need not be heard: where the machine stands still while callers join, the
        jitter buffer hurries through what they say first.
        """
        sessions = {each["session"] for each in self.model_saw("marker") if each["call"] == call}
        ends = self.model_saw("end_of_turn")
        return {each["turn"] for each in ends if each["session"] in sessions}

    def _model_told(self) -> list[dict[str, Any]]:
        told = objects_in(self.emulator.event_log)
        return [each for each in told if each["at_ns"] >= self.began_ns]

    def _plan(self, *calls: CallPlan) -> RunPlan:
        return plan_of(self.server, self.worker, self.run_id, calls)

    async def _close_rooms(self, operator: Caller, visits: Sequence[Visit]) -> None:
        """Note of each room whether it is there when its call has ended; leave nobody in it."""
        waiting = {self.room_of(visit) for visit in visits}

        async def all_ended() -> bool:
            ended = {line["room"] for line in self.worker.logged("call ended")} & waiting
            standing = await operator.rooms() if ended else []
            for room in ended:
                self.rooms_after[room] = room in standing
                if room in standing:
                    await operator.hang_up(room)
            waiting.difference_update(ended)
            return not waiting

        # Which one does not end is each test's matter.
        with contextlib.suppress(AssertionError):
            await until(all_ended, "all ended")

    async def _holds_no_more(self) -> bool:
        return await self._holdings() == self.before

    async def _holdings(self) -> Holdings:
        return await holdings(self.worker, self.emulator, self.folder)


def start_real_worker(
    children: Children, server: LiveKitServer, emulator: Emulator, slots: int, folder: Path
) -> Worker:
    """Start ``callfleet worker`` with a temporary folder of its own; ready for as many calls."""
    told = worker_environment(os.environ, server, emulator, slots)
    told |= {
        "CALLFLEET_AGENT_NAME": (agent_name := f"agent-{uuid4().hex[:8]}"),
        "CALLFLEET_AGENT_CLASS": "waiting_agent:WaitingAgent",
        "CALLFLEET_HTTP__PORT": "0",
        "PYTHONPATH": os.pathsep.join(path for path in [str(HERE), *sys.path] if path),
        "TMPDIR": str(folder),
    }
    command = [sys.executable, "-m", "callfleet", "worker"]
    worker = Worker(children.start(f"worker-{agent_name}", command, told), agent_name)
    worker.child.wait_until(lambda: bool(worker.logged("ready")), START_SECONDS, "ready")
    return worker
