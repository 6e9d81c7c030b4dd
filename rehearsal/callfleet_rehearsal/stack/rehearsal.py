"""One rehearsal from start to end: the stack comes up, callers talk, what was seen is collected."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import callfleet_tools
from callfleet_contract.profiles import ModelProfile
from callfleet_rehearsal.callers.plan import CallPlan, Listening, RunPlan
from callfleet_rehearsal.readers import read_calls, read_inside_turns, read_model_turns
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.stack import livekit, worker
from callfleet_rehearsal.stack.callers import start_callers
from callfleet_rehearsal.stack.costs import Meter
from callfleet_rehearsal.stack.emulator import Emulator, start_emulator
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.lines import Lines
from callfleet_rehearsal.stack.ports import LOOPBACK, RELAYED
from callfleet_rehearsal.stack.processes import Child, Children
from callfleet_rehearsal.stack.scenario import turn_kinds
from callfleet_rehearsal.verdict import Evidence

_LOOK_AGAIN_SECONDS = 0.25
_CALL_SETUP_SECONDS = 60.0
_TURN_SECONDS = 30.0


Revise = Callable[[RunPlan], RunPlan]


class Model(StrEnum):
    """Who answers the callers."""

    EMULATOR = "emulator"
    GEMINI = "gemini"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be rehearsed.

    ``weather`` is between the callers and the LiveKit server, ``agents_weather`` between it and
    the worker; with ``echo``, callers' devices send back what they play.
    """

    calls: int
    turns: int
    seed: int
    model: Model
    timing: str
    spacing_seconds: float
    weather: Weather | None = None
    echo: bool = False
    agents_weather: Weather | None = None

    @property
    def profile(self) -> ModelProfile:
        """How fast a model callers have."""
        is_emulated = self.model is Model.EMULATOR
        return ModelProfile(self.timing) if is_emulated else ModelProfile.MEASURED


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how far it is: ``step`` in words, ``call`` for each event of a caller."""

    step: Callable[[str], None]
    call: Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything but the callers, running."""

    children: Children
    server: livekit.LiveKitServer
    emulator: Emulator | None
    worker: worker.Worker
    worker_child: Child


def start_stack(order: Order, children: Children, watcher: Watcher) -> Stack:
    """Start server, model and worker, and wait until calls can be placed.

    Raises:
        StackError: one of them does not start.
        ToolError: there is no LiveKit server, and none can be built.

    """
    program = callfleet_tools.find("livekit-server")
    watcher.step("LiveKit server starts")
    announced = RELAYED if order.agents_weather else LOOPBACK
    server, _ = livekit.start_livekit(children, program, announced)
    emulator = None
    if order.model is Model.EMULATOR:
        watcher.step("Gemini Live emulator starts")
        emulator, _ = start_emulator(children, order.timing, order.seed)
    watcher.step(f"worker starts, with {order.calls} slots")
    running, child = worker.start_worker(children, server, emulator, order.calls)
    return Stack(children, server, emulator, running, child)


def rehearse(
    order: Order, folder: Path, watcher: Watcher, revised: Revise = lambda plan: plan
) -> Evidence:
    """Rehearse once. Nothing that was started is left behind, however it ends.

    ``revised`` may give the callers another plan than the order's own, before they call.

    Raises:
        StackError: a part of the stack failed; the message has the end of its log.
        ToolError: there is no LiveKit server, and none can be built.
        UnreadableError: a part did not write what it should have.

    """
    with Children(folder) as children:
        stack = start_stack(order, children, watcher)
        placed = place_calls(order, stack, folder, watcher, revised)
        watcher.step("the stack stops")
    return evidence_of(placed, stack)


@dataclass(frozen=True, slots=True)
class Placed:
    """Calls that are over: what their callers wrote, and what was measured meanwhile."""

    began_ns: int
    records: Path
    meter: Meter


def place_calls(
    order: Order,
    stack: Stack,
    folder: Path,
    watcher: Watcher,
    revised: Revise = lambda plan: plan,
) -> Placed:
    """Place an order's calls on a stack that runs; what callers write goes into ``folder``.

    Raises:
        StackError: a part of the stack failed; the message has the end of its log.

    """
    began_ns = time.monotonic_ns()
    watcher.step("callers get ready")
    plan = revised(_plan(order, stack, folder.name))
    callers, records = start_callers(stack.children, plan, folder)
    meter = Meter({child.pid: child.role for child in stack.children}, stack.worker_child.pid)
    follow(callers, stack.children, order, Audience(watcher, meter, order))
    stack.children.stop(callers)
    return Placed(began_ns, records, meter)


def evidence_of(placed: Placed, stack: Stack) -> Evidence:
    """Collect what was seen of calls; the worker has told all of it once it has stopped.

    Raises:
        UnreadableError: a part did not write what it should have.

    """
    calls = read_calls(placed.records)
    late = max((call.send_late_p95_seconds for call in calls), default=0.0)
    told = read_model_turns(stack.emulator.event_log) if stack.emulator else ()
    return Evidence(
        calls=calls,
        model_turns=tuple(turn for turn in told if turn.end_of_turn_ns >= placed.began_ns),
        inside_turns=read_inside_turns(stack.worker_child.log),
        costs=placed.meter.costs(),
        machine=placed.meter.machine_state(late),
    )


def call_plans(order: Order) -> tuple[CallPlan, ...]:
    """Say what each caller of an order does."""
    kinds = turn_kinds(order.calls, order.turns, order.seed)
    return tuple(
        CallPlan(
            call,
            kinds[call],
            echo=order.echo,
            start_after_seconds=call * order.spacing_seconds,
        )
        for call in range(order.calls)
    )


def _plan(order: Order, stack: Stack, run_id: str) -> RunPlan:
    media = (LOOPBACK, stack.server.media_port)
    return RunPlan(
        livekit_url=stack.server.url,
        api_key=stack.server.api_key,
        api_secret=stack.server.api_secret,
        agent_name=stack.worker.agent_name,
        run_id=run_id,
        calls=call_plans(order),
        seed=order.seed,
        listening=Listening.MARKERS if stack.emulator else Listening.ENERGY,
        media=media if order.weather or order.agents_weather else None,
        weather=order.weather,
        agents_media=(RELAYED, stack.server.media_port) if order.agents_weather else None,
        agents_weather=order.agents_weather,
    )


class Audience:
    """Takes the callers' events: runs the meter while calls are up, and passes them on.

    Memory is weighed when half of the turns are answered. Where that never comes, what was weighed
    at the first call's end stays.
    """

    def __init__(self, watcher: Watcher, meter: Meter, order: Order) -> None:
        self._watcher = watcher
        self._meter = meter
        self._turns_left_to_weigh = order.calls * order.turns // 2
        self._weighed = False

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        kind = event.get("event")
        if kind == "calling":
            self._watcher.step("callers talk")
        elif kind == "joined":
            self._meter.start()
        elif kind == "ended":
            self._meter.stop()
            if not self._meter.weighed:
                self._meter.weigh()
        elif kind == "turn":
            self._turns_left_to_weigh -= 1
            if self._turns_left_to_weigh <= 0 and not self._weighed:
                self._weighed = True
                self._meter.weigh()
        self._watcher.call(event)


def follow(callers: Child, children: Children, order: Order, audience: Audience) -> None:
    """Hear the callers until they are done, and see that all others live.

    Raises:
        StackError: one of them ended too early, or the callers do not come to an end.

    """
    lines = Lines(callers.process)
    allowed = _CALL_SETUP_SECONDS + order.calls * order.spacing_seconds
    deadline = time.monotonic() + allowed + order.turns * _TURN_SECONDS
    while (batch := lines.wait(_LOOK_AGAIN_SECONDS)) is not None:
        for event in batch:
            audience.hear(event)
        for child in children:
            if child is not callers:
                child.check()
        if time.monotonic() > deadline:
            raise StackError(callers.complaint("did not come to an end"))
    code = callers.process.wait()
    if code != 0:
        raise StackError(callers.complaint(f"failed with exit code {code}"))
