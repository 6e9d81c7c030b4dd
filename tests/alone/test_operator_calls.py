"""Ten callers talk with real workers while their fleet grows, shrinks, rolls, loses node or worker.

Everything is real but the kubelet: API server, LiveKit, workers, callers, operator. What callers
saw, what workers logged and what the operator counted have to agree.
"""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from call_ledger import WELL, Entry, ledger, logs_in, table
from control_plane import ControlPlane
from fleets import IMAGE
from kubectl import Kubectl
from kubelet_spec import Image
from operator_cluster import OperatorCluster, operator_cluster
from operator_process import OperatorProcess
from patient_callers import PatientCallers, patient_callers

from callfleet_contract.fleet.names import HTTP_PORT
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import worker_environment

CALLERS, SLOTS = 10, 6
LOST = "calls_ended_by_infrastructure_total"
OTHER_VOICE = [{"name": "CALLFLEET_PERSONA__VOICE", "value": "Kore"}]
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


@dataclass
class Exchange:
    """A fleet of two real workers, its operator, and callers."""

    one: OperatorCluster
    operator: OperatorProcess
    callers: PatientCallers
    folder: Path

    async def hang_up(self, pods: dict[str, str]) -> tuple[Entry, ...]:
        """Have the callers hang up, and give the ledger of those pods, which is printed."""
        records = await self.callers.hang_up()
        await self.one.says("calls", to_be=0)
        entries = ledger(records, logs_in(self.folder, pods))
        print(f"\n{table(entries)}")
        return entries

    async def uids(self) -> dict[str, str]:
        """Give the pods that are there, and their uids."""
        pods = [pod["metadata"] for pod in await self.one.pods()]
        return {pod["name"]: pod["uid"] for pod in pods}

    async def counts_lost(self, calls: int) -> None:
        """Wait until the operator has counted so many."""

        async def it_does() -> bool:
            return await asyncio.to_thread(self.operator.metric, LOST) == calls

        await self.one.until(it_does, f"{calls} calls are counted as lost")


Clusters = Callable[[], AbstractAsyncContextManager[OperatorCluster]]
Exchanges = Callable[[], AbstractAsyncContextManager[Exchange]]


@pytest.fixture
def clusters(
    control_plane: ControlPlane, namespace: str, children: Children, tmp_path: Path
) -> Clusters:
    """Give the block in which real workers run as pods."""
    return lambda: operator_cluster(control_plane, namespace, children, tmp_path, WORKER)


@pytest.fixture
def told(livekit_server: LiveKitServer, emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    """What workers are told by the fleet's Secret."""
    orders = {"CALLFLEET_DATABASE_URL": f"sqlite:///{tmp_path / 'orders.db'}"}
    everything = worker_environment(orders, livekit_server, emulator, SLOTS)
    return {name: value for name, value in everything.items() if name not in _BY_OPERATOR}


@pytest.fixture
def exchanges(
    clusters: Clusters, told: dict[str, str], livekit_server: LiveKitServer, children: Children
) -> Exchanges:
    """Give the block in which a fleet takes calls and callers are there to call."""
    agent_name = f"support-{uuid.uuid4().hex[:6]}"
    secret = {"metadata": {"name": "worker"}, "stringData": told}

    @asynccontextmanager
    async def exchange() -> AsyncIterator[Exchange]:
        async with clusters() as one, patient_callers(livekit_server, agent_name) as callers:
            await one.ask("POST", f"/api/v1/namespaces/{one.namespace}/secrets", secret)
            operator = one.start()
            await one.create(
                replicas=2,
                slotsPerPod=SLOTS,
                agentName=agent_name,
                drain={"maxCallSeconds": 300},
                template={"secrets": ["worker"]},
            )
            await one.says("accepting", to_be=2)
            yield Exchange(one, operator, callers, children.folder)

    return exchange


@pytest.mark.timeout(900)
async def test_no_call_is_ended_by_a_fleet_that_grows_leaves_a_node_rolls_and_shrinks(
    exchanges: Exchanges, kubectl: Kubectl
) -> None:
    async with exchanges() as exchange:
        one = exchange.one
        await exchange.callers.call(CALLERS // 2)
        await one.change(replicas=3)
        await one.says("accepting", to_be=3)
        await exchange.callers.call(CALLERS // 2)
        await one.says("calls", to_be=CALLERS)
        pods = await exchange.uids()

        held = {name: await _calls_of(one, name) for name in pods}
        node = one.kubelet.lives[max(held, key=lambda name: held[name])].node
        async with draining(kubectl, node) as drain:
            await one.until(lambda: _leaves(one, node), f"the workers on {node} are cordoned")
            await one.says("accepting", to_be=3)

            await one.change(template={"image": IMAGE, "env": OTHER_VOICE}, replicas=1)
            await one.until(lambda: _rolls(one, pods), "the new revision takes the calls")
            talking = (await one.status())["calls"]
            assert drain.returncode is None

            entries = await exchange.hang_up(pods)
            assert talking == CALLERS
            assert await drain.wait() == 0
        await one.has_pods(1)
        assert pods.keys().isdisjoint(await exchange.uids())
        assert [(entry.seen, entry.said) for entry in entries] == [WELL] * CALLERS
        assert exchange.operator.metric(LOST) == 0


@pytest.mark.timeout(900)
async def test_a_killed_worker_raises_the_count_by_the_calls_that_it_had(
    exchanges: Exchanges,
) -> None:
    async with exchanges() as exchange:
        one = exchange.one
        await exchange.callers.call(CALLERS)
        await one.says("calls", to_be=CALLERS)
        await exchange.callers.have_talked()
        pods = await exchange.uids()
        held = {name: await _calls_of(one, name) for name in pods}
        victim = max(held, key=lambda name: held[name])
        one.kubelet.kill(victim)
        await exchange.counts_lost(held[victim])
        entries = await exchange.hang_up(pods)
        left = [entry for entry in entries if entry.pod != victim]
        assert [(entry.seen, entry.said) for entry in left] == [WELL] * (CALLERS - held[victim])
        assert sum(not entry.said for entry in entries) == held[victim]
        assert exchange.operator.metric(LOST) == held[victim]


@asynccontextmanager
async def draining(kubectl: Kubectl, node: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Have kubectl drain a node."""
    drain = await asyncio.create_subprocess_exec(
        *kubectl.command("drain", node, "--delete-emptydir-data"),
        env=kubectl.environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield drain
    finally:
        if drain.returncode is None:
            drain.kill()
            await drain.wait()


async def _leaves(one: OperatorCluster, node: str) -> bool:
    """Whether all pods on a node take no more calls."""
    pods = [pod for pod in await one.pods() if pod["spec"].get("nodeName") == node]
    return all(pod["metadata"]["labels"]["callfleet.dev/accepting"] == "false" for pod in pods)


async def _rolls(one: OperatorCluster, old: dict[str, str]) -> bool:
    """Whether all old pods take no more calls, and a new one does."""
    labels = {pod["metadata"]["name"]: pod["metadata"]["labels"] for pod in await one.pods()}
    accepting = {name for name, told in labels.items() if told["callfleet.dev/accepting"] == "true"}
    return (await one.status())["accepting"] >= 1 and accepting.isdisjoint(old)


async def _calls_of(one: OperatorCluster, pod: str) -> int:
    """Ask a worker itself how many calls it has."""
    address = one.kubelet.lives[pod].place.pod_ip
    url = f"http://{address}:{HTTP_PORT}/healthz/accepting"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return int((await answer.json())["taken"])
