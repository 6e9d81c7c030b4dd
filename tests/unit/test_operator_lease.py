"""One operator acts: the lease says which, and one that lost it writes nothing more."""

import asyncio
from dataclasses import dataclass, replace
from typing import cast

import pytest
from fake_kinds import refusal
from lightkube import AsyncClient
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease
from operator_stand import fleet, stand, until

from callfleet_operator.leading import lease, terms
from callfleet_operator.leading.lease import Leading, LeaseName
from callfleet_operator.leading.terms import DURATION_SECONDS, TRUST_SECONDS, Held, Trust, Waiting
from callfleet_operator.reaching.connection import REQUEST_SECONDS


def test_a_lease_that_is_renewed_is_never_taken_whatever_its_dates_say() -> None:
    waiting = Waiting()
    held = Held("other", "2020-01-01")
    for second in range(100):
        assert not waiting.may_take(replace(held, renewed=f"{second}"), "me", float(second))


def test_a_lease_that_nobody_renews_is_taken_after_its_duration() -> None:
    waiting, held = Waiting(), Held("other", "2999-01-01")
    assert not waiting.may_take(held, "me", 0.0)
    assert not waiting.may_take(held, "me", DURATION_SECONDS - 0.1)
    assert waiting.may_take(held, "me", DURATION_SECONDS)


def test_a_lease_of_nobody_or_of_oneself_is_taken_at_once() -> None:
    assert Waiting().may_take(Held("", "x"), "me", 0.0)
    assert Waiting().may_take(Held("me", "x"), "me", 0.0)


def test_ones_own_lease_is_trusted_from_the_moment_that_its_renewal_was_asked_for() -> None:
    trust = Trust()
    assert not trust.holds(0.0)
    trust.renewed(asked_at=10.0)
    assert trust.holds(10.0 + TRUST_SECONDS - 0.1)
    assert not trust.holds(10.0 + TRUST_SECONDS)
    trust.renewed(asked_at=30.0)
    trust.lost()
    assert not trust.holds(30.0)


def test_a_lease_that_could_not_be_trusted_for_a_moment_is_not_trusted_again() -> None:
    trust = Trust()
    trust.renewed(asked_at=10.0)
    assert not trust.holds(10.0 + TRUST_SECONDS)
    trust.renewed(asked_at=12.5)
    assert not trust.holds(10.0 + TRUST_SECONDS)


def test_a_lease_that_another_took_first_may_be_ones_own_later() -> None:
    trust = Trust()
    trust.lost()
    trust.renewed(asked_at=10.0)
    assert trust.holds(10.0)


async def test_an_operator_whose_renewal_comes_too_late_stops_and_does_not_lead_half(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terms, "TRUST_SECONDS", 0.3)
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.05)
    client = Slow(answers_after_seconds=0.28)
    leading = Leading(cast("AsyncClient", client), LeaseName("system", "operator", "me"))
    await leading.wait()
    keeping = asyncio.create_task(leading.keep())
    await until(lambda: not leading.holds(), "a renewal is late")
    await asyncio.wait_for(keeping, 5)
    assert client.renewals > 1


def test_a_request_under_way_ends_before_another_operator_may_lead() -> None:
    assert TRUST_SECONDS + REQUEST_SECONDS < DURATION_SECONDS


async def test_a_second_operator_waits_and_goes_on_when_the_first_is_stopped() -> None:
    async with stand(operators=2) as one:
        await one.kube.put("voicefleets", fleet(replicas=2))
        await until(lambda: one.status().get("accepting") == 2, "two workers accept")
        assert one.metric("operator_leading") == 1
        leader, waiting = sorted(
            one.operators, key=lambda pair: -_leading(pair[0].metrics.prometheus.collect())
        )
        leader[0].go()
        assert await asyncio.wait_for(leader[1], 20) == 0
        await until(
            lambda: _leading(waiting[0].metrics.prometheus.collect()) == 1, "the other leads"
        )
        await one.change(replicas=3)
        await until(lambda: one.status().get("accepting") == 3, "and acts")


async def test_an_operator_whose_lease_another_takes_stops_and_says_so() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        lease = one.kube.of("leases")[0]
        taken = {**lease, "spec": {**lease["spec"], "holderIdentity": "another"}}
        await one.kube.put("leases", taken)
        assert await asyncio.wait_for(one.operators[0][1], 30) == 1
        await one.change(replicas=2)
        assert len(one.pods()) == 1
        assert one.kube.of("leases")[0]["spec"]["holderIdentity"] == "another"


async def test_an_operator_that_cannot_renew_stops_before_its_lease_ends() -> None:
    async with stand() as one:
        await one.kube.put("voicefleets", fleet())
        await until(lambda: one.status().get("accepting") == 1, "a worker accepts")
        one.kube.faults.append(
            lambda request: (
                refusal(500, "InternalError", "unwell") if "/leases/" in request.path else None
            )
        )
        assert await asyncio.wait_for(one.operators[0][1], 30) == 1


@dataclass
class Slow:
    """An API server that is slow to renew a lease."""

    answers_after_seconds: float
    renewals: int = 0

    async def get(self, _kind: object, _name: str, namespace: str) -> Lease:
        return Lease(metadata=ObjectMeta(name="operator", namespace=namespace), spec=LeaseSpec())

    async def replace(self, given: Lease) -> Lease:
        if self.renewals:
            await asyncio.sleep(self.answers_after_seconds)
        self.renewals += 1
        return given


def _leading(families: object) -> float:
    return sum(
        sample.value
        for family in families  # type: ignore[attr-defined]  # what the registry gives is untyped
        for sample in family.samples
        if sample.name == "callfleet_operator_leading"
    )
