"""Run one LiveKit server on loopback, with keys that exist for this run only."""

import json
import secrets
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment

_READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LiveKitServer:
    """A running server: where it is and how to talk to it.

    ``announced`` is the host that it names for media. Where that is not its own, somebody has to
    stand at that host's ``media_port`` and hand media on.
    Without a ``metrics_port`` it shows no metrics.
    """

    port: int
    media_port: int
    media_tcp_port: int
    api_key: str
    api_secret: str = field(repr=False)
    announced: str = LOOPBACK
    metrics_port: int = 0

    @property
    def url(self) -> str:
        """The address for signalling and workers."""
        return f"ws://{LOOPBACK}:{self.port}"

    @property
    def http_url(self) -> str:
        """The address for API calls."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def metrics_url(self) -> str:
        """The address of its metrics."""
        return f"http://{LOOPBACK}:{self.metrics_port}/metrics"


def settings(server: LiveKitServer) -> dict[str, object]:
    """Write the server's configuration: everything on loopback, one UDP port for all media."""
    direct = server.announced == LOOPBACK
    return {
        "port": server.port,
        "bind_addresses": [LOOPBACK],
        "prometheus": {"port": server.metrics_port},
        "rtc": {
            "udp_port": server.media_port,
            # Nobody is to find a shorter way than the one announced, nor the server one back.
            "tcp_port": server.media_tcp_port if direct else 0,
            "use_ice_lite": not direct,
            "node_ip": server.announced,
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "interfaces": {"includes": ["lo"]},
        },
        # The server refuses workers above this load before it asks them; a worker that has one
        # slot left reports 0.9 and must still be asked.
        "agents": {"target_load": 1.0},
        "node_selector": {"kind": "any"},
        "keys": {server.api_key: server.api_secret},
        "logging": {"level": "info", "json": True},
    }


def start_livekit(
    children: Children, program: Path, announced: str = LOOPBACK
) -> tuple[LiveKitServer, Child]:
    """Start a server and wait until it answers.

    Raises:
        StackError: it does not start.

    """
    port, tcp_port, metrics_port = free_ports(3)
    (media_port,) = free_ports(1, socket.SOCK_DGRAM)
    server = LiveKitServer(
        port=port,
        media_port=media_port,
        media_tcp_port=tcp_port,
        api_key=f"key-{secrets.token_hex(4)}",
        api_secret=secrets.token_hex(24),
        announced=announced,
        metrics_port=metrics_port,
    )
    # By the environment: the process list and the run's folder must not show the secret.
    environment = inherited_environment(LIVEKIT_CONFIG=json.dumps(settings(server)))
    # It would wait for its participants first; nobody is left when this one is told to go.
    child = children.start("livekit-server", [program], environment, grace_seconds=0.5)
    child.wait_until(lambda: answers(f"{server.http_url}/"), _READY_SECONDS, "answering")
    return server, child


def answers(url: str) -> bool:
    """Say whether a plain HTTP address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own http URL
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
