"""Run the bench: server and model stay, workers come and go, round by round in turn."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import callfleet_tools
from callfleet_rehearsal.bench import contenders, duration
from callfleet_rehearsal.bench.cell import Cell, Idle
from callfleet_rehearsal.bench.contenders import Contender
from callfleet_rehearsal.bench.switches import Switches
from callfleet_rehearsal.callers.plan import RunPlan
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.readers import UnreadableError
from callfleet_rehearsal.stack import livekit, procfs
from callfleet_rehearsal.stack.emulator import Emulator, start_emulator
from callfleet_rehearsal.stack.errors import StackError, in_short
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
    """What is run: every contender at every number of calls, in every round.

    Each call takes the first ``turns`` of ``KINDS``.
    """

    contenders: tuple[Contender, ...]
    calls: tuple[int, ...]
    rounds: int
    seed: int = 1
    turns: int = len(KINDS)

    @property
    def kinds(self) -> tuple[TurnKind, ...]:
        """The turns of each call."""
        return KINDS[: self.turns]

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
    """Run all cells and give each as soon as it is measured; one that breaks is given as broken.

    Raises:
        StackError: server or model failed; the message has the end of its log.
        ToolError: there is no LiveKit server, and none can be built.

    """
    with Children(folder) as children:
        say("LiveKit server and emulator start")
        server, server_child = livekit.start_livekit(
            children, callfleet_tools.find("livekit-server")
        )
        emulator, emulator_child = start_emulator(children, "ideal", plan.seed)
        ground = (server_child, emulator_child)
        bench = _Bench(children, server, emulator, ground, plan)
        order, began = tuple(plan.order()), time.monotonic()
        for index, (number, calls, contender) in enumerate(order):
            done, to_come = ([one[1] for one in part] for part in (order[:index], order[index:]))
            left = duration.left_seconds(done, time.monotonic() - began, to_come, plan.turns)
            say(
                f"round {number + 1} of {plan.rounds}: {calls} calls to {contender.title}; "
                f"{duration.minutes(left)} left"
            )
            place = folder / f"{number}-{calls}-{contender.key}"
            place.mkdir()
            cell = bench.measure(contender, number, calls, place)
            if cell.broken:
                say(f"  that run broke: {cell.broken}")
            yield cell


@dataclass(frozen=True, slots=True)
class _Bench:
    """What stays while workers come and go: ``ground`` are its two processes."""

    children: Children
    server: LiveKitServer
    emulator: Emulator
    ground: tuple[Child, Child]
    plan: Plan

    def measure(self, contender: Contender, number: int, calls: int, folder: Path) -> Cell:
        """Measure one cell. A contender that breaks is a result; a bench that does is none.

        Raises:
            StackError: server or model failed.

        """
        due = (calls, self.plan.turns)
        try:
            return self._measured(contender, number, calls, folder)
        except (StackError, UnreadableError) as error:
            for child in self.ground:
                child.check()
            return Cell.of_broken(contender.key, number, due, in_short(error))

    def _measured(self, contender: Contender, number: int, calls: int, folder: Path) -> Cell:
        """Start a contender, let it rest, place calls, stop it."""
        try:
            worker, child = contenders.start(
                contender, self.children, self.server, self.emulator, calls
            )
            time.sleep(SETTLE_SECONDS)
            idle = _idle(child)
            stack = Stack(self.children, self.server, self.emulator, worker, child)
            turns, seed = self.plan.turns, self.plan.seed
            order = Order(calls, turns, seed, Model.EMULATOR, "ideal", SPACING_SECONDS)
            switches = Switches(self.children, child, calls, turns)
            watcher = Watcher(lambda _: None, switches.hear)
            placed = place_calls(order, stack, folder, watcher, self._same_turns)
        finally:
            self._clear(folder)
        child.log = folder / child.log.name
        evidence = evidence_of(placed, stack)
        cell = Cell.of(contender.key, number, (calls, self.plan.turns), evidence)
        return replace(cell, idle=idle, context_switches_per_call_second=switches.per_call_second)

    def _same_turns(self, plan: RunPlan) -> RunPlan:
        """Have all calls take the same turns: contenders differ, callers do not."""
        calls = tuple(replace(call, kinds=self.plan.kinds) for call in plan.calls)
        return replace(plan, calls=calls)

    def _clear(self, folder: Path) -> None:
        """Stop whatever is not the ground, and put its logs where they belong."""
        for child in self.children:
            if child not in self.ground:
                self.children.stop(child)
        for log in (self.children.folder / "worker.log", self.children.folder / "callers.log"):
            if log.exists():
                log.replace(folder / log.name)


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
