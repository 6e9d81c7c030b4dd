"""Workers go from under their calls: deleted, they wait for them; killed, they cannot."""

import pytest
from call_ledger import WELL
from real_fleet import RealFleet, RealFleets

CALLERS = 10


@pytest.mark.timeout(600)
async def test_a_worker_that_is_deleted_stays_until_its_callers_have_hung_up(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(replicas=2, slotsPerPod=6) as fleet:
        victim, held = await with_calls(fleet)
        with fleet.timed("deletion to the replacement"):
            await fleet.kubectl("delete", "pod", victim, "--wait=false")
            await fleet.says("draining", to_be=1)
            await fleet.says("accepting", to_be=2)
        await fleet.callers.talk_on()
        assert (await fleet.calls_of())[victim] == held

        with fleet.timed("last call to the end of the deleted worker"):
            ledger = await fleet.hang_up()
            await fleet.has_pods(2)
        assert victim not in await fleet.names()
        assert ledger.ends == [WELL] * CALLERS
        assert len(ledger.of(victim)) == held
        assert fleet.said(victim, "worker stopped")
        assert await fleet.operator.lost() == 0


@pytest.mark.timeout(600)
async def test_of_a_worker_that_is_killed_as_many_calls_are_counted_as_callers_were_cut(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(replicas=2, slotsPerPod=6) as fleet:
        victim, held = await with_calls(fleet)
        with fleet.timed("kill to the count, by when the worker is back"):
            await fleet.kill(victim)
            await fleet.until(lambda: has_lost(fleet, held), f"{held} calls are counted as lost")
            await fleet.says("accepting", to_be=2)

        ledger = await fleet.hang_up()
        assert [(one.seen, one.said) for one in ledger.but_of(victim)] == [WELL] * (CALLERS - held)
        assert [one.said for one in ledger.of(victim)] == [""] * held
        assert all(one.heard < one.turns for one in ledger.of(victim))
        assert await fleet.operator.lost() == held


async def with_calls(fleet: RealFleet) -> tuple[str, int]:
    """Have callers talk, and give the worker that has most of them, and how many."""
    await fleet.callers.call(CALLERS)
    await fleet.says("calls", to_be=CALLERS)
    await fleet.callers.have_talked()
    held = await fleet.calls_of()
    busiest = max(held, key=lambda name: held[name])
    return busiest, held[busiest]


async def has_lost(fleet: RealFleet, calls: int) -> bool:
    return await fleet.operator.lost() == calls
