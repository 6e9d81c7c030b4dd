"""A LiveKit server of a test's own, which it may stop and start again."""

import json
import secrets
import socket
from pathlib import Path

from worker_stand import START_SECONDS

from callfleet_rehearsal.stack.livekit import LiveKitServer, answers, settings
from callfleet_rehearsal.stack.ports import free_ports
from callfleet_rehearsal.stack.processes import Child, Children, inherited_environment

LOG_NAME = "second-livekit"


def planned_server() -> LiveKitServer:
    """Choose where it will be, with a key and secret of its own."""
    port, tcp_port = free_ports(2)
    (media_port,) = free_ports(1, socket.SOCK_DGRAM)
    return LiveKitServer(port, media_port, tcp_port, "key", secrets.token_hex(24))


def start_server(children: Children, program: Path, server: LiveKitServer) -> Child:
    """Start it there, and wait until it answers."""
    environment = inherited_environment(LIVEKIT_CONFIG=json.dumps(settings(server)))
    child = children.start(LOG_NAME, [program], environment, grace_seconds=0.5)
    child.wait_until(lambda: answers(f"{server.http_url}/"), START_SECONDS, "answering")
    return child
