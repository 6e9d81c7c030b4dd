"""A rehearsal with a fleet that runs already, somewhere else: callers alone, and what they hear."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from callfleet_contract import objectives as slo
from callfleet_rehearsal.callers.plan import Listening, RunPlan
from callfleet_rehearsal.readers import read_calls
from callfleet_rehearsal.stack.callers import start_callers
from callfleet_rehearsal.stack.costs import Meter
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.rehearsal import (
    Audience,
    Model,
    Order,
    Placed,
    Watcher,
    call_plans,
    follow,
)
from callfleet_rehearsal.verdict import Evidence

UNSEEN = frozenset({slo.FLEET_ADDED.key})
"""Objectives that are judged by what model and worker wrote, which is elsewhere as well."""
_NO_WORKER_OF_OURS = -1
_VARIABLES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where the fleet is called: a LiveKit server, one of its keys, and the agent's name."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)
    agent_name: str = ""


def read_elsewhere(agent_name: str, environment: Mapping[str, str]) -> Elsewhere:
    """Take from the environment how LiveKit is reached, as a worker does.

    Raises:
        StackError: one of the variables is not set.

    """
    missing = [name for name in _VARIABLES if not environment.get(name, "").strip()]
    if missing:
        message = (
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: a fleet that "
            "runs elsewhere is called through its own LiveKit server, with a key of it"
        )
        raise StackError(message)
    url, key, secret = (environment[name].strip() for name in _VARIABLES)
    return Elsewhere(url, key, secret, agent_name)


def rehearse_elsewhere(order: Order, fleet: Elsewhere, folder: Path, watcher: Watcher) -> Evidence:
    """Place an order's calls with a fleet that runs already. ``order.model`` says who answers it.

    Raises:
        StackError: the callers failed; the message has the end of their log.
        UnreadableError: they did not write what they should have.

    """
    began_ns = time.monotonic_ns()
    with Children(folder) as children:
        watcher.step("callers get ready")
        callers, records = start_callers(children, _plan(order, fleet, folder.name), folder)
        meter = Meter({callers.pid: callers.role}, _NO_WORKER_OF_OURS)
        follow(callers, children, order, Audience(watcher, meter, order))
        children.stop(callers)
    return _evidence(Placed(began_ns, records, meter))


def _plan(order: Order, fleet: Elsewhere, run_id: str) -> RunPlan:
    return RunPlan(
        livekit_url=fleet.url,
        api_key=fleet.api_key,
        api_secret=fleet.api_secret,
        agent_name=fleet.agent_name,
        # Others may call through the same server, at the same second.
        run_id=f"{run_id}-{secrets.token_hex(3)}",
        calls=call_plans(order),
        seed=order.seed,
        listening=Listening.MARKERS if order.model is Model.EMULATOR else Listening.ENERGY,
    )


def _evidence(placed: Placed) -> Evidence:
    calls = read_calls(placed.records)
    late = max((call.send_late_p95_seconds for call in calls), default=0.0)
    machine = placed.meter.machine_state(late)
    if machine is not None:
        # What else runs here may be the very fleet: it is no excuse then, and callers that speak
        # too late for it are still seen.
        machine = replace(machine, other_cpu_ratio=None, cpu_pressure_ratio=None)
    return Evidence(
        calls=calls,
        model_turns=(),
        inside_turns=(),
        costs=placed.meter.costs(),
        machine=machine,
    )
