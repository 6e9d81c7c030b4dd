"""What a user got wrong is told in the fleet's status, by its name and with what to do."""

from operator_cluster import Clustered, OperatorCluster


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


async def test_an_image_that_is_not_there_is_named_and_another_takes_its_place(
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
