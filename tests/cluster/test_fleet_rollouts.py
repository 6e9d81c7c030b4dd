"""Workers of real pods are replaced by new ones, thrice over, and nobody's call ends by it."""

import pytest
from call_ledger import WELL
from real_fleet import RealFleet, RealFleets

from callfleet_contract.fleet.names import REVISION_LABEL

QUICKLY = {"minReadySeconds": 0, "maxSurge": 1, "progressDeadlineSeconds": 30}
NOT_THERE = {"image": "callfleet.invalid/worker:1", "imagePullPolicy": "Never"}


@pytest.mark.timeout(600)
async def test_calls_outlive_a_rollout_another_in_its_middle_and_one_that_fails(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(replicas=2, slotsPerPod=6, rollout=QUICKLY) as fleet:
        image = (await fleet.spec())["template"]["image"]
        first = (await fleet.rollout())["current"]
        await fleet.callers.call(6)
        await fleet.callers.have_talked()

        with fleet.timed("change to the first worker of the second revision"):
            await fleet.change(persona={"voice": "Kore"})
            await fleet.until(lambda: accepts_beside(fleet, first), "a new revision takes calls")
        second = (await fleet.rollout())["target"]
        await fleet.callers.call(2)
        assert (await fleet.rollout())["phase"] == "Rolling"
        with fleet.timed("change to the third revision alone"):
            await fleet.change(persona={"voice": "Puck"})
            old = {first, second}
            await fleet.until(lambda: has_rolled(fleet, old), "the third revision is alone")
        third = (await fleet.rollout())["current"]
        await fleet.callers.call(2)
        await fleet.says("calls", to_be=10)
        await fleet.callers.have_talked()
        workers = await revisions(fleet)

        with fleet.timed("broken image to its undoing"):
            await fleet.change(template=NOT_THERE)
            await fleet.until(lambda: is_(fleet, "Undone"), "the broken image is undone")
        await fleet.until(lambda: runs_nothing_but(fleet, workers), "its pods are gone")
        await fleet.says("accepting", to_be=2)
        await fleet.change(template={"image": image})
        await fleet.until(lambda: is_(fleet, "Complete"), "the third revision is asked for again")
        await fleet.callers.talk_on()

        ledger = await fleet.hang_up()
        await fleet.has_pods(2)
        assert ledger.ends == [WELL] * 10
        assert {first, third} <= {workers[entry.pod] for entry in ledger.entries}
        assert await fleet.operator.lost() == 0


async def revisions(fleet: RealFleet) -> dict[str, str]:
    pods = [pod["metadata"] for pod in await fleet.pods()]
    return {pod["name"]: pod["labels"][REVISION_LABEL] for pod in pods}


async def accepts_beside(fleet: RealFleet, old: str) -> bool:
    told = await fleet.rollout()
    return bool(told["target"] != old and told["accepted"])


async def is_(fleet: RealFleet, phase: str) -> bool:
    return bool((await fleet.rollout())["phase"] == phase)


async def has_rolled(fleet: RealFleet, old: set[str]) -> bool:
    told = await fleet.rollout()
    return told["phase"] == "Complete" and told["current"] not in old


async def runs_nothing_but(fleet: RealFleet, workers: dict[str, str]) -> bool:
    return await fleet.names() <= set(workers)
