"""Fleets of real pods become larger and smaller, down to nothing, while callers talk with them."""

import pytest
from call_ledger import WELL
from real_fleet import RealFleets

WAVE, STAYING, CALLERS = 5, 2, 10
PERIOD_SECONDS = 10
QUICKLY = {
    "mode": "Auto",
    "minReplicas": 2,
    "maxReplicas": 6,
    "syncSeconds": 1,
    # One wave does not fill two workers, nor two waves three; a worker more is wanted for each.
    "headroom": {"minIdleSlots": 9, "answerSLO": 0.51, "leadTimeSeconds": 1},
    "scaleDown": {
        "stabilizationSeconds": 5,
        "maxPercent": 25,
        "periodSeconds": PERIOD_SECONDS,
        "minPodAgeSeconds": 0,
    },
}


@pytest.mark.timeout(600)
async def test_an_auto_fleet_grows_before_anyone_waits_and_shrinks_by_one_worker_at_a_time(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(autoscaling=QUICKLY, slotsPerPod=6) as fleet:
        begun = fleet.history.mark()
        first = await fleet.callers.call(WAVE, at_once=True)
        with fleet.timed("first wave to the third worker"):
            await fleet.says("accepting", to_be=3)
        second = await fleet.callers.call(WAVE, at_once=True)
        with fleet.timed("second wave to the fourth worker"):
            await fleet.says("accepting", to_be=4)
        await fleet.says("calls", to_be=2 * WAVE)
        await fleet.callers.have_talked()
        grown = fleet.history.mark()
        assert fleet.history.sizes(since=begun) == [2, 3, 4]
        assert all(one.calls < one.slots for one in fleet.history.moments[begun:])

        with fleet.timed("quiet to two workers"):
            await fleet.callers.hang_up([*first, *second][STAYING:])
            await fleet.has_pods(2)
        assert fleet.history.sizes(since=grown) == [4, 3, 2]
        # Callers left within a few seconds: it is their fleet that took its time.
        since = {one.accepting: one.at_seconds for one in reversed(fleet.history.moments[grown:])}
        assert since[2] - since[3] > PERIOD_SECONDS / 2
        assert (await fleet.status())["calls"] == STAYING
        await fleet.callers.talk_on()

        ledger = await fleet.hang_up()
        assert ledger.ends == [WELL] * 2 * WAVE
        assert await fleet.operator.lost() == 0


@pytest.mark.timeout(600)
async def test_a_fleet_goes_to_zero_with_its_calls_and_comes_back_when_kubectl_scale_says_so(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(replicas=2, slotsPerPod=6) as fleet:
        workers = await fleet.names()
        await fleet.callers.call(CALLERS)
        await fleet.callers.have_talked()
        await fleet.kubectl("scale", f"vf/{fleet.name}", "--replicas=0")
        await fleet.says("accepting", to_be=0)
        await fleet.callers.talk_on()

        await fleet.kubectl("scale", f"vf/{fleet.name}", "--replicas=1")
        await fleet.says("accepting", to_be=1)
        assert await fleet.names() == workers
        await fleet.kubectl("scale", f"vf/{fleet.name}", "--replicas=0")
        await fleet.says("accepting", to_be=0)
        with fleet.timed("last call to no worker"):
            await fleet.hang_up()
            await fleet.has_pods(0)

        with fleet.timed("no worker to the first reply"):
            await fleet.kubectl("scale", f"vf/{fleet.name}", "--replicas=1")
            await fleet.says("accepting", to_be=1)
            await fleet.callers.call(1)
            await fleet.callers.talk_on()
        ledger = await fleet.hang_up()
        assert ledger.ends == [WELL] * (CALLERS + 1)
        assert await fleet.operator.lost() == 0
