"""What a tick costs at 10, 100 and 1,000 pods: linear or better, and no request per pod."""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from control_plane import ControlPlane
from operator_cluster import Clustered, OperatorCluster
from operator_process import OperatorProcess

_TICKS = 10
_TRIES = 10
_AUTO = {
    "mode": "Auto",
    "syncSeconds": 1,
    "maxReplicas": 2000,
    "headroom": {"minIdleSlots": 1},
    "scaleUp": {"maxPods": 2000},
}
_SIZES = (10, 100, 1000)
_HEAD = (
    "| pods | tick ms | CPU ms/s | MB | requests/min | created after ms, least | median | most |\n"
    "|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Cost:
    """Of an operator at rest, each of whose workers reports every two seconds."""

    pods: int
    tick_ms: float
    cpu_ms_per_second: float
    memory_mb: float
    requests_per_minute: float
    created_ms: tuple[float, ...]
    """From the moment that the last slot is taken to the API server's answer to the next pod."""

    def row(self) -> str:
        figures = (self.tick_ms, self.cpu_ms_per_second, self.memory_mb, self.requests_per_minute)
        told = [f"{figure:.1f}" for figure in figures]
        waits = sorted(self.created_ms)
        told += [f"{one:.0f}" for one in (waits[0], statistics.median(waits), waits[-1])]
        return f"| {self.pods} | {' | '.join(told)} |"


@dataclass(frozen=True)
class Look:
    """What an operator had used at one moment."""

    at: float
    ticks: float
    tick_seconds: float
    cpu_seconds: float
    memory_bytes: float
    requests: int


@pytest.mark.timeout(1800)
async def test_ticks_cost_no_more_than_their_pods(
    clustered: Clustered,
    control_plane: ControlPlane,
    record_property: Callable[[str, object], None],
) -> None:
    costs = []
    async with clustered() as one:
        operator = one.start(CALLFLEET_OPERATOR_RELIST_SECONDS="60")
        await one.create(autoscaling={**_AUTO, "minReplicas": 1}, slotsPerPod=2, replicas=None)
        for pods in _SIZES:
            await one.change(autoscaling={"minReplicas": pods})
            costs.append(await _measure(one, operator, control_plane, pods))
    table = "\n".join(cost.row() for cost in costs)
    record_property("ticks", table)
    print(f"\n{_HEAD}\n{table}")
    small, middle, large = costs
    for less, more in ((small, middle), (middle, large)):
        # CPU time and not the clock's: what else runs on the machine is no cost of a tick.
        assert more.cpu_ms_per_second / more.pods <= less.cpu_ms_per_second / less.pods
        assert more.requests_per_minute <= less.requests_per_minute + 60


async def _measure(
    one: OperatorCluster, operator: OperatorProcess, plane: ControlPlane, pods: int
) -> Cost:
    async def all_accept() -> bool:
        return (await one.status()).get("accepting") == pods

    await one.until(all_accept, f"all {pods} accept", 120 + pods)
    before = await _look(one, operator, plane)

    async def has_ticked() -> bool:
        ticks = await asyncio.to_thread(_ticks, operator)
        return ticks >= before.ticks + _TICKS

    await one.until(has_ticked, f"it has thought {_TICKS} times more", 120)
    after = await _look(one, operator, plane)
    seconds = after.at - before.at
    return Cost(
        pods=pods,
        tick_ms=1000 * (after.tick_seconds - before.tick_seconds) / (after.ticks - before.ticks),
        cpu_ms_per_second=1000 * (after.cpu_seconds - before.cpu_seconds) / seconds,
        memory_mb=after.memory_bytes / 1e6,
        requests_per_minute=60 * (after.requests - before.requests) / seconds,
        created_ms=tuple([await _exhaust(one, plane) for _ in range(_TRIES)]),
    )


async def _exhaust(one: OperatorCluster, plane: ControlPlane) -> float:
    """Take all slots, and see how long it takes until a pod is made; then give them back."""
    workers = [one.kubelet.worker(name) for name in one.kubelet.lives]
    names = set(one.kubelet.lives)
    began_at = time.time()
    for worker in workers:
        worker.call(worker.report.free)
    await one.kubelet.until(lambda: not names.issuperset(one.kubelet.lives), 120)
    made = [event for event in _asked(one, plane) if _makes_a_pod(event)]
    made_at = [datetime.fromisoformat(event["stageTimestamp"]).timestamp() for event in made]
    for worker in workers:
        worker.hang_up(worker.report.active, seconds=1.0)

    async def rests() -> bool:
        status = await one.status()
        all_there = status["accepting"] == status["desired"] == len(one.kubelet.lives)
        return bool(status["calls"] == 0 and all_there)

    await one.until(rests, "all new pods accept and nobody talks")
    return 1000 * (min(at for at in made_at if at > began_at) - began_at)


async def _look(one: OperatorCluster, operator: OperatorProcess, plane: ControlPlane) -> Look:
    def look() -> Look:
        return Look(
            at=time.monotonic(),
            ticks=_ticks(operator),
            tick_seconds=operator.metric("reconcile_seconds_sum"),
            cpu_seconds=operator.metric("process_cpu_seconds_total", prefix=""),
            memory_bytes=operator.metric("process_resident_memory_bytes", prefix=""),
            requests=len(_asked(one, plane)),
        )

    return await asyncio.to_thread(look)


def _ticks(operator: OperatorProcess) -> float:
    return operator.metric("reconcile_seconds_count", step="plan")


def _asked(one: OperatorCluster, plane: ControlPlane) -> list[dict[str, Any]]:
    """Give what the operator asked of the API server for its fleets."""
    return [
        event
        for event in plane.audited()
        if one.namespace in event["requestURI"]
        and event["userAgent"].startswith(("kopf/", "python-httpx"))
        and not event["requestURI"].partition("?")[0].endswith(("/events", "/leases"))
    ]


def _makes_a_pod(event: dict[str, Any]) -> bool:
    return event["verb"] == "create" and event["objectRef"]["resource"] == "pods"
