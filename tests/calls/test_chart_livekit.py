"""The configuration that the chart livekit writes is one that a LiveKit server starts with."""

import secrets
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm import Helm, of_kind

import callfleet_tools
from callfleet_dashboards.livekit import LiveKit
from callfleet_rehearsal.emulator.certificates import make_certificates
from callfleet_rehearsal.stack.livekit import answers
from callfleet_rehearsal.stack.ports import LOOPBACK, free_ports
from callfleet_rehearsal.stack.processes import Children, inherited_environment

START_SECONDS = 30.0
DOMAIN = "turn.example.com"
MOUNTED = "/etc/livekit/turn"


@pytest.mark.parametrize("turn", [False, True], ids=["plain", "with TURN"])
def test_a_server_starts_with_what_the_chart_tells_it(
    livekit_program: Path, children: Children, tmp_path: Path, *, turn: bool
) -> None:
    port, tcp_port, turn_port, metrics_port = free_ports(4)
    media_port, turn_udp_port = free_ports(2, socket.SOCK_DGRAM)
    server = {
        "port": port,
        "bind_addresses": [LOOPBACK],
        "rtc": {"tcp_port": tcp_port, "udp_port": media_port},
    }
    told: dict[str, Any] = {
        "redis": {"enabled": False},
        "server": {"config": server},
        "podMonitor": {"enabled": True, "port": metrics_port},
    }
    if turn:
        ports = {"tlsPort": turn_port, "udpPort": turn_udp_port}
        told["turn"] = {"enabled": True, "domain": DOMAIN, "tlsSecret": "turn", **ports}
    environment = inherited_environment(
        LIVEKIT_CONFIG=config_of(told, tmp_path).replace(MOUNTED, str(mounted(tmp_path))),
        # As the pod's own environment puts it together.
        LIVEKIT_KEYS=f"devkey: {secrets.token_hex(24)}",
    )
    child = children.start(
        f"livekit-of-the-chart-{port}", [livekit_program], environment, grace_seconds=0.5
    )
    child.wait_until(lambda: answers(f"http://{LOOPBACK}:{port}/"), START_SECONDS, "answering")
    with urllib.request.urlopen(f"http://{LOOPBACK}:{metrics_port}/metrics", timeout=10) as shown:
        names = shown.read().decode()
    assert all(f"\n{name}" in names for name in (LiveKit.ROOMS, LiveKit.PARTICIPANTS))
    children.stop(child)


def config_of(values: dict[str, Any], folder: Path) -> str:
    """Take the configuration out of what the chart renders."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    objects = Helm(callfleet_tools.find("helm"), folder).objects("livekit", "-f", str(file))
    server = next(
        one for one in of_kind(objects, "Deployment") if one["metadata"]["name"] == "livekit"
    )
    (container,) = server["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    text: str = told["LIVEKIT_CONFIG"]
    return text.replace("$(NODE_ADDRESS)", LOOPBACK)


def mounted(folder: Path) -> Path:
    """Make what the pod would find where the Secret is mounted."""
    make_certificates(folder, DOMAIN)
    for name in ("tls.crt", "tls.key"):
        (folder / name).write_bytes((folder / "server.pem").read_bytes())
    return folder
