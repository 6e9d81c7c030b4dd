"""Who is measured against whom."""

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer, answers
from callfleet_rehearsal.stack.ports import free_ports
from callfleet_rehearsal.stack.processes import Child, Children
from callfleet_rehearsal.stack.worker import Worker, start_worker

WORKERS = Path(__file__).parent / "workers"
READY_SECONDS = 120.0
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of answering calls. ``program`` is a file here; without one it is our worker."""

    key: str
    title: str
    program: str = ""
    sha256: str = ""
    environment: Mapping[str, str] | None = None

    @property
    def path(self) -> Path:
        """Where its program is."""
        return WORKERS / self.program


PLAIN = Contender(
    "plain",
    "livekit-agents as its quickstart has it",
    "plain.py",
    "225ed2679fb36e18b508ef3933f10f115bac636f72eb827397e62f91ec220c8e",
)
TUNED = Contender(
    "tuned",
    "the same, with its best public knobs",
    "tuned.py",
    "5083b4bae4d72b7a60591626f0991a1745c8b4578e425dce24680cdbac4e7445",
    {"LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS": "0"},
)
OURS = Contender("callfleet", "callfleet's worker as it ships")
APART = Contender(
    "apart",
    "callfleet's worker, a process for each call",
    environment={"CALLFLEET_CALLS_PER_PROCESS": "1"},
)
FLOOR = Contender("floor", "the bare bridge", "bare.py")
CONTENDERS = (PLAIN, TUNED, OURS, APART, FLOOR)
KEYS = ", ".join(contender.key for contender in CONTENDERS)


def by_key(key: str) -> Contender | None:
    """Find a contender; None where nobody is called so."""
    return next((one for one in CONTENDERS if one.key == key.strip()), None)


def digest(contender: Contender) -> str:
    """Take the SHA-256 of a contender's text."""
    return hashlib.sha256(contender.path.read_bytes()).hexdigest()


def start(
    contender: Contender,
    children: Children,
    server: LiveKitServer,
    emulator: Emulator,
    slots: int,
) -> tuple[Worker, Child]:
    """Start a contender and wait until calls can be placed.

    Raises:
        StackError: it does not start.

    """
    if not contender.program:
        return start_worker(children, server, emulator, slots, contender.environment or {})
    (port,) = free_ports(1)
    name = f"bench-{contender.key}"
    told = {
        **os.environ,
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
        "LIVEKIT_AGENT_NAME_OVERRIDE": name,
        "GOOGLE_API_KEY": "a-key-for-the-emulator",
        "GOOGLE_GEMINI_BASE_URL": emulator.url,
        "SSL_CERT_FILE": str(emulator.ca_file),
        "BENCH_PORT": str(port),
        "BENCH_SLOTS": str(slots),
        **(contender.environment or {}),
    }
    command = [sys.executable, contender.path, *(() if contender is FLOOR else ("start",))]
    child = children.start("worker", command, told, grace_seconds=STOP_SECONDS)
    child.wait_until(lambda: _is_up(child, port), READY_SECONDS, "registered")
    return Worker(f"http://127.0.0.1:{port}", name), child


def _is_up(child: Child, port: int) -> bool:
    """Whether it says so: the framework in its log, the floor by answering."""
    if b"registered worker" in child.log.read_bytes():
        return True
    return answers(f"http://127.0.0.1:{port}/")
