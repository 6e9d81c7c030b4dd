"""An operator makes of a fleet what its user wrote, on an API server that is a fake."""

from typing import Any

from operator_stand import fleet, stand, until


async def test_a_new_fleet_gets_its_pods_and_says_so() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(replicas=3))
        await until(lambda: one.status().get("accepting") == 3, "three workers accept")
        assert len(one.pods()) == 3
        assert one.status()["slots"] == 30
        assert one.status()["selector"] == (
            "callfleet.dev/fleet=talkers,callfleet.dev/accepting=true"
        )
        assert [one["metadata"]["name"] for one in one.kube.of("poddisruptionbudgets")] == [
            "talkers"
        ]
        assert len(one.kube.of("controllerrevisions")) == 1


async def test_a_fleet_that_is_made_smaller_lets_the_calls_of_its_worker_finish() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        first, second = one.kubelet.of("talkers")
        await first.take(2)
        await second.take(1)
        await one.kube.put("voicefleets", _changed(one.kube.one("voicefleets", "talkers"), 1))
        await until(lambda: second.report.cordoned, "the worker with fewer calls is cordoned")
        assert not first.report.cordoned
        assert len(one.pods()) == 2
        await second.end(1)
        await until(lambda: len(one.kube.of("pods")) == 1, "its pod is gone once it has none")
        assert first.report.calls == 2
        assert one.metric("calls_ended_by_infrastructure_total") == 0


def _changed(there: dict[str, Any], replicas: int) -> dict[str, Any]:
    return {**there, "spec": {**there["spec"], "replicas": replicas}}
