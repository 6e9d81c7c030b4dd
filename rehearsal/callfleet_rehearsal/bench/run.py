"""Run the bench: server and model stay, workers come and go, round by round in turn."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import callfleet_tools
from callfleet_rehearsal.bench import contenders
from callfleet_rehearsal.bench.contenders import Contender
from callfleet_rehearsal.bench.figures import Cell, Idle
from callfleet_rehearsal.callers.plan import RunPlan
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.stack import livekit, procfs
from callfleet_rehearsal.stack.emulator import Emulator, start_emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Child, Children
from callfleet_rehearsal.stack.rehearsal import (
    Model,
    Order,
    Stack,
    Watcher,
    evidence_of,
    place_calls,
)

KINDS = (TurnKind.BARGE_IN, TurnKind.PLAIN, TurnKind.PAUSE, TurnKind.PLAIN, TurnKind.PLAIN)
SETTLE_SECONDS = 5.0
"""Longer than the framework's own start-up work: what is measured is a worker at rest."""
IDLE_SECONDS = 5.0
SPACING_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run: every contender at every number of calls, in every round."""

    contenders: tuple[Contender, ...]
    calls: tuple[int, ...]
    rounds: int
    seed: int = 1

    def order(self) -> Iterator[tuple[int, int, Contender]]:
        """Give round, calls and contender of each cell.

        Each round begins with another contender, so that none always follows the same one.
        """
        for number in range(self.rounds):
            for calls in self.calls:
                shift = number % len(self.contenders)
                for contender in self.contenders[shift:] + self.contenders[:shift]:
                    yield number, calls, contender


def run(plan: Plan, folder: Path, say: Callable[[str], None]) -> Iterator[Cell]:
    """Run all cells and give each as soon as it is measured.

    Raises:
        StackError: a part of the stack failed; the message has the end of its log.
        ToolError: there is no LiveKit server, and none can be built.

    """
    with Children(folder) as children:
        say("LiveKit server and emulator start")
        server, _ = livekit.start_livekit(children, callfleet_tools.find("livekit-server"))
        emulator, _ = start_emulator(children, "ideal", plan.seed)
        for number, calls, contender in plan.order():
            say(f"round {number + 1} of {plan.rounds}: {calls} calls to {contender.title}")
            place = folder / f"{number}-{calls}-{contender.key}"
            place.mkdir()
            bench = _Bench(children, server, emulator, plan.seed)
            yield bench.measure(contender, number, calls, place)


@dataclass(frozen=True, slots=True)
class _Bench:
    children: Children
    server: LiveKitServer
    emulator: Emulator
    seed: int

    def measure(self, contender: Contender, number: int, calls: int, folder: Path) -> Cell:
        """Start a contender, let it rest, place calls, stop it."""
        worker, child = contenders.start(
            contender, self.children, self.server, self.emulator, calls
        )
        try:
            time.sleep(SETTLE_SECONDS)
            idle = _idle(child)
            stack = Stack(self.children, self.server, self.emulator, worker, child)
            order = Order(calls, len(KINDS), self.seed, Model.EMULATOR, "ideal", SPACING_SECONDS)
            switches = _Switches(child, calls)
            placed = place_calls(
                order, stack, folder, Watcher(lambda _: None, switches.hear), _same_turns
            )
        finally:
            self.children.stop(child)
            child.log = child.log.replace(folder / "worker.log")
        cell = Cell.of(contender.key, number, calls, evidence_of(placed, stack))
        return replace(cell, idle=idle, context_switches_per_call_second=switches.per_call_second)


class _Switches:
    """Counts how often a worker's threads were switched, while all calls talk."""

    def __init__(self, child: Child, calls: int) -> None:
        self._child, self._calls = child, calls
        self._ends_at = calls * len(KINDS) // 2
        self._turns = 0
        self._began: tuple[float, int] | None = None
        self.per_call_second = 0.0

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take one event of a caller."""
        if event.get("event") != "turn":
            return
        self._turns += 1
        if self._turns == 1:
            self._began = self._read()
        elif self._turns == self._ends_at and self._began is not None:
            at, count = self._read()
            seconds = (at - self._began[0]) * self._calls
            self.per_call_second = (count - self._began[1]) / seconds

    def _read(self) -> tuple[float, int]:
        counts = (procfs.context_switches(stat.pid) for stat in _of(self._child))
        return time.monotonic(), sum(counts)


def _same_turns(plan: RunPlan) -> RunPlan:
    """Have all calls take the same turns: contenders differ, callers do not."""
    return replace(plan, calls=tuple(replace(call, kinds=KINDS) for call in plan.calls))


def _idle(child: Child) -> Idle:
    """Watch a worker that has no call."""
    before = _cpu_seconds(child)
    time.sleep(IDLE_SECONDS)
    cores = (_cpu_seconds(child) - before) / IDLE_SECONDS
    pss = sum(procfs.memory_bytes(stat.pid) for stat in _of(child))
    return Idle(cores=cores, pss_bytes=pss)


def _of(child: Child) -> list[procfs.ProcessStat]:
    return [stat for stat in procfs.processes() if stat.session == child.pid]


def _cpu_seconds(child: Child) -> float:
    return sum(stat.own_seconds + stat.ended_children_seconds for stat in _of(child))
