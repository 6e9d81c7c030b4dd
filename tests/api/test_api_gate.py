"""What can go wrong on the way to the API server can be made to, for one program alone."""

import asyncio
from pathlib import Path

from api_gate import api_gate
from control_plane import ControlPlane
from kubectl import Kubectl


def through(kubeconfig: Path, direct: Kubectl) -> Kubectl:
    return Kubectl(direct.program, kubeconfig, direct.home, direct.namespace)


async def test_the_way_can_be_closed_deaf_and_open_again(
    control_plane: ControlPlane, kubectl: Kubectl, tmp_path: Path
) -> None:
    async with api_gate(control_plane, tmp_path) as gate:
        by_gate = through(gate.kubeconfig, kubectl)
        assert (await asyncio.to_thread(by_gate, "get", "pods")).returncode == 0
        gate.deafen()
        deaf = await asyncio.to_thread(by_gate, "get", "pods", "--request-timeout=1s")
        assert deaf.returncode == 1
        gate.hear()
        await gate.close()
        closed = await asyncio.to_thread(by_gate, "get", "pods")
        assert "refused" in closed.stderr
        assert (await asyncio.to_thread(kubectl, "get", "pods")).returncode == 0
        await gate.reopen()
        gate.delay_seconds = 0.05
        assert (await asyncio.to_thread(by_gate, "get", "pods")).returncode == 0
