"""Try one number of calls, on a stack of its own, with any worker."""

import re
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import callfleet_tools
from callfleet_contract.metrics import EVENT_LOOP_BLOCKED_SECONDS
from callfleet_rehearsal.callers.plan import RunPlan
from callfleet_rehearsal.capacity.search import Step
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.judge import judge, untested_by
from callfleet_rehearsal.stack import livekit
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
from callfleet_rehearsal.stack.worker import Worker, start_worker
from callfleet_rehearsal.verdict import Evidence, Outcome, Verdict

SPACING_SECONDS = 0.2
_HELD = {Outcome.PASS: True, Outcome.FAIL: False, Outcome.INCONCLUSIVE: None}
_QUIET = Watcher(step=lambda _: None, call=lambda _: None)


Start = Callable[[Children, LiveKitServer, Emulator, int], tuple[Worker, Child]]
"""Starts a worker with so many slots and waits until calls can be placed."""


Kinds = tuple[tuple[TurnKind, ...], ...]


@dataclass(frozen=True, slots=True)
class Manner:
    """How calls are placed, whatever their number.

    ``kinds_of`` gives the turns of each of so many calls. ``start`` None is this fleet's own
    worker.
    """

    kinds_of: Callable[[int], Kinds]
    seed: int
    start: Start | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """One run, judged; for ``stalled_seconds`` event loops of calls stood still, in all."""

    step: Step
    verdict: Verdict
    evidence: Evidence
    stalled_seconds: float


def try_calls(calls: int, manner: Manner, folder: Path) -> Tried:
    """Place so many calls at once, in a new folder, and judge them by the objectives.

    Raises:
        StackError: a part of the stack failed; the message has the end of its log.
        ToolError: there is no LiveKit server, and none can be built.
        UnreadableError: a part did not write what it should have.

    """
    kinds = manner.kinds_of(calls)
    turns = max(map(len, kinds))
    order = Order(calls, turns, manner.seed, Model.EMULATOR, "ideal", SPACING_SECONDS)
    folder.mkdir(parents=True)
    with Children(folder) as children:
        program = callfleet_tools.find("livekit-server")
        server, _ = livekit.start_livekit(children, program)
        emulator, _ = start_emulator(children, order.timing, order.seed)
        worker, child = (manner.start or start_worker)(children, server, emulator, calls)
        stack = Stack(children, server, emulator, worker, child)
        placed = place_calls(order, stack, folder, _QUIET, lambda plan: _with(plan, kinds))
        stalled = 0.0 if manner.start else _stalled_seconds(worker.http_url)
    evidence = evidence_of(placed, stack)
    verdict = judge(evidence, untested=untested_by(kind for call in kinds for kind in call))
    return Tried(Step(calls, _HELD[verdict.outcome]), verdict, evidence, stalled)


def _with(plan: RunPlan, kinds: Kinds) -> RunPlan:
    told = zip(plan.calls, kinds, strict=True)
    return replace(plan, calls=tuple(replace(call, kinds=own) for call, own in told))


def _stalled_seconds(http_url: str) -> float:
    """Ask the worker how long its loops stood still, all of them together."""
    with urllib.request.urlopen(f"{http_url}/metrics", timeout=5) as answer:  # noqa: S310 - our own
        text = answer.read().decode()
    name = f"callfleet_{EVENT_LOOP_BLOCKED_SECONDS.name}_sum"
    return sum(
        float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    )
