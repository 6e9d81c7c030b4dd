"""An operator that dies after any of its writes is followed by one that goes on from there."""

import asyncio
from dataclasses import dataclass

from fake_kube import Write
from operator_stand import Stand, fleet, stand, until

_NOT_THE_FLEETS = ("leases", "events")


@dataclass(frozen=True, slots=True)
class End:
    """How a scenario ends, as callers and users see it."""

    pods: int
    images: tuple[str, ...]
    calls: int
    accepting: int
    revisions: int
    budgets: int
    lost: float


async def _scenario(one: Stand) -> End:
    """Make a fleet, roll it while callers talk, make it smaller, let the calls end."""
    await one.kube.put("voicefleets", fleet(replicas=2))
    await until(lambda: one.status().get("accepting") == 2, "two workers accept", 60)
    first, second = one.kubelet.of("talkers")
    first.call(1)
    second.call(2)
    await one.change(template={"image": "worker:2"})
    await until(lambda: first.report.cordoned and second.report.cordoned, "both are cordoned", 90)
    await one.change(replicas=1)
    first.hang_up(1)
    await until(lambda: len(one.kube.of("pods")) == 2, "one old and one new are left", 90)
    second.hang_up(2)
    await until(lambda: len(one.kube.of("pods")) == 1, "one new is left", 90)
    one.kubelet.of("talkers")[0].call(3)
    await until(lambda: one.status().get("calls") == 3, "the status has its calls", 60)
    pods = one.kube.of("pods")
    return End(
        pods=len(pods),
        images=tuple(pod["spec"]["containers"][0]["image"] for pod in pods),
        calls=one.status()["calls"],
        accepting=one.status()["accepting"],
        revisions=len(one.kube.of("controllerrevisions")),
        budgets=len(one.kube.of("poddisruptionbudgets")),
        lost=one.metric("calls_ended_by_infrastructure_total"),
    )


async def _killed_after(number: int) -> End | None:
    """Go through the scenario with an operator that dies after a write; None: it writes fewer."""
    async with stand() as one:
        seen = [0]
        killing: list[asyncio.Task[None]] = []

        async def kill_and_follow(token: str) -> None:
            await one.kill(token)
            one.start_operator()

        def after(write: Write, token: str) -> None:
            if write.plural in _NOT_THE_FLEETS or write.code >= 400 or not token:
                return
            seen[0] += 1
            if seen[0] == number:
                one.kube.dead.add(token)
                killing.append(asyncio.create_task(kill_and_follow(token)))

        one.kube.after_write = after
        end = await _scenario(one)
        await asyncio.gather(*killing)
        return end if killing or not number else None


async def test_whichever_write_is_its_last_the_fleet_ends_as_if_it_had_lived() -> None:
    undisturbed = await _killed_after(0)
    assert undisturbed == End(1, ("worker:2",), 3, 1, 2, 1, 0.0)
    number, width = 1, 8
    while True:
        ends = await asyncio.gather(*(_killed_after(number + more) for more in range(width)))
        assert {number + more: end for more, end in enumerate(ends) if end is not None} == {
            number + more: undisturbed for more, end in enumerate(ends) if end is not None
        }
        if None in ends:
            break
        number += width
    assert number > width
