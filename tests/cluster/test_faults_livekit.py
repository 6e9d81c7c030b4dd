"""What holds the media goes with the calls on it; who only holds keys is changed under them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from call_ledger import WELL
from cluster_faults import kill
from real_fleet import RealFleet, RealFleets

from callfleet_tools.evaluation import Evaluation, fleets
from callfleet_tools.evaluation.given import LIVEKIT

CALLERS = 4
NEW_KEY, NEW_SECRET = "second-key", "s" * 40
LOST = "connection_lost"
ENDED = "dropped: media_lost"
NOBODY_THERE = {"abandoned: left_before_greeting", "abandoned: never_joined"}
"""Rooms come back with LiveKit, some with their caller for a moment, and get an agent."""


@pytest.mark.timeout(600)
async def test_a_livekit_that_dies_takes_its_calls_along_and_the_fleet_takes_others(
    real_fleets: RealFleets,
) -> None:
    async with real_fleets(replicas=2, slotsPerPod=3) as fleet:
        await fleet.callers.call(CALLERS)
        await fleet.says("calls", to_be=CALLERS)
        await fleet.callers.have_talked()
        before = await fleet.names()
        (server,) = await pods_of_livekit(fleet)
        with fleet.timed("LiveKit killed to the last of its calls ended"):
            await kill(fleet.stage.evaluation, server)
            await fleet.says("calls", to_be=0)
        with fleet.timed("and to all workers connected again"):
            await fleet.says("accepting", to_be=2)
        late = await fleet.callers.call(2)
        await fleet.says("calls", to_be=2)
        await fleet.callers.talk_on(late)

        ledger = await fleet.hang_up()
        assert [end for end in ledger.ends if end == WELL] == [WELL] * 2
        cut = [one for one in ledger.entries if (one.seen, one.said) != WELL]
        assert len({one.call for one in cut}) == CALLERS
        assert all(one.seen.startswith(LOST) for one in cut)
        # Some rooms come back with LiveKit, which sends an agent to them; their callers do not.
        said = Counter(one.said for one in cut)
        assert said.pop(ENDED) == CALLERS
        assert set(said) <= NOBODY_THERE
        assert await fleet.names() == before
        fleet.figure("calls that the operator counts", await fleet.operator.lost())


@pytest.mark.timeout(600)
async def test_keys_are_changed_without_the_end_of_a_call(
    real_fleets: RealFleets, evaluation: Evaluation
) -> None:
    async with two_keys(evaluation), real_fleets(replicas=1, slotsPerPod=4) as fleet:
        (old,) = await fleet.names()
        early = await fleet.callers.call(2)
        await fleet.says("calls", to_be=2)
        await fleet.callers.have_talked()

        with fleet.timed("new keys to a worker that has them"):
            keys = {"LIVEKIT_API_KEY": NEW_KEY, "LIVEKIT_API_SECRET": NEW_SECRET}
            await write_keys(fleet, {**keys, "GOOGLE_API_KEY": "another"})
            # As the chart does where worker.secretsRevision is raised.
            await fleet.change(template={"annotations": {"checksum/secrets": "2"}})
            await fleet.until(lambda: has_replaced(fleet, old), "a new worker takes the calls")
        late = await fleet.callers.call(2)
        await fleet.says("calls", to_be=4)
        await fleet.callers.talk_on([*early, *late])
        (new,) = await fleet.names() - {old}
        assert await told(fleet, new) == [NEW_KEY, "another"]
        assert (await fleet.calls_of()) == {old: 2, new: 2}

        ledger = await fleet.hang_up()
        await fleet.has_pods(1)
        assert ledger.ends == [WELL] * 4
        assert [len(ledger.of(old)), len(ledger.of(new))] == [2, 2]
        assert await fleet.operator.lost() == 0


async def pods_of_livekit(fleet: RealFleet) -> list[dict[str, Any]]:
    selector = "app.kubernetes.io/name=livekit-server"
    path = f"/api/v1/namespaces/{LIVEKIT}/pods?labelSelector={selector}"
    return list((await fleet.ask("GET", path))["items"])


@asynccontextmanager
async def two_keys(evaluation: Evaluation) -> AsyncIterator[None]:
    """Have LiveKit know a second pair of keys: it reads them when it starts, so before any call."""

    async def kubectl(*command: str) -> None:
        livekit = (f"--namespace={evaluation.livekit_namespace}", *command)
        await asyncio.to_thread(evaluation.cluster.kubectl, *livekit)

    async def have(keys: str) -> None:
        await kubectl("set", "env", f"deployment/{LIVEKIT}", f"LIVEKIT_KEYS={keys}")
        await kubectl("rollout", "status", f"deployment/{LIVEKIT}", "--timeout=180s")

    own = "$(LIVEKIT_API_KEY): $(LIVEKIT_API_SECRET)"
    await have(f"{own}\n{NEW_KEY}: {NEW_SECRET}")
    try:
        yield
    finally:
        await have(own)


async def write_keys(fleet: RealFleet, keys: dict[str, str]) -> None:
    path = f"/api/v1/namespaces/{fleet.namespace}/secrets/{fleets.NEEDS}"
    await fleet.ask("PATCH", path, {"stringData": keys})


async def told(fleet: RealFleet, pod: str) -> list[str]:
    """Ask a worker which keys it was started with."""
    names = ("LIVEKIT_API_KEY", "GOOGLE_API_KEY")
    said = await fleet.kubectl("exec", pod, "--", "printenv", *names)
    return said.split()


async def has_replaced(fleet: RealFleet, old: str) -> bool:
    status = await fleet.status()
    return bool(status["accepting"] == 1 and status["draining"] == 1 and old in await fleet.names())
