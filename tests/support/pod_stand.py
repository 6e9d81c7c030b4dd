"""A pod for tests: what its container is started with, each time that it is."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from admission_client import Client
from worker_stand import START_SECONDS, Worker, start_worker

from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children


def new_uid() -> str:
    return str(uuid4())


@dataclass
class Pod:
    """One pod; its folder is there as long as it is, whatever becomes of its container."""

    folder: Path
    agent_name: str = field(default_factory=lambda: f"agent-{uuid4().hex[:8]}")
    client: Client = field(default_factory=lambda: Client("", new_uid()))

    def start(self, children: Children, server: LiveKitServer, **more: str) -> Worker:
        """Start its container, and know the port that it took."""
        environment = {
            "CALLFLEET_SLOTS": "3",
            "CALLFLEET_AGENT_NAME": self.agent_name,
            "CALLFLEET_ADMISSION__HOST": "127.0.0.1",
            "CALLFLEET_ADMISSION__PORT": "0",
            "CALLFLEET_ADMISSION__PUBLIC_KEYS": self.client.public_key,
            "CALLFLEET_ADMISSION__POD_UID": self.client.pod_uid,
            "CALLFLEET_ADMISSION__STATE_FOLDER": str(self.folder),
        }
        worker = start_worker(children, server, **(environment | more))
        worker.agent_name = self.agent_name
        worker.child.wait_until(
            lambda: bool(worker.logged("worker starts")), START_SECONDS, "starting"
        )
        self.client.url = f"http://{worker.logged('worker starts')[0]['admission']}"
        return worker
