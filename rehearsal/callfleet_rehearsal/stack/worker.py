"""Run one callfleet worker as production does: a process that is told everything by environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer, answers
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports
from callfleet_rehearsal.stack.processes import Child, Children

AGENT_NAME = "callfleet"
EXAMPLE_AGENT = "callfleet_worker.agents.orders:OrdersAgent"

# Where one of these is set, the user has an agent; else it is the one that ships.
_AGENT_IS_SET = frozenset(
    {"CALLFLEET_AGENT_CLASS", "CALLFLEET_PERSONA__INSTRUCTIONS", "CALLFLEET_CONFIG_FILE"}
)
_READY_SECONDS = 120.0
_DRAIN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker: where its health and metrics are asked for."""

    http_url: str
    agent_name: str


def worker_environment(
    ours: Mapping[str, str], server: LiveKitServer, emulator: Emulator | None, slots: int
) -> dict[str, str]:
    """Say what the worker is told. What the user has set of its settings stays, where it can.

    With an emulator no key of a real project reaches the worker, so that nothing can be billed.
    """
    told = dict(ours)
    if not _AGENT_IS_SET.intersection(told):
        told["CALLFLEET_AGENT_CLASS"] = EXAMPLE_AGENT
    told.setdefault("CALLFLEET_AGENT_NAME", AGENT_NAME)
    told["CALLFLEET_LIVEKIT__URL"] = server.url
    told["CALLFLEET_LIVEKIT__API_KEY"] = server.api_key
    told["CALLFLEET_LIVEKIT__API_SECRET"] = server.api_secret
    told["CALLFLEET_SLOTS"] = str(slots)
    told["CALLFLEET_HTTP__HOST"] = LOOPBACK
    told["CALLFLEET_DRAIN__SECONDS"] = str(_DRAIN_SECONDS)
    if emulator is not None:
        for name in ("GOOGLE_API_KEY", "CALLFLEET_MODEL__VERTEX_PROJECT"):
            told.pop(name, None)
        told["CALLFLEET_MODEL__KEYS"] = "a-key-for-the-emulator"
        told["CALLFLEET_MODEL__BASE_URL"] = emulator.url
        told["CALLFLEET_MODEL__CA_FILE"] = str(emulator.ca_file)
        told["CALLFLEET_MODEL__PROFILE"] = emulator.profile
    return told


def start_worker(
    children: Children,
    server: LiveKitServer,
    emulator: Emulator | None,
    slots: int,
    more: Mapping[str, str] | None = None,
) -> tuple[Worker, Child]:
    """Start a worker, told ``more`` besides, and wait until it takes calls.

    Raises:
        StackError: it does not start.

    """
    (port,) = free_ports(1)
    told = worker_environment({**os.environ, **(more or {})}, server, emulator, slots)
    told["CALLFLEET_HTTP__PORT"] = str(port)
    told.setdefault(
        "CALLFLEET_DATABASE_URL", f"sqlite:///{children.folder.absolute() / 'orders.db'}"
    )
    child = children.start(
        "worker", [sys.executable, "-m", "callfleet", "worker"], told, grace_seconds=_DRAIN_SECONDS
    )
    worker = Worker(f"http://{LOOPBACK}:{port}", told["CALLFLEET_AGENT_NAME"])
    child.wait_until(
        lambda: answers(f"{worker.http_url}/healthz/ready"), _READY_SECONDS, "registered"
    )
    child.wait_until(
        lambda: answers(f"{worker.http_url}/healthz/accepting"), _READY_SECONDS, "accepting calls"
    )
    return worker, child
