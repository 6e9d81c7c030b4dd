"""Who cannot be reached for a while is missed by those who look after calls, and by no caller."""

import asyncio

import pytest
from call_ledger import WELL
from cluster_faults import cut_off
from real_fleet import RealFleet, RealFleets

from callfleet_contract.fleet.names import ADMISSION_PORT

AWAY_SECONDS = 60.0
IMPATIENT = {"mode": "Manual", "syncSeconds": 1, "metrics": {"staleAfterSeconds": 5}}


@pytest.mark.timeout(600)
async def test_a_worker_whose_admission_port_is_cut_off_is_named_and_its_calls_go_on(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(replicas=2, slotsPerPod=3, autoscaling=IMPATIENT) as fleet:
        await fleet.callers.call(4)
        await fleet.says("calls", to_be=4)
        await fleet.callers.have_talked()
        pods = {pod["metadata"]["name"]: pod for pod in await fleet.pods()}
        victim = min(pods)
        async with cut_off(pods[victim], ADMISSION_PORT):
            with fleet.timed("port cut off to the status that names the worker"):
                await fleet.until(lambda: is_missed(fleet, victim), f"{victim} is missed")
            # What is not heard is busy: the fleet may not shrink, least of all by this one.
            await fleet.change(replicas=1)
            await fleet.callers.talk_on()
            assert await fleet.names() == set(pods)
            assert (await fleet.status())["calls"] == 4
            await fleet.change(replicas=2)
        with fleet.timed("port joined again to all well"):
            await fleet.until(lambda: is_well(fleet), "all is well again")
        await fleet.says("accepting", to_be=2)
        await fleet.callers.talk_on()

        ledger = await fleet.hang_up()
        assert ledger.ends == [WELL] * 4
        assert await fleet.names() == set(pods)
        assert {one.draining for one in fleet.history.moments} == {0}
        assert await fleet.operator.lost() == 0


@pytest.mark.timeout(600)
async def test_without_an_api_server_calls_go_on_and_begin_and_the_operator_catches_up(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(replicas=2, slotsPerPod=3) as fleet:
        early = await fleet.callers.call(3)
        await fleet.says("calls", to_be=3)
        await fleet.callers.have_talked()
        before = await fleet.names()
        server = fleet.stage.evaluation.cluster.parts["kube-apiserver"]
        with server.stalled():
            away = asyncio.create_task(asyncio.sleep(AWAY_SECONDS))
            late = await fleet.callers.call(2)
            await fleet.callers.talk_on([*early, *late])
            await fleet.callers.hang_up(early[:1])
            await away
            await fleet.callers.talk_on([*early[1:], *late])
        with fleet.timed("API server back to a status that is true"):
            await fleet.says("calls", to_be=4)
            await fleet.says("accepting", to_be=2)
        assert await fleet.names() == before
        with fleet.timed("API server back, one worker more"):
            await fleet.change(replicas=3)
            await fleet.says("accepting", to_be=3)

        ledger = await fleet.hang_up()
        assert ledger.ends == [WELL] * 5
        assert await fleet.operator.lost() == 0


async def degraded(fleet: RealFleet) -> str:
    told = {one["type"]: one for one in (await fleet.status())["conditions"]}["Degraded"]
    return str(told["message"]) if told["status"] == "True" else ""


async def is_missed(fleet: RealFleet, pod: str) -> bool:
    told = await degraded(fleet)
    return f"1 worker not heard for 5 s ({pod})" in told and "reaches their admission port" in told


async def is_well(fleet: RealFleet) -> bool:
    return await degraded(fleet) == ""
