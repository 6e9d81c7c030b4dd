"""Speak with a real cluster as its user would: in one namespace, through kubectl."""

import contextlib
import json
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callfleet_tools.node import Cluster

WAIT = "--timeout=180s"


@dataclass(frozen=True)
class NodeKubectl:
    """Kubectl in a namespace."""

    cluster: Cluster
    namespace: str

    def __call__(self, *command: str) -> str:
        return self.cluster.kubectl(f"--namespace={self.namespace}", *command)

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self("get", kind, name, "-o=json"))

    def apply(self, objects: Sequence[Mapping[str, Any]], file: Path) -> None:
        content = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        file.write_text(json.dumps(content), encoding="utf-8")
        self("apply", f"--filename={file}")

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start kubectl, for what goes on: its output is to be read."""
        program = self.cluster.layout.programs["kubectl"]
        own = [f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={self.namespace}"]
        return subprocess.Popen([program, *own, *command], stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def own_namespace(cluster: Cluster) -> Iterator[NodeKubectl]:
    """Have a namespace while the block runs."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    cluster.kubectl("create", "namespace", name)
    try:
        yield NodeKubectl(cluster, name)
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")
