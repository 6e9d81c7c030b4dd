"""What ``kubectl get vf -w`` shows of a burst and a rollout."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fleets import IMAGE
from kubectl import Kubectl
from operator_cluster import Clustered, OperatorCluster

_SLOTS = 5
_BUSY = 18
_AUTO = {
    "mode": "Auto",
    "syncSeconds": 1,
    "minReplicas": 2,
    "maxReplicas": 12,
    "headroom": {"minIdleSlots": 2},
}
_HEAD = ["NAME", "ACCEPTING", "DRAINING", "CALLS", "SLOTS", "DESIRED", "WHY", "AGE"]


async def test_kubectl_tells_a_burst_and_a_rollout_from_row_to_row(
    clustered: Clustered,
    kubectl: Kubectl,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    shown = tmp_path / "shown"
    async with clustered() as one:
        one.start()
        await one.create(autoscaling=_AUTO, slotsPerPod=_SLOTS, replicas=None)
        await one.says("accepting", to_be=2)
        await one.says("why", to_be="Idle")
        async with _watching(kubectl, shown):
            await one.until(lambda: _shows(shown), "kubectl shows the fleet")
            await _burst(one)
            await one.change(template={"image": IMAGE, "labels": {"second": "revision"}})
            await one.until(lambda: _is_rolled(one), "no worker of the old revision accepts")
            await one.says("calls", to_be=_BUSY)
            for worker in await one.workers():
                worker.hang_up(worker.report.active, seconds=2.0)
            await one.until(lambda: _is_over(one), "nobody talks and nothing drains")
    text = shown.read_text(encoding="utf-8")
    record_property("shown", text)
    print(f"\n$ kubectl get vf -w\n{text}")
    head, *rows = [line.split() for line in text.splitlines()]
    assert head == _HEAD
    told = [dict(zip(head, row, strict=True)) for row in rows]
    calls = [int(row["CALLS"]) for row in told]
    most = calls.index(_BUSY)
    assert calls == sorted(calls[:most]) + sorted(calls[most:], reverse=True)
    assert "SlotsRanOut" in {row["WHY"] for row in told[:most]}
    rolling = [row for row in told if row["WHY"] == "Rolling"]
    assert {row["CALLS"] for row in rolling} == {str(_BUSY)}
    assert any(row["DRAINING"] != "0" for row in rolling)
    assert (told[-1]["CALLS"], told[-1]["DRAINING"]) == ("0", "0")


async def _burst(one: OperatorCluster) -> None:
    """Have calls come faster than there are slots, until all are there."""
    calls = 0

    async def all_came() -> bool:
        nonlocal calls
        for worker in await one.workers():
            if worker.report.accepting:
                calls += worker.call(_BUSY - calls)
        return calls == _BUSY

    await one.until(all_came, f"{_BUSY} calls found a slot")
    await one.says("calls", to_be=_BUSY)


async def _is_rolled(one: OperatorCluster) -> bool:
    pods = await one.pods()
    old = [pod["metadata"]["labels"] for pod in pods if "second" not in pod["metadata"]["labels"]]
    is_there = len(old) < len(pods)
    return is_there and all(each["callfleet.dev/accepting"] == "false" for each in old)


async def _is_over(one: OperatorCluster) -> bool:
    status = await one.status()
    return (status["calls"], status["draining"]) == (0, 0)


async def _shows(shown: Path) -> bool:
    return "Idle" in await asyncio.to_thread(shown.read_text, encoding="utf-8")


@asynccontextmanager
async def _watching(kubectl: Kubectl, shown: Path) -> AsyncIterator[None]:
    """Have kubectl write what it shows to a file."""
    with shown.open("w", encoding="utf-8") as file:
        watch = await asyncio.create_subprocess_exec(
            *kubectl.command("get", "vf", "-w"), env=kubectl.environment, stdout=file
        )
        try:
            yield
        finally:
            watch.kill()
            await watch.wait()
