"""Strike each fault in one call of a worker that is full, and see what the others feel."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import callfleet_tools
from callfleet_rehearsal.bench.contenders import WORKERS
from callfleet_rehearsal.bench.faults.cutter import Cutter
from callfleet_rehearsal.bench.faults.felt import Blow, Result
from callfleet_rehearsal.bench.faults.kinds import (
    STRUCK_TURN,
    TURNS,
    By,
    Fault,
    Mode,
    room_of,
    struck_kinds,
)
from callfleet_rehearsal.bench.faults.striking import Striker
from callfleet_rehearsal.callers.plan import RunPlan
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.stack.emulator import Emulator, start_emulator
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.livekit import LiveKitServer, start_livekit
from callfleet_rehearsal.stack.processes import Child, Children
from callfleet_rehearsal.stack.rehearsal import (
    Model,
    Order,
    Stack,
    Watcher,
    evidence_of,
    place_calls,
)
from callfleet_rehearsal.stack.worker import start_worker

STRUCK_CALL = 0
SPACING_SECONDS = 0.15
LEAK_MB, LIMIT_MB = 500, 450
"""One call leaks more than its process may take, alone or with ten calls in it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is struck: every fault in each of the modes, in every round."""

    faults: tuple[Fault, ...]
    calls: int
    rounds: int
    seed: int = 1
    modes: tuple[Mode, ...] = tuple(Mode)

    def order(self) -> Iterator[tuple[int, Fault, Mode]]:
        """Give each blow, the modes of a fault one after the other."""
        for number in range(self.rounds):
            for fault in self.faults:
                for mode in self.modes:
                    yield number, fault, mode


def run(plan: Plan, folder: Path, say: Callable[[str], None]) -> Iterator[Result]:
    """Strike all blows and give the result of each as soon as it is known.

    Raises:
        StackError: a part of the stack failed; the message has the end of its log.
        ToolError: there is no LiveKit server, and none can be built.

    """
    with Children(folder) as children:
        say("LiveKit server and emulator start")
        server, _ = start_livekit(children, callfleet_tools.find("livekit-server"))
        emulator, _ = start_emulator(children, "ideal", plan.seed)
        with Cutter(server.port) as cutter:
            ring = _Ring(children, server, emulator, cutter, plan)
            for number, fault, mode in plan.order():
                say(f"round {number + 1} of {plan.rounds}: {fault.title}, {mode.value}")
                place = folder / f"{number}-{fault.key}-{mode.value}"
                place.mkdir()
                yield ring.strike(fault, mode, number, place)


@dataclass(frozen=True, slots=True)
class _Ring:
    children: Children
    server: LiveKitServer
    emulator: Emulator
    cutter: Cutter
    plan: Plan

    def strike(self, fault: Fault, mode: Mode, number: int, folder: Path) -> Result:
        """Start a worker, fill it, strike, stop it."""
        passing = replace(self.server, port=self.cutter.port)
        worker, child = start_worker(
            self.children, passing, self.emulator, self.plan.calls, _told(mode)
        )
        hand = _Hand(fault, folder.name, Striker(self.server, self.emulator, self.cutter))
        try:
            stack = Stack(self.children, self.server, self.emulator, worker, child)
            kinds = (self.plan.calls, TURNS, self.plan.seed)
            order = Order(*kinds, Model.EMULATOR, "ideal", SPACING_SECONDS)
            watcher = Watcher(lambda _: None, hand.hear)
            placed = place_calls(order, stack, folder, watcher, hand.revise)
        finally:
            self.children.stop(child)
            child.log = child.log.replace(folder / "worker.log")
        at_ns = hand.struck_ns or _tool_called_ns(self.emulator.event_log, placed.began_ns)
        if at_ns is None:
            message = f"no call came to where {fault.title}: look into the logs in {folder}"
            raise StackError(message)
        blow = Blow(fault.key, mode, number, STRUCK_CALL, at_ns)
        return Result.of(blow, evidence_of(placed, stack), tuple(_ends(child)))


@dataclass(slots=True)
class _Hand:
    """Strikes when the struck caller's turn has come, unless the agent does so itself."""

    fault: Fault
    run_id: str
    striker: Striker
    struck_ns: int | None = field(default=None)

    def revise(self, plan: RunPlan) -> RunPlan:
        """Have all calls take plain turns, and one the turns in which it is struck."""
        plain = (TurnKind.PLAIN,) * TURNS
        calls = [replace(call, kinds=plain) for call in plan.calls]
        room = room_of(self.fault, self.run_id)
        calls[STRUCK_CALL] = replace(calls[STRUCK_CALL], kinds=struck_kinds(self.fault), room=room)
        return replace(plan, calls=tuple(calls))

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take one event of a caller."""
        its_turn = (event.get("event"), event.get("call"), event.get("turn")) == (
            "turn",
            STRUCK_CALL,
            STRUCK_TURN,
        )
        if its_turn and self.fault.by is By.CONTROL:
            self.struck_ns = time.monotonic_ns()
            self.striker.strike(self.fault, room_of(self.fault, self.run_id), STRUCK_CALL)


def _told(mode: Mode) -> dict[str, str]:
    told = {
        "CALLFLEET_AGENT_CLASS": "faulty:FaultyAgent",
        "CALLFLEET_PROCESS_MEMORY_LIMIT_MB": str(LIMIT_MB),
        "BENCH_LEAK_MB": str(LEAK_MB),
        "PYTHONPATH": os.pathsep.join(
            path for path in (str(WORKERS), os.environ.get("PYTHONPATH", "")) if path
        ),
    }
    if mode.calls_per_process is not None:
        told["CALLFLEET_CALLS_PER_PROCESS"] = str(mode.calls_per_process)
    return told


def _tool_called_ns(log: Path, since_ns: int) -> int | None:
    """When the model first called a tool: nobody but the struck call asks for one."""
    for event in _objects(log):
        if event.get("event") == "tool_call" and event["at_ns"] >= since_ns:
            return int(event["at_ns"])
    return None


def _ends(worker: Child) -> Iterator[tuple[str, str]]:
    for line in _objects(worker.log):
        if line.get("event") == "call ended":
            yield line["room"], f"{line['outcome']}/{line['reason']}"


def _objects(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("{"):
                yield json.loads(line)
