"""Kubernetes' own autoscaler decides the size of a fleet by an external metric; no call is cut."""

import pytest
from call_ledger import WELL
from external_metrics import Site, autoscaler, external_metric
from real_fleet import RealFleets

from callfleet_tools.evaluation import Evaluation


@pytest.mark.timeout(600)
async def test_an_autoscaler_makes_a_fleet_larger_and_smaller_and_no_call_is_ended_by_it(
    real_fleets: RealFleets, evaluation: Evaluation
) -> None:
    async with real_fleets(replicas=1, slotsPerPod=2) as fleet:
        early = await fleet.callers.call(2)
        await fleet.says("calls", to_be=2)
        await fleet.callers.have_talked()
        site = Site(fleet.namespace, fleet.stage.folder, evaluation.cluster.layout.host_address)
        with external_metric(evaluation.cluster.api, site) as metric:
            path = f"/apis/autoscaling/v2/namespaces/{fleet.namespace}/horizontalpodautoscalers"
            await fleet.ask("POST", path, autoscaler(fleet.name, calls_per_pod=2, most=3))
            with fleet.timed("six calls wanted to three workers"):
                metric.value = 6
                await fleet.says("accepting", to_be=3)
            late = await fleet.callers.call(4)
            await fleet.says("calls", to_be=6)
            await fleet.callers.talk_on([*early, *late])

            with fleet.timed("two calls wanted to one worker that takes them"):
                metric.value = 2
                await fleet.says("draining", to_be=2)
            await fleet.callers.talk_on()
            assert (await fleet.status())["calls"] == 6

            ledger = await fleet.hang_up()
            with fleet.timed("last call to one worker left"):
                await fleet.has_pods(1)
        assert ledger.ends == [WELL] * 6
        assert await fleet.operator.lost() == 0
