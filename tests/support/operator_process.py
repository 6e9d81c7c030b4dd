"""Run operators as processes of their own, on a real API server."""

import os
import signal
import sys
import urllib.request
from pathlib import Path
from typing import Any

from call_ledger import told_in
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples import added_up

from callfleet_contract.signing import write_private_key
from callfleet_rehearsal.stack.livekit import answers
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment

_START_SECONDS = 60.0
_GRACE_SECONDS = 20.0


class OperatorProcess:
    """One operator."""

    def __init__(self, children: Children, child: Child, url: str) -> None:
        self._children = children
        self.child = child
        self.url = url

    def kill(self) -> None:
        """End it at once: it says nothing to anybody any more."""
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.process.wait()
        self._children.stop(self.child)

    def stop(self) -> int:
        """Tell it to end, and give its exit code."""
        self._children.stop(self.child)
        code = self.child.process.returncode
        return -1 if code is None else code

    def metric(self, name: str, prefix: str = "callfleet_", **labels: str) -> float:
        """Add up a metric over the series that have these labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:  # noqa: S310 - ours
            return added_up(answer.read().decode(), f"{prefix}{name}", **labels)

    @property
    def leads(self) -> bool:
        """Whether it acts."""
        return self.metric("operator_leading") == 1

    def said(self, event: str = "") -> list[dict[str, Any]]:
        """Give the lines that it logged, those of one event if it is named."""
        told = told_in(self.child.log.read_text(encoding="utf-8"))
        return [one for one in told if event in ("", one.get("event"))]


class Operators:
    """Starts operators that share one key and one lease."""

    def __init__(self, children: Children, namespace: str, kubeconfig: Path, folder: Path) -> None:
        self._children, self._namespace = children, namespace
        self.kubeconfig = kubeconfig
        self._key = folder / "private-key"
        self._key.touch(mode=0o600)
        self._key.write_text(write_private_key(Ed25519PrivateKey.generate()), encoding="utf-8")
        self._running: list[OperatorProcess] = []
        self.program: tuple[str, ...] = ("-m", "callfleet")

    def start(self, kubeconfig: Path | None = None, **env: str) -> OperatorProcess:
        """Start one, and wait until it answers."""
        (port,) = free_ports(1)
        told = {
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "CALLFLEET_OPERATOR_PRIVATE_KEY_FILE": str(self._key),
            "CALLFLEET_OPERATOR_NAMESPACES": self._namespace,
            "CALLFLEET_OPERATOR_HTTP__HOST": LOOPBACK,
            "CALLFLEET_OPERATOR_HTTP__PORT": str(port),
            "CALLFLEET_OPERATOR_RELIST_SECONDS": "10",
            **env,
        }
        role = f"operator-{self._namespace}-{len(self._running) + 1}"
        child = self._children.start(
            role,
            [sys.executable, *self.program, "operator"],
            inherited_environment(**told),
            grace_seconds=_GRACE_SECONDS,
        )
        url = f"http://{LOOPBACK}:{port}"
        child.wait_until(lambda: answers(f"{url}/healthz/live"), _START_SECONDS, "answering")
        operator = OperatorProcess(self._children, child, url)
        self._running.append(operator)
        return operator

    def stop_all(self) -> None:
        """Stop those that still run."""
        for operator in self._running:
            if operator.child.process.poll() is None:
                operator.stop()
