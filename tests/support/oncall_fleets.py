"""Real workers, each the one of its fleet, for faults that alerts have to tell of."""

import functools
import json
import os
import sys
import urllib.request
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from oncall_watch import WRITES_MEASURED
from worker_stand import START_SECONDS, Worker, plan_of

from callfleet_rehearsal.bench.contenders import WORKERS
from callfleet_rehearsal.callers.plan import CallPlan, RunPlan
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.monitoring import Target, worker_target
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import worker_environment

ALWAYS = 1_000_000
"""So often a fault strikes that is there to stay."""
PLAIN, BARGE_IN, TOOL = TurnKind.PLAIN, TurnKind.BARGE_IN, TurnKind.TOOL


def begin_worker(
    children: Children,
    server: LiveKitServer,
    emulator: Emulator,
    slots: int,
    **more: str,
) -> Worker:
    """Start a worker whose agent misbehaves in rooms that say so; do not wait for it."""
    ours = {name: value for name, value in os.environ.items() if name != WRITES_MEASURED}
    told = worker_environment(ours, server, emulator, slots)
    told |= {
        "CALLFLEET_AGENT_NAME": (agent_name := f"agent-{uuid4().hex[:8]}"),
        "CALLFLEET_AGENT_CLASS": "faulty:FaultyAgent",
        "CALLFLEET_HTTP__PORT": "0",
        "PYTHONPATH": os.pathsep.join(path for path in [str(WORKERS), *sys.path] if path),
        **more,
    }
    command = [sys.executable, "-m", "callfleet", "worker"]
    return Worker(children.start(f"worker-{agent_name}", command, told), agent_name)


def wait_for_all(workers: Iterable[Worker]) -> None:
    """Wait until all of them take calls."""
    for one in workers:
        is_ready = functools.partial(one.logged, "ready")
        one.child.wait_until(lambda ready=is_ready: bool(ready()), START_SECONDS, "ready")


def target(fleet: str, worker: Worker, dropped: str = "") -> Target:
    """Have a worker scraped as the one of a fleet."""
    return worker_target(f"{worker.url}/metrics", fleet, dropped)


def arm(emulator: Emulator, name: str, **settings: Any) -> None:
    """Have a fault strike every session of an emulator, from now on."""
    fault = {"name": name, "session": "any", "times": ALWAYS, **settings}
    data = json.dumps(fault).encode()
    with urllib.request.urlopen(f"{emulator.control_url}/faults", data, 10) as answer:  # noqa: S310 - our own http URL
        answer.read()


def calls(
    first: int, count: int, kinds: tuple[TurnKind, ...], *, apart_seconds: float = 0.3, **more: Any
) -> tuple[CallPlan, ...]:
    """Plan calls that do the same, begun a little apart. ``first`` is the number of the first."""
    return tuple(
        CallPlan(first + number, kinds, start_after_seconds=number * apart_seconds, **more)
        for number in range(count)
    )


def plan(
    server: LiveKitServer, worker: Worker, planned: tuple[CallPlan, ...], **more: Any
) -> RunPlan:
    """Have them call a worker."""
    there = plan_of(server, worker, uuid4().hex[:6], planned)
    return RunPlan(**{**{name: getattr(there, name) for name in RunPlan.__slots__}, **more})
