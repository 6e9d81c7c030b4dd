"""The admission port heeds who signs, and is not kept by who is slow, long or many."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import aiohttp
import pytest
from admission_client import Client, new_key, until
from admission_stand import UID, Stand, post, standing

from callfleet_contract.admission import (
    CORDON_PATH,
    MOST_BYTES,
    WATCH_PATH,
    Order,
    encode,
    read_refusal,
)
from callfleet_contract.signing import HEADER, WATCH, sign
from callfleet_worker.parent.admission import orders as orders_module
from callfleet_worker.parent.admission.port import MOST_CONNECTIONS

ORDER = Order(UID, 1, cordon=True, reason="node leaves")


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_went_wrong(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever others do, the port's own log stays quiet."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


async def test_an_order_is_kept_and_done_before_it_is_answered(stand: Stand) -> None:
    status, report = await stand.client.order(1, cordon=True, reason="node leaves")
    assert (status, report.epoch, report.cordoned) == (200, 1, True)
    assert (stand.kept, stand.cordons) == ([ORDER], [True])
    status, report = await stand.client.order(2, cordon=False)
    assert (status, report.epoch, report.cordoned) == (200, 2, False)
    assert stand.cordons == [True, False]


async def test_an_order_that_comes_again_is_answered_and_not_done_again(stand: Stand) -> None:
    for _ in range(2):
        assert (await stand.client.order(1, cordon=True))[0] == 200
    assert stand.cordons == [True]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (Order(UID, 3, cordon=True), "older than 4"),
        (Order(UID, 4, cordon=False), "needs a higher one"),
        (Order("that-pod", 9, cordon=False), "look up who has this address now"),
    ],
)
async def test_what_is_not_to_be_obeyed_is_refused_with_how_the_worker_stands(
    stand: Stand, order: Order, said: str
) -> None:
    await stand.client.order(4, cordon=True)
    status, refusal = await stand.client.refused(encode(order))
    assert status == 409
    assert said in refusal.error
    assert refusal.report is not None
    assert (refusal.report.epoch, refusal.report.cordoned) == (4, True)
    assert stand.cordons == [True]


async def test_an_order_that_cannot_be_kept_changes_nothing_and_may_come_again(
    stand: Stand,
) -> None:
    stand.trouble = OSError(28, "No space left on device")
    status, refusal = await stand.client.refused(encode(ORDER))
    assert status == 507
    assert "No space left on device): nothing has changed" in refusal.error
    assert refusal.report is not None
    assert (refusal.report.epoch, stand.cordons) == (0, [])
    stand.trouble = None
    assert (await stand.client.order(1, cordon=True))[0] == 200


async def test_a_disk_that_does_not_answer_keeps_only_the_one_who_waits_for_it(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_module, "_TURN_SECONDS", 0.01)
    stand.disk.clear()
    waiting = asyncio.create_task(stand.client.order(1, cordon=True))
    async with stand.client.watching() as watching:
        await watching.tells(lambda report: report.epoch == 0)
        await until(stand.port._orders._turn.locked)
        status, refusal = await stand.client.refused(encode(Order(UID, 2, cordon=True)))
        assert (status, "is not written down" in refusal.error) == (507, True)
        stand.disk.set()
        assert (await waiting)[0] == 200
        await watching.tells(lambda report: report.epoch == 1)


async def test_orders_at_the_same_moment_are_obeyed_one_after_the_other(stand: Stand) -> None:
    stand.disk.clear()
    given = [asyncio.create_task(stand.client.order(n, cordon=n % 2 == 1)) for n in (3, 1, 5, 2, 4)]
    await asyncio.sleep(0)
    stand.disk.set()
    answers = await asyncio.gather(*given)
    epochs = [order.epoch for order in stand.kept]
    assert epochs == sorted(set(epochs))
    assert epochs[-1] == 5
    assert {status for status, _ in answers} <= {200, 409}
    assert stand.cordons == [order.cordon for order in stand.kept]


@pytest.mark.parametrize("header", ["", "garbage", "A" * 88])
async def test_an_order_that_nobody_signed_is_refused(stand: Stand, header: str) -> None:
    status, refusal = await stand.client.refused(encode(ORDER), header)
    assert (status, refusal.report, stand.kept) == (401, None, [])
    assert "CALLFLEET_ADMISSION__PUBLIC_KEYS" in refusal.error


async def test_a_signature_of_another_key_purpose_or_body_is_none(stand: Stand) -> None:
    body = encode(ORDER)
    key = stand.client.key
    for header in (
        sign(new_key(), "cordon", body),
        sign(key, WATCH, body),
        sign(key, "cordon", encode(replace(ORDER, cordon=False))),
    ):
        assert (await stand.client.refused(body, header))[0] == 401
    assert stand.kept == []


async def test_a_watch_is_signed_for_this_pod(stand: Stand) -> None:
    other = Client(stand.client.url, "that-pod", stand.client.key)
    async with aiohttp.ClientSession() as session:
        for headers in ({}, {HEADER: "x"}, other.watch_headers()):
            async with session.get(stand.client.url + WATCH_PATH, headers=headers) as answer:
                assert answer.status == 401
                assert read_refusal(await answer.read()).report is None


@pytest.mark.parametrize(
    ("body", "said"), [(b"", "no JSON"), (b"[]", "a JSON list"), (b"{}", "pod_uid is missing")]
)
async def test_what_is_signed_and_no_order_is_told_what_is_wrong(
    stand: Stand, body: bytes, said: str
) -> None:
    status, refusal = await stand.client.refused(body)
    assert (status, said in refusal.error) == (400, True)


async def test_a_body_longer_than_any_order_is_refused_and_not_read(stand: Stand) -> None:
    status, refusal = await stand.client.refused(b" " * (MOST_BYTES + 1))
    assert (status, f"longer than {MOST_BYTES} bytes" in refusal.error) == (413, True)
    answer = await stand.says(post(5_000_000, b"\0" * 5_000_000))
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with standing(request_seconds=1) as stand:
        answer = await stand.says(post(100, b"{"))
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"the body was not there" in answer


async def test_who_says_nothing_is_hung_up_on() -> None:
    async with standing(request_seconds=0.1) as stand:
        assert await stand.says() == b""
        assert await stand.says(b"POST /v1/cordon HTT") == b""


@pytest.mark.parametrize("request_", [b"\0\0\0\0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
async def test_what_is_no_http_is_hung_up_on(stand: Stand, request_: bytes) -> None:
    assert (await stand.says(request_)).startswith(b"HTTP/1.")
    assert (await stand.client.order(1, cordon=True))[0] == 200


async def test_connections_that_are_too_many_are_ended_until_there_are_fewer() -> None:
    # Longer than a busy machine takes to dial them all: the first must be there with the last.
    async with standing(request_seconds=3) as stand:
        idle = [await stand.dial() for _ in range(MOST_CONNECTIONS)]
        await until(lambda: stand.connections == MOST_CONNECTIONS)
        with pytest.raises(aiohttp.ClientError):
            await stand.client.order(1, cordon=True)
        for reader, writer in idle:
            assert await reader.read() == b""
            writer.close()
        assert (await stand.client.order(1, cordon=True))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/", 404, "and nothing else"),
        ("GET", "/healthz/live", 404, "and nothing else"),
        ("GET", CORDON_PATH, 405, "/v1/cordon takes POST, not GET"),
        ("POST", WATCH_PATH, 405, "/v1/watch takes GET, not POST"),
    ],
)
async def test_what_is_not_there_is_said_in_json(
    stand: Stand, method: str, path: str, status: int, said: str
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, stand.client.url + path) as answer,
    ):
        assert answer.status == status
        assert said in read_refusal(await answer.read()).error
