"""Whoever is on call is told of what goes wrong with fleets, by a real operator on a real API.

Workers are light ones: what the operator hears of them is what its alerts are about.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from oncall_watch import Case, Watch, complaint, note, watching
from operator_cluster import Clustered, OperatorCluster
from operator_process import OperatorProcess
from puzzled_operator import PROGRAM, PUZZLE

from callfleet_rehearsal.stack.monitoring import operator_target

pytestmark = pytest.mark.timeout(1500)

Object = dict[str, Any]
ABSENT = "CallfleetOperatorAbsent"
CASES = (
    Case("CallfleetCallsEndedByInfrastructure", "cut", "a worker with two calls is killed"),
    Case("CallfleetReconcileErrors", PUZZLE, "a bug: every tick of a fleet raises"),
    Case("CallfleetFleetDegraded", "refused", "a quota refuses the pods of a new fleet"),
    Case("CallfleetNoCapacity", "full", "workers of a full fleet pass calls on"),
)
"""That of want of capacity is measured where callers wait; here it is the operator that says so."""
GONE = Case(ABSENT, "operator", "the only operator is killed")
ELSEWHERE = ("CallfleetNoCapacity",)
UNSCRAPED = {"CallfleetSliAbsent"}
"""Light workers have no metrics: that nobody measures their calls is told, and rightly."""
OFFERS_SECONDS = 5.0


async def lay_out(one: OperatorCluster) -> None:
    """Make fleets that are well."""
    for name in ("well", "cut", "full"):
        await one.create(name, slotsPerPod=2)
        await one.says("accepting", to_be=1, name=name)


async def strike(one: OperatorCluster, watch: Watch) -> None:
    """Have each fleet but one suffer, now that all are known: what was never seen cannot grow."""
    lost = "callfleet_calls_ended_by_infrastructure_total"

    async def seen() -> bool:
        return await asyncio.to_thread(watch.sees, f'{lost}{{fleet="cut"}}')

    await one.until(seen, "Prometheus knows of the fleet")
    (pod,) = [each for each in await one.pods() if is_of(each, "cut")]
    name = pod["metadata"]["name"]
    one.kubelet.worker(name).call(2)
    await one.says("calls", to_be=2, name="cut")
    watch.strike("cut")
    one.kubelet.kill(name)
    watch.strike(PUZZLE)
    await one.create(PUZZLE)
    await forbid_more_pods(one)
    watch.strike("refused")
    await one.create("refused")


def is_of(pod: Object, fleet: str) -> bool:
    return str(pod["metadata"]["name"]).startswith(f"{fleet}-")


async def forbid_more_pods(one: OperatorCluster) -> None:
    """Set a quota of the pods that there are; its status is what a controller would write."""
    path = f"/api/v1/namespaces/{one.namespace}/resourcequotas"
    there = {"pods": str(len(await one.things("api/v1/pods")))}
    quota = {"metadata": {"name": "enough"}, "spec": {"hard": there}}
    made = await one.ask("POST", path, quota)
    made["status"] = {"hard": there, "used": there}
    await one.ask("PUT", f"{path}/enough/status", made)


async def keep_offering(one: OperatorCluster, watch: Watch) -> None:
    """Have a worker that is full be offered calls, which it passes on."""
    (pod,) = [each for each in await one.pods() if is_of(each, "full")]
    worker = one.kubelet.worker(pod["metadata"]["name"])
    worker.call(2)
    await one.says("calls", to_be=2, name="full")
    watch.strike("full")
    while True:
        worker.say(refused_total=worker.report.refused_total + 1)
        await asyncio.sleep(OFFERS_SECONDS)


@asynccontextmanager
async def watched(
    clustered: Clustered, folder: Path
) -> AsyncIterator[tuple[OperatorCluster, OperatorProcess, Watch]]:
    async with clustered() as one:
        one.operators.program = (str(PROGRAM),)
        operator = await asyncio.to_thread(one.start)
        watch = watching(folder / "watch", [operator_target(f"{operator.url}/metrics")])
        with watch as watched_by:
            yield one, operator, watched_by


async def test_somebody_is_told_of_every_fault_and_when_no_operator_is_left(
    clustered: Clustered, tmp_path: Path
) -> None:
    async with watched(clustered, tmp_path) as (one, operator, watch):
        await lay_out(one)
        offering = asyncio.create_task(keep_offering(one, watch))
        await strike(one, watch)
        for case in CASES:
            told = await asyncio.to_thread(watch.told, case.alert, case.scene)
            assert complaint(case, told) == ""
            if case.alert not in ELSEWHERE:
                note(case, told.arrived - watch.struck[case.scene])
        offering.cancel()
        assert watch.all_told("well") <= UNSCRAPED
        watch.strike(GONE.scene)
        await asyncio.to_thread(operator.kill)
        told = await asyncio.to_thread(watch.told, ABSENT, GONE.scene)
        assert complaint(GONE, told) == ""
        note(GONE, told.arrived - watch.struck[GONE.scene])
