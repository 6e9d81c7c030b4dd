"""Clocks that are hours apart make no difference: not the API server's, and no worker's."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from operator_stand import fleet, stand, until

from callfleet_contract.admission import Order, Report

HOURS = 3600.0


@pytest.mark.parametrize("ahead_seconds", [-5 * HOURS, 5 * HOURS])
async def test_a_pod_is_as_old_as_the_api_server_says_by_its_own_clock(
    ahead_seconds: float,
) -> None:
    async with stand(operators=0) as one:
        one.kube.ahead_seconds = ahead_seconds
        one.start_operator()
        # One that has no node for long would be told of.
        one.kubelet.node = ""
        scaling = {"mode": "Auto", "syncSeconds": 1, "headroom": {"minIdleSlots": 0}}
        young = {"stabilizationSeconds": 0, "minPodAgeSeconds": 300}
        auto = {**scaling, "minReplicas": 2, "scaleDown": young}
        await one.kube.put("voicefleets", fleet(autoscaling=auto))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        await one.change(autoscaling={**auto, "minReplicas": 1})
        await until(lambda: one.status().get("observedGeneration") == 2, "the change is seen")
        await one.ticks(2)
        assert "Degraded" not in one.conditions()
        assert one.status()["accepting"] == 2


async def test_events_are_dated_by_the_api_servers_clock() -> None:
    async with stand(operators=0) as one:
        one.kube.ahead_seconds = 5 * HOURS
        one.start_operator()
        await one.kube.put("voicefleets", fleet())
        await until(lambda: "PodCreated" in one.event_reasons(), "an Event tells of the pod")
        told = [datetime.fromisoformat(one["lastTimestamp"]) for one in one.kube.of("events")]
        ahead = max(told) - datetime.now(UTC)
        assert ahead > timedelta(seconds=4 * HOURS)


def test_nothing_that_worker_and_operator_say_to_each_other_has_a_date() -> None:
    told = {one.name for one in (*fields(Report), *fields(Order))}
    assert not {name for name in told if name.endswith(("_at", "_since", "time", "date"))}
