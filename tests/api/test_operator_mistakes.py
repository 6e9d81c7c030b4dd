"""What somebody got wrong is told in the fleet's status, by its name and with what to do."""

import asyncio
from datetime import UTC, datetime, timedelta

import kubelet_status
import pytest
from operator_cluster import Clustered, OperatorCluster

from callfleet_contract.fleet.names import CRD_NAME, SCHEMA_ANNOTATION
from callfleet_operator.crd import packaged

DEFINITION = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD_NAME}"
LOST = "calls_ended_by_infrastructure_total"


async def test_a_secret_that_is_not_there_is_named_and_once_there_the_fleet_starts(
    clustered: Clustered,
) -> None:
    async with clustered() as one:
        one.start()
        await one.create(template={"secrets": ["livekit-keys"]})
        await degraded(one, 'secret "livekit-keys" not found; check that each of template.secrets')
        secret = {"metadata": {"name": "livekit-keys"}, "stringData": {"LIVEKIT_API_KEY": "key"}}
        await one.ask("POST", f"/api/v1/namespaces/{one.namespace}/secrets", secret)
        await one.says("accepting", to_be=1)


async def test_an_image_that_is_not_there_is_named_and_the_old_worker_goes_on(
    clustered: Clustered,
) -> None:
    async with clustered() as one:
        one.start()
        await one.create()
        await one.says("accepting", to_be=1)
        (worker,) = await one.workers()
        worker.call(2)
        await one.change(template={"image": "registry.invalid/callfleet-worker:none"})
        await degraded(one, "registry.invalid/callfleet-worker:none")
        await degraded(one, "check template.image and template.imagePullSecrets")
        assert worker.report.accepting
        assert worker.report.calls == 2


async def test_a_definition_that_is_made_older_while_the_operator_runs_is_told(
    clustered: Clustered,
) -> None:
    async with clustered() as one:
        one.start()
        await one.create()
        await one.says("accepting", to_be=1)
        ours = packaged.our_number()
        try:
            await number_definition(one, ours - 1)
            await degraded(one, f"{CRD_NAME} is older ({ours - 1}) than this operator ({ours})")
        finally:
            await number_definition(one, ours)
        await one.until(lambda: _is_well(one), "nothing is wrong any more")


@pytest.mark.parametrize("hours", [-5, 5])
async def test_nodes_whose_clock_is_hours_off_do_no_harm(
    clustered: Clustered, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    def theirs() -> str:
        return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")

    monkeypatch.setattr(kubelet_status, "now", theirs)
    async with clustered() as one:
        operator = one.start()
        await one.create(replicas=2)
        await one.says("accepting", to_be=2)
        busy, idle = await one.workers()
        busy.call(2)
        await one.says("calls", to_be=2)
        await one.change(replicas=1)
        await one.has_pods(1)
        assert idle.report.draining
        await one.change(template={"env": [{"name": "CALLFLEET_PERSONA__VOICE", "value": "Kore"}]})
        await one.kubelet.until(lambda: busy.report.cordoned)
        assert busy.report.calls == 2
        busy.hang_up(2)
        await one.has_pods(1)
        assert await asyncio.to_thread(operator.metric, LOST) == 0
        assert await _is_well(one)


async def number_definition(one: OperatorCluster, number: int) -> None:
    """Say how old the definition is."""
    annotations = {SCHEMA_ANNOTATION: str(number)}
    await asyncio.to_thread(one.plane.merge, DEFINITION, {"metadata": {"annotations": annotations}})


async def _is_well(one: OperatorCluster) -> bool:
    conditions = (await one.status()).get("conditions", [])
    return ("Degraded", "False") in {(each["type"], each["status"]) for each in conditions}


async def degraded(one: OperatorCluster, sentence: str) -> None:
    """Wait until a fleet's status says that something is wrong, in these words among others."""

    async def is_said() -> bool:
        conditions = (await one.status()).get("conditions", [])
        return any(
            sentence in each["message"]
            for each in conditions
            if (each["type"], each["status"]) == ("Degraded", "True")
        )

    await one.until(is_said, f"Degraded says: {sentence}")
