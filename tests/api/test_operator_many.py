"""What a tick costs at 10, 100 and 1,000 pods: linear or better, and no request per pod."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from control_plane import ControlPlane
from operator_cluster import Clustered, OperatorCluster
from operator_process import OperatorProcess

_TICKS = 10
_AUTO = {
    "mode": "Auto",
    "syncSeconds": 1,
    "maxReplicas": 2000,
    "headroom": {"minIdleSlots": 1},
    "scaleUp": {"maxPods": 2000},
}
_SIZES = (10, 100, 1000)


@dataclass(frozen=True)
class Cost:
    """Of an operator at rest, each of whose workers reports every two seconds."""

    pods: int
    tick_ms: float
    cpu_ms_per_second: float
    memory_mb: float
    requests_per_minute: float
    created_seconds: float
    """From the moment that the last slot is taken to the next pod, as one sees it who asks."""

    def row(self) -> str:
        figures = (self.tick_ms, self.cpu_ms_per_second, self.memory_mb, self.requests_per_minute)
        told = " | ".join(f"{figure:.1f}" for figure in figures)
        return f"| {self.pods} | {told} | {self.created_seconds:.2f} |"


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
    print(f"\n| pods | tick ms | CPU ms/s | MB | requests/min | created s |\n{table}")
    small, _, large = costs
    assert large.tick_ms / large.pods <= small.tick_ms / small.pods
    assert large.requests_per_minute <= small.requests_per_minute + 60


async def _measure(
    one: OperatorCluster, operator: OperatorProcess, plane: ControlPlane, pods: int
) -> Cost:
    async def all_accept() -> bool:
        return (await one.status()).get("accepting") == pods

    await one.until(all_accept, f"all {pods} accept", 900)
    before = await _look(one, operator, plane)
    while True:
        await asyncio.sleep(1)
        after = await _look(one, operator, plane)
        if after.ticks >= before.ticks + _TICKS:
            break
    seconds = after.at - before.at
    return Cost(
        pods=pods,
        tick_ms=1000 * (after.tick_seconds - before.tick_seconds) / (after.ticks - before.ticks),
        cpu_ms_per_second=1000 * (after.cpu_seconds - before.cpu_seconds) / seconds,
        memory_mb=after.memory_bytes / 1e6,
        requests_per_minute=60 * (after.requests - before.requests) / seconds,
        created_seconds=await _exhaust(one),
    )


async def _exhaust(one: OperatorCluster) -> float:
    """Take all slots, and see how long it takes until there is a pod more; then give them back."""
    names = set(one.kubelet.light.by_name)
    workers = list(one.kubelet.light.by_name.values())
    began_at = time.monotonic()
    for worker in workers:
        worker.call(worker.report.free)
    await one.kubelet.until(lambda: not names.issuperset(one.kubelet.lives), 120)
    took = time.monotonic() - began_at
    for worker in workers:
        worker.hang_up(worker.report.active)
    return took


async def _look(one: OperatorCluster, operator: OperatorProcess, plane: ControlPlane) -> Look:
    def look() -> Look:
        asked = [
            event
            for event in plane.audited()
            if one.namespace in event["requestURI"]
            and event["userAgent"].startswith(("kopf/", "python-httpx"))
            and not event["requestURI"].partition("?")[0].endswith(("/events", "/leases"))
        ]
        return Look(
            at=time.monotonic(),
            ticks=operator.metric("reconcile_seconds_count", step="plan"),
            tick_seconds=operator.metric("reconcile_seconds_sum"),
            cpu_seconds=operator.metric("process_cpu_seconds_total", prefix=""),
            memory_bytes=operator.metric("process_resident_memory_bytes", prefix=""),
            requests=len(asked),
        )

    return await asyncio.to_thread(look)
