"""A real worker, told everything by its pod, is ready once LiveKit knows it, and ends with it."""

import asyncio
import re
import sys

import aiohttp
import pytest
from control_plane import ControlPlane
from kubelet_spec import Image
from kubelet_stand import Site, kubelet_stand
from pods import IMAGE, Pods

from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import worker_environment

WORKER = Image((sys.executable, "-m", "callfleet", "worker"), {}, ("CALLFLEET_HTTP__HOST",))
READY = {"httpGet": {"path": "/healthz/ready", "port": "http"}, "periodSeconds": 1}
LIVE = {"httpGet": {"path": "/healthz/live", "port": "http"}, "periodSeconds": 2}


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, children: Children) -> Site:
    """What the stand-in is built on: workers from this tree."""
    return Site(control_plane, namespace, {IMAGE: WORKER}, children=children)


@pytest.fixture
def told(livekit_server: LiveKitServer, emulator: Emulator) -> dict[str, str]:
    """What workers are told by a secret."""
    all_of_it = worker_environment({}, livekit_server, emulator, slots=3)
    return {name: value for name, value in all_of_it.items() if name != "CALLFLEET_HTTP__HOST"}


async def test_two_workers_run_side_by_side_and_end_with_their_pods(
    site: Site, told: dict[str, str]
) -> None:
    async with kubelet_stand(site) as stand:
        pods = Pods(site.api, site.namespace, stand)
        await pods.make_secret("worker", **told)
        for name in ("one", "two"):
            await pods.make(
                name=name,
                envFrom=[{"secretRef": {"name": "worker"}}],
                startupProbe={**LIVE, "failureThreshold": 60},
                livenessProbe=LIVE,
                readinessProbe=READY,
            )
        await stand.until(lambda: stand.ready() == ["one", "two"], seconds=120)
        for name in ("one", "two"):
            metrics = await metrics_of(pods, name)
            assert re.search(r"^callfleet_\w+ ", metrics, re.MULTILINE), metrics[:500]
        process = stand.process("one").child.process
        await pods.delete("one")
        await pods.gone("one")
        assert process.poll() == 0
        assert stand.ready() == ["two"]


async def metrics_of(pods: Pods, name: str) -> str:
    """What a worker tells a collector."""
    ip = (await asyncio.to_thread(pods.plane.ask, "GET", f"{pods.path}/{name}"))["status"]["podIP"]
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{ip}:8081/metrics") as answer,
    ):
        return await answer.text()
