"""What an operator asks on the admission port is what a worker answers there."""

from collections.abc import AsyncIterator

import pytest
from admission_client import new_key
from admission_stand import UID, Stand, standing

from callfleet_contract.admission import Order
from callfleet_operator.reaching.admission import (
    Address,
    AdmissionClient,
    RefusedError,
)
from callfleet_operator.reaching.keys import Keys


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as made:
        yield made


@pytest.fixture
async def client(stand: Stand) -> AsyncIterator[AdmissionClient]:
    asking = AdmissionClient(Keys([new_key(), stand.client.key]))
    yield asking
    await asking.close()


def at(stand: Stand, pod_uid: str = UID) -> Address:
    return Address(*stand.address, pod_uid, keys=(stand.client.public_key,))


async def test_an_operator_hears_of_the_order_that_it_gave(
    stand: Stand, client: AdmissionClient
) -> None:
    watch = client.watch(at(stand))
    assert not (await anext(watch)).cordoned
    report = await client.order(at(stand), Order(UID, 1, cordon=True, reason="node leaves"))
    assert report.cordoned
    assert (await anext(watch)).epoch == 1
    await stand.port.stop()
    assert [report async for report in watch] == []


async def test_an_operator_that_leads_no_longer_hears_why_it_is_not_obeyed(
    stand: Stand, client: AdmissionClient
) -> None:
    await client.order(at(stand), Order(UID, 2, cordon=True))
    with pytest.raises(RefusedError, match="answered 409: epoch 1 is older than 2") as refused:
        await client.order(at(stand), Order(UID, 1, cordon=False))
    assert refused.value.report is not None
    assert refused.value.report.epoch == 2


async def test_an_operator_hears_that_another_pod_has_the_address(
    stand: Stand, client: AdmissionClient
) -> None:
    with pytest.raises(RefusedError, match="answered 401"):
        await anext(client.watch(at(stand, "that-pod")))
    with pytest.raises(RefusedError, match="look up who has this address now"):
        await client.order(at(stand), Order("that-pod", 1, cordon=True))


async def test_a_pod_that_believes_no_key_of_the_operator_is_not_heard(stand: Stand) -> None:
    stranger = AdmissionClient(Keys([new_key()]))
    with pytest.raises(RefusedError, match="answered 401"):
        await anext(stranger.watch(at(stand)))
    await stranger.close()
