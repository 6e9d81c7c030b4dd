"""What somebody edits on a pod by hand is brought to agree again, and no call is lost by it."""

import json
from typing import Any

import pytest
from operator_stand import Stand, fleet, stand, until

from callfleet_contract.fleet.names import ACCEPTING_LABEL, CORDON_ANNOTATION

LOST = "calls_ended_by_infrastructure_total"


async def edit(one: Stand, pod: dict[str, Any], **meta: Any) -> None:
    """Write something on a pod."""
    there = one.kube.one("pods", pod["metadata"]["name"])
    changed = {**there["metadata"]}
    for field, values in meta.items():
        changed[field] = {**changed.get(field, {}), **values}
    await one.kube.put("pods", {**there, "metadata": changed})


async def test_a_label_that_says_otherwise_than_the_order_is_mended() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        (worker,) = one.kubelet.of("talkers")
        worker.call(2)
        await edit(one, one.pods()[0], labels={ACCEPTING_LABEL: "false"})
        await until(
            lambda: one.pods()[0]["metadata"]["labels"][ACCEPTING_LABEL] == "true", "it is mended"
        )
        await until(lambda: "PodRelabelled" in one.event_reasons(), "an Event says so")
        assert worker.report.accepting
        assert worker.report.calls == 2
        assert one.metric(LOST) == 0


EDITS = {
    "wiped": "",
    "no order": "take a break, please",
    "an older order": json.dumps({"epoch": 1, "cordoned": False}),
}


@pytest.mark.parametrize("edited", EDITS)
async def test_an_order_that_is_spoiled_ends_no_call_and_worker_and_pod_agree_again(
    edited: str,
) -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        for worker in one.kubelet.of("talkers"):
            worker.call(1)
        await until(lambda: one.status().get("calls") == 2, "their calls are known")
        await one.change(replicas=1)
        await until(lambda: one.status().get("draining") == 1, "one drains")
        drained = next(pod for pod in one.pods() if CORDON_ANNOTATION in _annotations(pod))
        worker = one.kubelet.of_pod(drained)
        await until(lambda: worker.report.cordoned, "its worker obeys")
        await edit(one, drained, annotations={CORDON_ANNOTATION: EDITS[edited]})

        def agree() -> bool:
            pod = one.kube.one("pods", drained["metadata"]["name"])
            text = _annotations(pod)[CORDON_ANNOTATION]
            order = json.loads(text) if text.startswith("{") else {}
            return order.get("epoch", 0) == worker.report.epoch > 1

        await until(agree, "the pod's order and the worker's are one again")
        await until(lambda: one.status().get("draining") == 1, "one of both drains")
        for each in one.kubelet.of("talkers"):
            each.hang_up(1)
        await until(lambda: len(one.kube.of("pods")) == 1, "it goes when its call has ended")
        assert one.metric(LOST) == 0


def _annotations(pod: dict[str, Any]) -> dict[str, str]:
    return dict(pod["metadata"].get("annotations", {}))
