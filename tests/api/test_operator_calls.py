"""Callers talk with real workers while their fleet grows, shrinks, rolls, and loses a worker.

Everything is real but the kubelet: API server, LiveKit, workers, callers, operator. What callers
saw and what the operator counted have to agree.
"""

import asyncio
import sys
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from control_plane import ControlPlane
from fleets import IMAGE
from kubelet_spec import Image
from operator_cluster import OperatorCluster, operator_cluster
from operator_process import OperatorProcess

from callfleet_contract.fleet.names import HTTP_PORT
from callfleet_rehearsal.callers.plan import RunPlan, usual
from callfleet_rehearsal.callers.run import run
from callfleet_rehearsal.evidence import CallEnd, CallRecord, TurnKind
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import worker_environment

SLOTS = 2
LOST = "calls_ended_by_infrastructure_total"
WORKER = Image(
    (sys.executable, "-m", "callfleet", "worker"),
    {},
    ("CALLFLEET_HTTP__HOST", "CALLFLEET_ADMISSION__HOST"),
)
_BY_OPERATOR = (
    "CALLFLEET_AGENT_NAME",
    "CALLFLEET_DRAIN__SECONDS",
    "CALLFLEET_HTTP__HOST",
    "CALLFLEET_SLOTS",
)


class Exchange:
    """A fleet of real workers, and callers."""

    def __init__(self, one: OperatorCluster, livekit: LiveKitServer) -> None:
        self.one, self.livekit = one, livekit
        self.agent_name = f"support-{uuid.uuid4().hex[:6]}"

    async def open(self, told: dict[str, str], replicas: int) -> OperatorProcess:
        """Start an operator and a fleet, and wait until it takes calls."""
        secret = {"metadata": {"name": "worker"}, "stringData": told}
        await self.one.ask("POST", f"/api/v1/namespaces/{self.one.namespace}/secrets", secret)
        operator = self.one.start()
        await self.one.create(
            replicas=replicas,
            slotsPerPod=SLOTS,
            agentName=self.agent_name,
            drain={"maxCallSeconds": 300},
            template={"secrets": ["worker"]},
        )
        await self.one.says("accepting", to_be=replicas)
        return operator

    def call(self, callers: int, turns: int) -> "asyncio.Task[list[CallRecord]]":
        """Have callers call, each for so many turns."""
        plan = RunPlan(
            livekit_url=self.livekit.url,
            api_key=self.livekit.api_key,
            api_secret=self.livekit.api_secret,
            agent_name=self.agent_name,
            run_id=uuid.uuid4().hex[:6],
            calls=usual(callers, (TurnKind.PLAIN,) * turns, spacing_seconds=1.0),
        )
        return asyncio.create_task(run(plan, lambda _: None))


Exchanges = Callable[[], AbstractAsyncContextManager[OperatorCluster]]


@pytest.fixture
def exchanges(
    control_plane: ControlPlane, namespace: str, children: Children, tmp_path: Path
) -> Exchanges:
    """Give the block in which real workers run as pods."""
    return lambda: operator_cluster(control_plane, namespace, children, tmp_path, WORKER)


@pytest.fixture
def told(livekit_server: LiveKitServer, emulator: Emulator) -> dict[str, str]:
    """What workers are told by the fleet's Secret."""
    everything = worker_environment({}, livekit_server, emulator, SLOTS)
    return {name: value for name, value in everything.items() if name not in _BY_OPERATOR}


@pytest.mark.timeout(900)
async def test_no_call_is_ended_by_a_fleet_that_grows_rolls_and_shrinks(
    exchanges: Exchanges, livekit_server: LiveKitServer, told: dict[str, str]
) -> None:
    async with exchanges() as one:
        exchange = Exchange(one, livekit_server)
        operator = await exchange.open(told, replicas=2)
        calling = exchange.call(callers=4, turns=8)
        await one.says("calls", to_be=4)
        await one.change(replicas=3)
        await one.says("accepting", to_be=3)
        env = [{"name": "CALLFLEET_PERSONA__VOICE", "value": "Kore"}]
        await one.change(template={"image": IMAGE, "env": env})

        async def rolled() -> bool:
            status = await one.status()
            return bool(status["rollout"]["phase"] == "Complete" and status["rollout"]["previous"])

        await one.change(replicas=1)
        records = await calling
        await one.until(rolled, "the new revision has taken the place of the old", 300)
        await one.has_pods(1)
        assert [record.end for record in records] == [CallEnd.HUNG_UP] * 4
        assert all(len(record.turns) == 8 for record in records)
        assert operator.metric(LOST) == 0


@pytest.mark.timeout(900)
async def test_a_killed_worker_raises_the_count_by_the_calls_that_its_callers_lost(
    exchanges: Exchanges, livekit_server: LiveKitServer, told: dict[str, str]
) -> None:
    async with exchanges() as one:
        exchange = Exchange(one, livekit_server)
        operator = await exchange.open(told, replicas=2)
        calling = exchange.call(callers=3, turns=6)
        await one.says("calls", to_be=3)
        pods = sorted(pod["metadata"]["name"] for pod in await one.pods())
        held = {name: await _calls_of(one, name) for name in pods}
        victim = max(held, key=lambda name: held[name])
        one.kubelet.kill(victim)

        async def counted() -> bool:
            return await asyncio.to_thread(operator.metric, LOST) == held[victim]

        await one.until(counted, f"{held[victim]} calls are counted")
        records = await calling
        lost = [record for record in records if record.end is not CallEnd.HUNG_UP]
        assert len(lost) <= held[victim]
        assert operator.metric(LOST) == held[victim]


async def _calls_of(one: OperatorCluster, pod: str) -> int:
    """Ask a worker itself how many calls it has."""
    address = one.kubelet.lives[pod].place.pod_ip
    url = f"http://{address}:{HTTP_PORT}/healthz/accepting"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return int((await answer.json())["taken"])
