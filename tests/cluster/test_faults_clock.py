"""A clock that is wrong ends no call, and whoever minds says so with what to do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from call_ledger import WELL
from cluster_faults import kill, operators_kubectl
from fleets import fleets_path
from node_kubectl import NodeKubectl
from other_clock import ENVIRONMENT, MOUNT, NAME, VOLUME, library, set_ahead, worn
from real_fleet import RealFleet, RealFleets

from callfleet_tools.evaluation import Evaluation, fleets

Object = dict[str, Any]
HOUR = 3600
CALLERS = 3
OPERATOR = "deployment/callfleet-operator"


@pytest.fixture
def clock(kubectl: NodeKubectl, tmp_path: Path) -> Object:
    """What pods load to have another time, in the test's own namespace."""
    made = library(tmp_path)
    kubectl.apply([made], tmp_path / "clock.json")
    return made


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("clock")
async def test_a_worker_an_hour_ahead_keeps_its_calls_and_is_told_by_its_clock_when_it_comes_back(
    real_fleets: RealFleets, evaluation: Evaluation
) -> None:
    template = worn(fleets.template(evaluation))
    async with real_fleets(replicas=1, slotsPerPod=4, template=template) as fleet:
        (worker,) = await fleet.names()
        early = await fleet.callers.call(CALLERS - 1)
        await fleet.says("calls", to_be=CALLERS - 1)
        await fleet.callers.have_talked()
        await fleet.kubectl("exec", worker, "--", *set_ahead(HOUR))
        late = await fleet.callers.call(1)
        await fleet.callers.talk_on([*early, *late])
        ledger = await fleet.hang_up()
        assert ledger.ends == [WELL] * CALLERS
        assert await fleet.operator.lost() == 0

        (pod,) = await fleet.pods()
        with fleet.timed("worker started an hour ahead, to the status that says so"):
            await kill(evaluation, pod)
            await fleet.until(lambda: is_told_by_its_clock(fleet), "the status tells of the clock")
        with fleet.timed("clock set to a worker that takes calls"):
            await fleet.kubectl("exec", worker, "--", *set_ahead(0))
            await fleet.says("accepting", to_be=1)
        assert await fleet.names() == {worker}


@pytest.mark.timeout(600)
async def test_an_operator_whose_clock_jumps_an_hour_ends_no_drain_before_its_time(
    real_fleets: RealFleets, evaluation: Evaluation, clock: Object
) -> None:
    drain = {"onDeadline": "Terminate", "maxCallSeconds": 600}
    async with with_clock(evaluation, clock), real_fleets(replicas=1, drain=drain) as fleet:
        await fleet.callers.call(CALLERS)
        await fleet.says("calls", to_be=CALLERS)
        await fleet.callers.have_talked()
        await fleet.change(replicas=0)
        await fleet.says("draining", to_be=1)

        await operators_kubectl(evaluation, "exec", OPERATOR, "--", *set_ahead(HOUR))
        await fleet.callers.talk_on()
        # The next one finds its clock so when it begins, and an order that the last one dated.
        (pod,) = await fleet.operator.pods()
        await kill(evaluation, pod)
        await fleet.until(lambda: tells_of_its_clock(fleet), "the next tells of its clock")
        await fleet.change(rollout={"pauseSeconds": 1})
        generation = (await fleet.ask("GET", fleets_path(fleet.namespace, fleet.name)))["metadata"]
        await fleet.says("observedGeneration", to_be=generation["generation"])
        await fleet.callers.talk_on()

        ledger = await fleet.hang_up()
        await fleet.has_pods(0)
        assert ledger.ends == [WELL] * CALLERS
        assert await fleet.operator.lost() == 0


@asynccontextmanager
async def with_clock(evaluation: Evaluation, clock: Object) -> AsyncIterator[None]:
    """Have the operator run where its clock can be moved."""
    own = {"name": "operator", "env": [ENVIRONMENT], "volumeMounts": [MOUNT]}
    change = {"spec": {"template": {"spec": {"containers": [own], "volumes": [VOLUME]}}}}
    ready = ("rollout", "status", OPERATOR, "--timeout=180s")
    path = f"/api/v1/namespaces/{evaluation.namespace}/configmaps"
    gone = ("delete", "configmap", NAME, "--ignore-not-found")
    await operators_kubectl(evaluation, *gone)
    await asyncio.to_thread(evaluation.cluster.api.ask, "POST", path, clock)
    try:
        await operators_kubectl(evaluation, "patch", OPERATOR, f"--patch={json.dumps(change)}")
        await operators_kubectl(evaluation, *ready)
        yield
    finally:
        await operators_kubectl(evaluation, "rollout", "undo", OPERATOR)
        await operators_kubectl(evaluation, *ready)
        await operators_kubectl(evaluation, *gone)


async def is_told_by_its_clock(fleet: RealFleet) -> bool:
    told = {one["type"]: one for one in (await fleet.status())["conditions"]}["Degraded"]
    ahead = "whose clock is 60 min ahead of LiveKit's" in told["message"]
    return told["status"] == "True" and ahead and "set the clock" in told["message"]


async def tells_of_its_clock(fleet: RealFleet) -> bool:
    lines = [line for log in fleet.operator.logs.read() for line in log.lines]
    told = [line for line in lines if "this operator's clock is not" in str(line.get("event"))]
    return any(abs(line["ahead_seconds"] - HOUR) < 60 for line in told)
