"""Place calls, look into the processes that they are in, and add up what was seen."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callfleet_rehearsal.profile.figures import (
    Row,
    Standstill,
    ThreadTimes,
    by_function,
    by_part,
    by_thread,
    standstills,
    with_callees,
)
from callfleet_rehearsal.profile.flame import flame_graph
from callfleet_rehearsal.profile.sampler import Sampler, find_py_spy, try_to_look
from callfleet_rehearsal.profile.stacks import (
    Stack,
    called,
    collapsed,
    parse_collapsed,
    parse_trace,
)
from callfleet_rehearsal.stack import procfs
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.rehearsal import Model, Order, Watcher, place_calls, start_stack

STEADY_RATE, JOIN_RATE = 100, 250
SETTLE_SECONDS = 3.0
"""After the last greeting: its end, and what the framework does once a call."""
JOIN_TAIL_SECONDS = 0.5
_WARM_UP_SECONDS = 1.0
"""Until py-spy has found its way through a process."""
_JOINED_SECONDS = 120.0
_SHORTEST_TURN_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is looked at: ``seconds`` of so many calls, or with ``join`` only how they begin."""

    calls: int
    seconds: float
    join: bool
    seed: int
    spacing_seconds: float

    def order(self) -> Order:
        """Give calls that last longer than they are looked at."""
        looked_at = 0.0 if self.join else self.seconds
        turns = max(2, math.ceil((looked_at + SETTLE_SECONDS) / _SHORTEST_TURN_SECONDS))
        return Order(self.calls, turns, self.seed, Model.EMULATOR, "ideal", self.spacing_seconds)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen. ``call_minutes`` is what its seconds are of; a burst counts as one."""

    call_minutes: float
    seconds: float
    threads: list[Row]
    stacks: Mapping[Stack, float]
    standstills: list[Standstill] = field(default_factory=list)

    @property
    def parts(self) -> list[Row]:
        """Self time by whose code it is."""
        return by_part(self.stacks)

    @property
    def functions(self) -> list[Row]:
        """Self time by function."""
        return by_function(self.stacks)

    @property
    def ours(self) -> list[Row]:
        """Time of our functions with all that they call."""
        return with_callees(self.stacks)


class _SeenEnough(Exception):  # noqa: N818 - no error: the calls may end now
    """What was to be seen was seen."""


def run(plan: Plan, folder: Path, watcher: Watcher) -> Seen:
    """Place calls and look; what was seen is also written into ``folder``.

    Raises:
        SamplerError: py-spy is missing, or may not look.
        StackError: a part of the stack failed; the message has the end of its log.
        ToolError: there is no LiveKit server, and none can be built.

    """
    program = find_py_spy()
    with Children(folder) as children, ThreadPoolExecutor(1) as beside:
        stack = start_stack(plan.order(), children, watcher)
        pids = call_processes(procfs.processes(), stack.worker_child.pid)
        for pid in pids:
            try_to_look(program, pid)
        look = _Look(plan, program, pids, folder, watcher.step)
        looking = beside.submit(look.join if plan.join else look.steady)
        try:
            place_calls(
                plan.order(), stack, folder, _Audience(plan, look, looking, watcher).watcher
            )
        except _SeenEnough:
            watcher.step("the stack stops")
        finally:
            look.over.set()
        seen = looking.result()
    _write(seen, folder, plan)
    return seen


def call_processes(stats: Iterable[procfs.ProcessStat], worker: int) -> list[int]:
    """Find the processes that calls are in: a worker's grandchildren, forked by its fork server.

    Raises:
        StackError: there are none.

    """
    known = list(stats)
    children = {stat.pid for stat in known if stat.parent == worker}
    found = [stat.pid for stat in known if stat.parent in children and stat.alive]
    if not found:
        message = f"worker {worker} has started no process for calls; is it of this version?"
        raise StackError(message)
    return found


class _Look:
    """Looks in a thread of its own, when it is told how far the calls are."""

    def __init__(
        self, plan: Plan, program: Path, pids: list[int], folder: Path, say: Callable[[str], None]
    ) -> None:
        self._plan, self._program, self._pids, self._folder = plan, program, pids, folder
        self._say = say
        self.all_joined = threading.Event()
        self.over = threading.Event()
        """Calls have ended, or something broke: there is no more to be seen."""

    def steady(self) -> Seen:
        """Look at calls that talk."""
        self._wait_for_joins()
        self.over.wait(SETTLE_SECONDS)
        self._say(f"looks into {len(self._pids)} process(es) for {self._plan.seconds:g} s")
        samplers = self._samplers(STEADY_RATE, timed=False)
        try:
            self.over.wait(_WARM_UP_SECONDS)
            before, began = self._threads(), time.monotonic()
            self.over.wait(self._plan.seconds)
            after, seconds = self._threads(), time.monotonic() - began
            files = [sampler.stop() for sampler in samplers]
        finally:
            _cancel(samplers)
        stacks: dict[Stack, float] = {}
        for file in files:
            text = file.read_text(encoding="utf-8")
            _add(stacks, parse_collapsed(text, STEADY_RATE))
        minutes = self._plan.calls * seconds / 60
        return Seen(minutes, seconds, by_thread(before, after), stacks)

    def join(self) -> Seen:
        """Look from before the first call to just after the last greeting."""
        samplers = self._samplers(JOIN_RATE, timed=True)
        try:
            before, began = self._threads(), time.monotonic()
            self._wait_for_joins()
            self.over.wait(JOIN_TAIL_SECONDS)
            after, seconds = self._threads(), time.monotonic() - began
            files = [sampler.stop() for sampler in samplers]
        finally:
            _cancel(samplers)
        stacks: dict[Stack, float] = {}
        stood: list[Standstill] = []
        for file in files:
            stretches = list(parse_trace(json.loads(file.read_text(encoding="utf-8"))))
            _add(stacks, called(stretches))
            stood += standstills(stretches)
        stood.sort(key=lambda one: -one.seconds)
        return Seen(1.0, seconds, by_thread(before, after), stacks, stood)

    def _wait_for_joins(self) -> None:
        ends = time.monotonic() + _JOINED_SECONDS + self._plan.calls * self._plan.spacing_seconds
        while not self.all_joined.wait(0.1):
            if self.over.is_set() or time.monotonic() > ends:
                message = "not every call got a greeting, so there is nothing to look at"
                raise StackError(message)

    def _samplers(self, rate: int, *, timed: bool) -> list[Sampler]:
        ending = "json" if timed else "raw"
        return [
            Sampler(self._program, pid, self._folder / f"{pid}.{ending}", rate=rate, timed=timed)
            for pid in self._pids
        ]

    def _threads(self) -> ThreadTimes:
        found: dict[tuple[int, int], tuple[str, float]] = {}
        for pid in self._pids:
            found |= procfs.threads(pid)
        return found


class _Audience:
    """Hears the callers: says when all have been greeted, and ends calls that were seen enough."""

    def __init__(self, plan: Plan, look: _Look, looking: "Future[Seen]", watcher: Watcher) -> None:
        self._look, self._looking, self._told = look, looking, watcher
        self._missing = plan.calls
        self.watcher = Watcher(watcher.step, self._hear)

    def _hear(self, event: Mapping[str, Any]) -> None:
        self._told.call(event)
        kind = event.get("event")
        if kind == "answered":
            self._missing -= 1
            if self._missing == 0:
                self._look.all_joined.set()
        elif kind == "ended":
            self._look.over.set()
        if self._looking.done():
            raise _SeenEnough


def _cancel(samplers: list[Sampler]) -> None:
    for sampler in samplers:
        sampler.cancel()


def _add(to: dict[Stack, float], more: Mapping[Stack, float]) -> None:
    for stack, seconds in more.items():
        to[stack] = to.get(stack, 0.0) + seconds


def _write(seen: Seen, folder: Path, plan: Plan) -> None:
    what = f"{plan.calls} calls begin" if plan.join else f"{plan.calls} calls talk"
    heading = f"{what}: {seen.seconds:.0f} s, Python in the processes of calls"
    (folder / "flame.svg").write_text(flame_graph(seen.stacks, heading), encoding="utf-8")
    (folder / "stacks.txt").write_text(collapsed(seen.stacks), encoding="utf-8")
