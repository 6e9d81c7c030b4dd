"""An operator makes of a fleet what its user wrote, on an API server that is a fake."""

import asyncio
import json

import pytest
from fake_kube import fake_kube
from fake_kubelet import light_kubelet
from operator_stand import Stand, fleet, stand, until

from callfleet_contract.grace import GOODBYE_SECONDS, grace
from callfleet_operator.objects.environment import DEFAULT_CLOSE_SECONDS
from callfleet_operator.reaching.definition import NoDefinitionError


async def test_a_new_fleet_gets_its_pods_and_says_so() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(replicas=3))
        await until(lambda: one.status().get("accepting") == 3, "three workers accept")
        assert len(one.pods()) == 3
        assert one.status()["slots"] == 30
        assert one.status()["selector"] == (
            "callfleet.dev/fleet=talkers,callfleet.dev/accepting=true"
        )
        assert [budget["metadata"]["name"] for budget in one.kube.of("poddisruptionbudgets")] == [
            "talkers"
        ]
        assert len(one.kube.of("controllerrevisions")) == 1
        await until(lambda: "PodCreated" in one.event_reasons(), "an Event says so")


async def test_a_fleet_that_is_made_smaller_lets_the_calls_of_its_worker_finish() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        first, second = one.kubelet.of("talkers")
        first.call(2)
        second.call(1)
        await until(lambda: one.status().get("calls") == 3, "their calls are known")
        await one.change(replicas=1)
        await until(lambda: second.report.cordoned, "the worker with fewer calls is cordoned")
        assert not first.report.cordoned
        assert len(one.pods()) == 2
        second.hang_up(1)
        await until(lambda: len(one.kube.of("pods")) == 1, "its pod is gone once it has none")
        assert first.report.calls == 2
        assert one.metric("drain_seconds_count") == 1
        assert one.metric("calls_ended_by_infrastructure_total") == 0


async def test_a_rebound_takes_the_cordon_back_before_a_pod_is_made() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        for worker in one.kubelet.of("talkers"):
            worker.call(1)
        await one.change(replicas=1)
        await until(lambda: one.status().get("draining") == 1, "one drains")
        await one.change(replicas=2)
        await until(lambda: one.status().get("accepting") == 2, "both accept again")
        made = [write for write in one.kube.writes if (write.method, write.plural) == _CREATED]
        assert len(made) == 2


async def test_when_the_last_slot_is_taken_pods_are_made_before_the_next_tick() -> None:
    async with stand() as one:
        auto = {
            "mode": "Auto",
            "syncSeconds": 300,
            "minReplicas": 1,
            "headroom": {"minIdleSlots": 0},
        }
        await one.kube.put("voicefleets", fleet(autoscaling=auto, slotsPerPod=2))
        await until(lambda: one.status().get("accepting") == 1, "one worker accepts")
        one.kubelet.of("talkers")[0].call(2)
        await until(lambda: len(one.pods()) > 1, "more pods are made")
        await until(lambda: one.metric("exhausted_to_created_seconds_count") == 1, "it is measured")


async def test_a_killed_worker_raises_the_count_by_just_its_calls() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        worker = one.kubelet.of("talkers")[0]
        worker.call(3)
        await until(lambda: one.status().get("calls") == 3, "its calls are known")
        one.kubelet.restart(worker)
        await until(
            lambda: one.metric("calls_ended_by_infrastructure_total") == 3, "three are counted"
        )
        await until(lambda: one.status().get("calls") == 0, "none is left")
        await until(lambda: "CallsLost" in one.event_reasons(), "an Event says so")


async def test_a_pod_that_vanishes_raises_the_count_by_just_its_calls() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        one.kubelet.of("talkers")[0].call(4)
        await until(lambda: one.status().get("calls") == 4, "its calls are known")
        await one.kube.remove("pods", one.pods()[0]["metadata"]["name"])
        await until(
            lambda: one.metric("calls_ended_by_infrastructure_total") == 4, "four are counted"
        )
        await until(lambda: one.status().get("accepting") == 1, "another takes its place")


async def test_calls_that_end_on_a_pod_that_somebody_deleted_are_not_lost() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        (worker,), (pod,) = one.kubelet.of("talkers"), one.pods()
        worker.call(2)
        await until(lambda: one.status().get("calls") == 2, "its calls are known")
        deleted = {**pod["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        await one.kube.put("pods", {**one.pods()[0], "metadata": deleted})
        await until(lambda: one.status().get("accepting") == 1, "another takes its place")
        # It ends in the moment of its last call: nobody hears it say so.
        worker.hang_up(2)
        await until(lambda: len(one.kube.of("pods")) == 1, "it is gone")
        await one.ticks(2)
        assert one.metric("calls_ended_by_infrastructure_total") == 0


async def test_a_pod_whose_label_is_taken_off_is_let_go_with_its_calls() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        one.kubelet.of("talkers")[0].call(4)
        await until(lambda: one.status().get("calls") == 4, "its calls are known")
        pod = one.pods()[0]
        labels = {"callfleet.dev/fleet": "", "another": "one"}
        released = {**pod, "metadata": {**pod["metadata"], "labels": labels}}
        await one.kube.put("pods", released)
        await until(lambda: "PodReleased" in one.event_reasons(), "an Event says so")
        await until(lambda: len(one.pods()) == 2, "another takes its place")
        assert one.metric("calls_ended_by_infrastructure_total") == 0


async def test_workers_of_a_node_that_leaves_go_when_their_calls_have_ended() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        worker = one.kubelet.of("talkers")[0]
        worker.call(1)
        one.kubelet.node = "node2"
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        await one.kube.put("nodes", {"metadata": {"name": "node2"}, "spec": {}, "status": ready})
        node = one.kube.one("nodes", "node1")
        await one.kube.put("nodes", {**node, "spec": {"unschedulable": True}})
        await until(lambda: worker.report.cordoned, "its worker is cordoned")
        await until(lambda: one.status().get("accepting") == 1, "another takes its place")
        assert len(one.pods()) == 2
        worker.hang_up(1)
        await until(lambda: len(one.pods()) == 1, "it goes")
        assert one.pods()[0]["spec"]["nodeName"] == "node2"


async def test_a_fleet_that_is_deleted_is_left_to_its_grace() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        await one.kube.remove("voicefleets", "talkers")
        await one.kube.put("voicefleets", fleet("others"))
        await until(lambda: one.status("others").get("accepting") == 1, "another fleet is made")
        written = len(one.kube.writes)
        await one.kube.put("voicefleets", fleet("thirds"))
        await until(lambda: one.status("thirds").get("accepting") == 1, "a third as well")
        names = {write.name for write in one.kube.writes[written:]}
        assert not any(name.startswith("talkers") for name in names)
        assert len([pod for pod in one.pods() if pod["metadata"]["name"].startswith("talk")]) == 1


async def test_the_younger_of_two_fleets_with_one_agent_name_says_so() -> None:
    async with stand() as one:
        told = {"agentName": "porter", "livekitURL": "wss://here"}
        older = fleet("older", **told)
        older["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
        await one.kube.put("voicefleets", older)
        await one.kube.put("voicefleets", fleet("younger", **told))
        await until(
            lambda: "voice/older" in one.conditions("younger").get("Degraded", ""),
            "the younger is degraded, and names the older",
        )
        assert "Degraded" not in one.conditions("older")


async def test_a_spec_that_this_operator_cannot_read_is_said_and_nothing_done() -> None:
    async with stand() as one:
        strange = fleet(autoscaling={"mode": "Magic"})
        await one.kube.put("voicefleets", strange)
        await until(lambda: "Magic" in one.conditions().get("Degraded", ""), "it says so")
        assert one.pods() == []
        await one.change(autoscaling={"mode": "Manual", "syncSeconds": 1})
        await until(lambda: one.status().get("accepting") == 1, "corrected, it gets its pod")


async def test_what_a_user_wrote_on_a_pod_reaches_its_worker() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        (pod,), (worker,) = one.pods(), one.kubelet.of("talkers")
        order = {"epoch": 7, "cordoned": True, "reason": "CordonedByUser", "since": 1.0}
        written = {"callfleet.dev/cordon": json.dumps(order)}
        labels = {**pod["metadata"]["labels"], "callfleet.dev/accepting": "false"}
        meta = {**pod["metadata"], "annotations": written, "labels": labels}
        await one.kube.put("pods", {**pod, "metadata": meta})
        await until(lambda: worker.report.cordoned, "its worker takes no more calls")
        assert worker.report.epoch == 7
        await until(lambda: one.status().get("accepting") == 1, "another takes its place")
        assert pod["metadata"]["name"] in {left["metadata"]["name"] for left in one.pods()}


async def test_a_cluster_that_does_not_know_the_resource_is_answered_with_how_to_install_it() -> (
    None
):
    async with fake_kube() as kube, light_kubelet(kube) as kubelet:
        one = Stand(kube, kubelet, [])
        with pytest.raises(NoDefinitionError, match="callfleet operator crd"):
            await asyncio.wait_for(one.start_operator(), 20)


_CREATED = ("POST", "pods")


async def test_calls_past_their_deadline_are_ended_by_their_own_worker() -> None:
    async with stand() as one:
        drain = {"maxCallSeconds": 1, "onDeadline": "Terminate"}
        await one.kube.put("voicefleets", fleet(drain=drain))
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        (worker,) = one.kubelet.of("talkers")
        worker.call(2)
        await until(lambda: one.status().get("calls") == 2, "its calls are known")
        await one.change(replicas=0)
        await until(lambda: one.kube.of("pods") == [], "its pod is gone")
        assert (worker.report.cut_total, worker.report.calls) == (2, 0)
        assert one.metric("calls_ended_by_infrastructure_total") == 2
        graces = {
            change.thing["metadata"].get("deletionGracePeriodSeconds")
            for change in one.kube.changes
            if change.kind[2] == "pods"
        }
        # As long as what follows a drain may take: of the drain itself a goodbye is left.
        assert graces == {None, grace(GOODBYE_SECONDS, DEFAULT_CLOSE_SECONDS).total_seconds}


async def test_a_revision_whose_workers_crash_soon_after_they_are_ready_replaces_nobody() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(rollout={"minReadySeconds": 3}))
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        (old,) = one.kubelet.of("talkers")
        await one.change(template={"image": "worker:2"})
        await until(lambda: len(one.kubelet.of("talkers")) == 2, "another is made")
        for _ in range(3):
            (new,) = (worker for worker in one.kubelet.of("talkers") if worker is not old)
            await until(lambda: one.status().get("accepting") == 2, "both accept")
            assert old.report.accepting
            one.kubelet.restart(new)
            await one.ticks(1)
        await until(lambda: not old.report.accepting, "it stays, and the old one goes")
        await until(lambda: len(one.pods()) == 1, "and is gone")
        assert one.pods()[0]["spec"]["containers"][0]["image"] == "worker:2"
