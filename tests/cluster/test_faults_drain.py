"""A node is drained with calls on it: no worker can be evicted, each goes with its last call."""

import pytest
from call_ledger import WELL
from cluster_faults import draining, kill, operators_kubectl
from kube_api import ApiError
from real_fleet import RealFleet, RealFleets

from callfleet_contract.fleet.names import ACCEPTING_LABEL
from callfleet_tools.evaluation import Evaluation, fleets

LEAVES, STAYS = "node2", "node1"
CALLERS = 5
EIGHT_FIT_ONE_NODE = {"requests": {"cpu": "100m", "memory": "64Mi"}}
TOO_MANY_REQUESTS = 429


@pytest.mark.timeout(600)
async def test_no_busy_worker_of_a_drained_fleet_is_evicted_and_the_drain_ends_with_its_calls(
    real_fleets: RealFleets, evaluation: Evaluation
) -> None:
    # Two is what the scale subresource shows, while there are eight: whoever takes it for the size
    # allows evictions.
    auto = {"mode": "Auto", "syncSeconds": 1, "minReplicas": 8, "maxReplicas": 8}
    template = fleets.template(evaluation, resources=EIGHT_FIT_ONE_NODE)
    async with real_fleets(autoscaling=auto, replicas=2, slotsPerPod=1, template=template) as fleet:
        before = await nodes_of(fleet)
        await fleet.callers.call(CALLERS)
        await fleet.says("calls", to_be=CALLERS)
        await fleet.callers.have_talked()
        async with draining(fleet.stage.evaluation.cluster, LEAVES) as drain:
            with fleet.timed("drain to as many workers as before, on the other node"):
                await fleet.until(lambda: leaves(fleet), f"workers on {LEAVES} take no more calls")
                await fleet.says("accepting", to_be=8)
            busy = {name for name, calls in (await fleet.calls_of()).items() if calls}
            cordoned = {name for name in busy if before[name] == LEAVES}
            assert cordoned
            assert busy - cordoned
            assert {name: await evicted(fleet, name) for name in busy} == dict.fromkeys(
                busy, TOO_MANY_REQUESTS
            )
            await fleet.callers.talk_on()
            assert drain.goes_on

            ledger = await fleet.hang_up()
            with fleet.timed("last call to the end of the drain"):
                assert await drain.ends() == ""
        assert ledger.ends == [WELL] * CALLERS
        assert set((await nodes_of(fleet)).values()) == {STAYS}
        assert await fleet.operator.lost() == 0


@pytest.mark.timeout(600)
async def test_a_drain_goes_on_where_the_operator_dies_in_the_midst_of_it(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(replicas=2, slotsPerPod=2) as fleet:
        before = await nodes_of(fleet)
        (victim,) = (name for name, node in before.items() if node == LEAVES)
        await fleet.callers.call(3)
        await fleet.says("calls", to_be=3)
        await fleet.callers.have_talked()
        async with draining(fleet.stage.evaluation.cluster, LEAVES) as drain:
            await fleet.until(lambda: leaves(fleet), f"the worker on {LEAVES} takes no more calls")
            (first,) = await fleet.operator.pods()
            await kill(fleet.stage.evaluation, first)
            assert await evicted(fleet, victim) == TOO_MANY_REQUESTS
            with fleet.timed("operator killed to the worker in the other's place"):
                await fleet.says("accepting", to_be=2)
            await fleet.callers.talk_on()

            with fleet.timed("operator's pod deleted to the next that leads"):
                gone = first["metadata"]["name"]
                await operators_kubectl(fleet.stage.evaluation, "delete", "pod", gone)
                await fleet.until(lambda: leads_but(fleet, gone), "another operator leads")
            await fleet.callers.talk_on()
            assert (await fleet.calls_of())[victim]
            assert drain.goes_on

            ledger = await fleet.hang_up()
            assert await drain.ends() == ""
        assert victim not in await fleet.names()
        assert ledger.ends == [WELL] * 3
        assert await fleet.operator.lost() == 0


async def nodes_of(fleet: RealFleet) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in await fleet.pods()}


async def leaves(fleet: RealFleet) -> bool:
    """Whether all that is left on the node takes no more calls."""
    pods = [pod for pod in await fleet.pods() if pod["spec"].get("nodeName") == LEAVES]
    return all(pod["metadata"]["labels"][ACCEPTING_LABEL] == "false" for pod in pods)


async def evicted(fleet: RealFleet, pod: str) -> int:
    """Ask for a pod's eviction, and give what the API server answers."""
    at = f"/api/v1/namespaces/{fleet.namespace}/pods/{pod}/eviction"
    metadata = {"name": pod, "namespace": fleet.namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    try:
        await fleet.ask("POST", at, eviction)
    except ApiError as error:
        return error.status
    return 201


async def leads_but(fleet: RealFleet, gone: str) -> bool:
    """Whether an operator leads that is not in this pod."""
    at = f"/apis/coordination.k8s.io/v1/namespaces/{fleet.stage.evaluation.namespace}/leases"
    lease = await fleet.ask("GET", f"{at}/callfleet-operator")
    holder = str(lease["spec"].get("holderIdentity") or "")
    return holder != "" and not holder.startswith(gone)
