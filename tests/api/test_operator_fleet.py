"""An operator on a real API server makes of a fleet what its user wrote, and ends no call."""

import asyncio

from kubectl import Kubectl
from operator_cluster import Clustered

from callfleet_rehearsal.stack.processes import Child

LOST = "calls_ended_by_infrastructure_total"
REFUSED = {
    "apiserver_request_total{code=",
    "429",
    ",resource=",
    "pods",
    ",subresource=",
    "eviction",
}
"""What the API server counts for each eviction that it refused."""


async def test_a_new_fleet_gets_all_that_it_needs_and_says_so(
    clustered: Clustered, kubectl: Kubectl
) -> None:
    async with clustered() as one:
        one.start()
        await one.create(replicas=2)
        waited = await asyncio.to_thread(
            kubectl, "wait", "vf/support", "--for=condition=Available", "--timeout=90s"
        )
        assert waited.returncode == 0, waited.stderr
        await one.says("accepting", to_be=2)
        status = await one.status()
        assert status["slots"] == 20
        assert status["freeSlots"] == 20
        assert status["replicas"] == 2
        assert status["observedGeneration"] == 1
        (revision,) = await one.things("apis/apps/v1/controllerrevisions")
        pods = await one.pods()
        label = revision["metadata"]["labels"]["callfleet.dev/revision"]
        assert {pod["metadata"]["labels"]["callfleet.dev/revision"] for pod in pods} == {label}
        assert all(pod["metadata"]["ownerReferences"][0]["kind"] == "VoiceFleet" for pod in pods)
        (budget,) = await one.things("apis/policy/v1/poddisruptionbudgets")
        assert budget["spec"]["minAvailable"] == 1_000_000
        fleet = (await one.things("apis/callfleet.dev/v1alpha1/voicefleets"))[0]
        assert "finalizers" not in fleet["metadata"]
        assert not any("kopf" in key for key in fleet["metadata"].get("annotations", {}))
        shown = await asyncio.to_thread(kubectl, "get", "vf")
        assert "support" in shown.stdout


async def test_kubectl_scale_decides_the_number_and_the_operator_who_goes(
    clustered: Clustered, kubectl: Kubectl
) -> None:
    async with clustered() as one:
        operator = one.start()
        await one.create(replicas=1)
        await one.says("accepting", to_be=1)
        await asyncio.to_thread(kubectl, "scale", "vf/support", "--replicas=3")
        await one.says("accepting", to_be=3)
        busy, idle, busier = await one.workers()
        busy.call(1)
        busier.call(2)
        await one.says("calls", to_be=3)
        await asyncio.to_thread(kubectl, "scale", "vf/support", "--replicas=1")
        await one.has_pods(2)
        assert not idle.report.accepting
        assert busier.report.accepting
        assert busy.report.cordoned
        busy.hang_up(1)
        await one.has_pods(1)
        assert busier.report.calls == 2
        assert operator.metric(LOST) == 0
        events = await one.things("api/v1/events")
        reasons = {event["reason"] for event in events}
        assert {"PodCreated", "PodCordoned", "PodDeleted"} <= reasons


async def test_slots_that_run_out_bring_pods_before_the_next_tick(clustered: Clustered) -> None:
    async with clustered() as one:
        operator = one.start()
        auto = {
            "mode": "Auto",
            "syncSeconds": 300,
            "minReplicas": 1,
            "headroom": {"minIdleSlots": 0},
        }
        await one.create(autoscaling=auto, replicas=None, slotsPerPod=2)
        await one.says("accepting", to_be=1)
        (await one.workers())[0].call(2)

        async def more() -> bool:
            return len(await one.pods()) > 1

        await one.until(more, "more pods are made")
        assert operator.metric("api_writes_total", what="create", result="refused") == 0


async def test_a_killed_worker_raises_the_count_by_just_its_calls(clustered: Clustered) -> None:
    async with clustered() as one:
        operator = one.start()
        await one.create(replicas=2)
        await one.says("accepting", to_be=2)
        first, second = await one.workers()
        first.call(3)
        second.call(2)
        await one.says("calls", to_be=5)
        name = min(pod["metadata"]["name"] for pod in await one.pods())
        one.kubelet.kill(name)

        async def counted() -> bool:
            return await asyncio.to_thread(operator.metric, LOST) == 3

        await one.until(counted, "three are counted")
        await one.says("calls", to_be=2)


async def test_a_drained_node_is_empty_when_its_calls_have_ended(
    clustered: Clustered, kubectl: Kubectl
) -> None:
    async with clustered() as one:
        operator = one.start()
        await one.create(replicas=2)
        await one.says("accepting", to_be=2)
        for worker in await one.workers():
            worker.call(1)
        await one.says("calls", to_be=2)
        node = (await one.pods())[0]["spec"]["nodeName"]
        leaving = {
            pod["metadata"]["name"] for pod in await one.pods() if pod["spec"]["nodeName"] == node
        }
        drain = asyncio.create_task(
            asyncio.to_thread(kubectl, "drain", node, "--delete-emptydir-data", "--timeout=120s")
        )
        cordoned = [one.kubelet.worker(name) for name in leaving]
        await one.kubelet.until(lambda: all(worker.report.cordoned for worker in cordoned))
        await one.says("accepting", to_be=2)
        assert not drain.done()
        metrics = await asyncio.to_thread(kubectl, "get", "--raw", "/metrics")
        assert any(set(line.split('"')) >= REFUSED for line in metrics.stdout.splitlines())
        for worker in cordoned:
            worker.hang_up(1)
        drained = await drain
        assert drained.returncode == 0, drained.stderr
        assert operator.metric(LOST) == 0


async def test_a_deleted_fleets_pods_end_with_their_calls(
    clustered: Clustered, kubectl: Kubectl, controllers: Child
) -> None:
    assert controllers
    async with clustered() as one:
        operator = one.start()
        await one.create(replicas=2)
        await one.says("accepting", to_be=2)
        idle, busy = await one.workers()
        busy.call(1)
        await one.says("calls", to_be=1)
        await asyncio.to_thread(kubectl, "delete", "vf", "support", "--wait=false")
        await one.has_pods(1)
        assert idle.report.draining
        assert busy.report.calls == 1
        busy.hang_up(1)
        await one.has_pods(0)
        assert operator.metric(LOST) == 0


async def test_what_the_api_server_refuses_is_said_in_its_words(clustered: Clustered) -> None:
    async with clustered() as one:
        one.start()
        asked = {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}
        await one.create(template={"resources": asked})

        async def said() -> bool:
            told = (await one.status()).get("conditions", [])
            wrong = [each for each in told if each["type"] == "Degraded"]
            return (
                bool(wrong)
                and wrong[0]["status"] == "True"
                and "cpu limit" in (wrong[0]["message"])
            )

        await one.until(said, "Degraded quotes it")
