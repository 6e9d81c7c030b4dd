"""A definition of another age is told: at start, and when it is changed while an operator runs."""

from operator_stand import Stand, fleet, stand, until

from callfleet_contract.fleet.names import CRD_NAME, SCHEMA_ANNOTATION
from callfleet_operator.crd import packaged

ASKED = f"GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD_NAME}"


async def number(one: Stand, number: int) -> None:
    """Put a definition of some age in the place of the one that is there."""
    ours = packaged.definition()
    meta = {**ours["metadata"], "annotations": {SCHEMA_ANNOTATION: str(number)}}
    await one.kube.put("customresourcedefinitions", {**ours, "metadata": meta})


async def looked_at(one: Stand) -> None:
    """Wait until the definition was looked at again, and each fleet thought over after it."""
    before = asked(one)
    await until(lambda: asked(one) > before, "it is looked at again")
    await one.ticks(2)


def asked(one: Stand) -> int:
    return sum(request.startswith(ASKED) for request in one.kube.requests)


async def test_an_older_definition_is_told_on_every_fleet_and_a_newer_one_does_no_harm() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        await number(one, packaged.our_number() + 1)
        await looked_at(one)
        assert "Degraded" not in one.conditions()
        await number(one, packaged.our_number() - 1)
        await until(lambda: "is older" in one.conditions().get("Degraded", ""), "its fleet says so")
        assert "kubectl apply" in one.conditions()["Degraded"]
        assert "Available" in one.conditions()
        await number(one, packaged.our_number())
        await until(lambda: "Degraded" not in one.conditions(), "and no more once it is mended")


async def test_fleets_are_looked_after_though_the_definition_cannot_be_found_any_more() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        await one.kube.remove("customresourcedefinitions", CRD_NAME)
        await looked_at(one)
        await one.change(replicas=2)
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
