"""A worker in whose calls faults strike, with callers who talk meanwhile and tell what they hear.

Two waves call one worker: in the first each fault strikes one call, all at about the same time; in
the second a tool holds the loop up, and then a process is killed.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from call_account import account
from json_lines import objects_in
from worker_stand import START_SECONDS, Holdings, Worker, holdings, plan_of, until

from callfleet_rehearsal.bench.contenders import WORKERS
from callfleet_rehearsal.bench.faults.cutter import Cutter
from callfleet_rehearsal.bench.faults.kinds import BY_KEY, By, Mode, room_of
from callfleet_rehearsal.bench.faults.striking import Striker
from callfleet_rehearsal.callers.plan import CallPlan
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import CallRecord, Party, TurnKind
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import worker_environment

SLOTS = 12
LEAK_MB, LIMIT_MB = 500, 450
SPACING_SECONDS = {Mode.SHARED: 0.2, Mode.APART: 2.5}
"""Apart, eight processes that begin at once take more than two cores have."""
SECOND_WAVE_SECONDS = {Mode.SHARED: 16.0, Mode.APART: 22.0}
"""Shared, the process that leaked has to be replaced first, which takes no new calls."""
COMES_WHILE_BLOCKED = 15
LATE_SECONDS, KILL_SECONDS = 7.0, 17.0
"""After the second wave's first calls: while the loop is held up, and when that is over."""
FIRST = ("raise", "cancel", "leak", "terminate", "stall", "signal")
CALLS = {key: number for number, key in enumerate((*FIRST, "block", "kill"), start=1)}
NEIGHBOURS, LATER_NEIGHBOURS = (11, 12), (13, 14)
_AFTER_NS = 300_000_000
"""Sound that was on its way when its sender died is over by then."""


def kinds_of(key: str) -> tuple[TurnKind, ...]:
    first = TurnKind.TOOL if BY_KEY[key].by is By.TOOL else TurnKind.PLAIN
    return (first,) if key == "block" else (first, TurnKind.PLAIN)


def plans(mode: Mode, run_id: str) -> Iterator[CallPlan]:
    """What all callers do; a wave's calls begin a little apart, as calls do."""
    for number, key in enumerate(FIRST):
        yield _struck(key, run_id, SPACING_SECONDS[mode] * number)
    for call in NEIGHBOURS:
        yield _neighbour(call, 3, run_id, 0.0)
    second = SECOND_WAVE_SECONDS[mode]
    yield _struck("block", run_id, second)
    yield _struck("kill", run_id, second + KILL_SECONDS)
    yield _neighbour(COMES_WHILE_BLOCKED, 1, run_id, second + LATE_SECONDS)
    for call in LATER_NEIGHBOURS:
        yield _neighbour(call, 6, run_id, second)


def _struck(key: str, run_id: str, seconds: float) -> CallPlan:
    room = room_of(BY_KEY[key], run_id)
    return CallPlan(CALLS[key], kinds_of(key), room, start_after_seconds=seconds)


def _neighbour(call: int, turns: int, run_id: str, seconds: float) -> CallPlan:
    kinds = (TurnKind.PLAIN,) * turns
    return CallPlan(call, kinds, f"near-{call}-{run_id}", start_after_seconds=seconds)


@dataclass(slots=True)
class Ordeal:
    """One worker's hour of faults, and what was seen of it."""

    mode: Mode
    worker: Worker
    server: LiveKitServer
    emulator: Emulator
    cutter: Cutter
    run_id: str = field(default_factory=lambda: uuid4().hex[:6])
    records: dict[int, CallRecord] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    before: Holdings | None = None
    after: Holdings | None = None

    async def suffer(self) -> None:
        """Let everybody call, strike, and wait until nothing of it is left, or it will not go."""
        self.before = await self._holdings()
        struck = {CALLS[key]: BY_KEY[key] for key in FIRST if BY_KEY[key].by is By.CONTROL}
        striker = Striker(self.server, self.emulator, self.cutter)
        async with asyncio.TaskGroup() as strikes:

            def tell(event: dict[str, Any]) -> None:
                fault = struck.get(event.get("call", -1))
                if fault is not None and event["event"] == "turn":
                    del struck[event["call"]]
                    room = room_of(fault, self.run_id)
                    strike = asyncio.to_thread(striker.strike, fault, room, event["call"])
                    strikes.create_task(strike)

            calls = tuple(plans(self.mode, self.run_id))
            plan = plan_of(self.server, self.worker, self.run_id, calls)
            self.records = {record.call: record for record in await run(plan, tell)}

        async def as_before() -> bool:
            return await self._holdings() == self.before

        with contextlib.suppress(AssertionError):
            await until(as_before, "back to what it held before")
        self.after = await self._holdings()
        self.metrics = await self.worker.metrics()

    def ends(self, key: str) -> list[tuple[str, str]]:
        """How the log says that the struck call ended, as often as it does."""
        lines = self.worker.logged("call ended", room=room_of(BY_KEY[key], self.run_id))
        return [(line["outcome"], line["reason"]) for line in lines]

    def killed_ns(self) -> int:
        """When the process was killed: its tool did that as soon as it was called."""
        calls = {each["session"]: each["call"] for each in self.model_saw("marker")}
        (struck,) = (
            each["at_ns"]
            for each in self.model_saw("tool_call")
            if calls.get(each["session"]) == CALLS["kill"]
        )
        return int(struck)

    def answered(self, call: int) -> list[int]:
        """In which turns a caller heard the reply to it, and not another call's."""
        record = self.records[call]
        return [
            turn.turn
            for turn in record.turns
            if any((one.call, one.turn) == (call, turn.turn) for one in turn.heard)
        ]

    def model_saw(self, event: str) -> Iterator[dict[str, Any]]:
        """What the model told, of whatever call."""
        return (told for told in self._model_told() if told["event"] == event)

    def account(self, call: int) -> str:
        """What the caller and the model tell of one call, for whoever reads why a test failed."""
        return account(self.records[call], self._model_told())

    def heard_again_seconds(self, call: int, since_ns: int) -> float | None:
        """How long after an instant a caller heard the agent begin to speak."""
        begun = (
            one.start_ns
            for one in self.records[call].segments
            if one.party is Party.AGENT and one.start_ns > since_ns + _AFTER_NS
        )
        return next(((at_ns - since_ns) / 1e9 for at_ns in begun), None)

    def _model_told(self) -> list[dict[str, Any]]:
        return objects_in(self.emulator.event_log)

    async def _holdings(self) -> Holdings:
        return await holdings(self.worker, self.emulator)


def start_faulty_worker(
    children: Children,
    server: LiveKitServer,
    emulator: Emulator,
    mode: Mode,
    folder: Path,
) -> Worker:
    """Start a worker with the agent that misbehaves in the calls whose rooms say so."""
    told = worker_environment(os.environ, server, emulator, SLOTS)
    told |= {
        "CALLFLEET_AGENT_NAME": (agent_name := f"agent-{uuid4().hex[:8]}"),
        "CALLFLEET_AGENT_CLASS": "faulty:FaultyAgent",
        "CALLFLEET_CALLS_PER_PROCESS": str(mode.calls_per_process or SLOTS),
        "CALLFLEET_PROCESS_MEMORY_LIMIT_MB": str(LIMIT_MB),
        "CALLFLEET_HTTP__PORT": "0",
        "BENCH_LEAK_MB": str(LEAK_MB),
        "PYTHONPATH": os.pathsep.join(path for path in [str(WORKERS), *sys.path] if path),
        "TMPDIR": str(folder),
    }
    command = [sys.executable, "-m", "callfleet", "worker"]
    worker = Worker(children.start(f"worker-{agent_name}", command, told), agent_name)
    worker.child.wait_until(lambda: bool(worker.logged("ready")), START_SECONDS, "ready")
    return worker


def through(cutter: Cutter, server: LiveKitServer) -> LiveKitServer:
    """The same server, as those see it who have to pass the cutter."""
    return replace(server, port=cutter.port)
