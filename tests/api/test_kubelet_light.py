"""Light workers say and obey what real ones do, a thousand of them at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from control_plane import ControlPlane
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kubelet_light import LightWorker
from kubelet_spec import Image
from kubelet_stand import KubeletStand, Site, kubelet_stand
from pods import IMAGE, pod

from callfleet_contract.admission import (
    CORDON_PATH,
    WATCH_PATH,
    Order,
    Report,
    encode,
    read_refusal,
    read_report,
)
from callfleet_contract.fleet.names import ADMISSION_PORT
from callfleet_contract.signing import CORDON, HEADER, WATCH, sign, write_public_key

KEY = Ed25519PrivateKey.generate()


def light_pod(name: str = "one") -> dict[str, Any]:
    uid = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
    keys = write_public_key(KEY.public_key())
    return pod(
        name,
        env=[
            {"name": "CALLFLEET_ADMISSION__POD_UID", **uid},
            {"name": "CALLFLEET_ADMISSION__PUBLIC_KEYS", "value": keys},
            {"name": "CALLFLEET_SLOTS", "value": "3"},
        ],
    )


class Operator:
    """As much of an operator as it takes to watch one worker and to order it."""

    def __init__(self, session: aiohttp.ClientSession, stand: KubeletStand, name: str) -> None:
        self._session, self.stand, self.name = session, stand, name
        life = stand.lives[name]
        self.uid, self._url = life.uid, f"http://{life.place.pod_ip}:{ADMISSION_PORT}"

    @property
    def worker(self) -> LightWorker:
        return self.stand.worker(self.name)

    @asynccontextmanager
    async def watch(self, key: Ed25519PrivateKey = KEY) -> AsyncIterator[Any]:
        headers = {HEADER: sign(key, WATCH, self.uid.encode())}
        async with self._session.get(f"{self._url}{WATCH_PATH}", headers=headers) as answer:
            answer.raise_for_status()
            yield answer.content

    async def order(self, epoch: int, *, cordon: bool, uid: str = "") -> tuple[int, bytes]:
        body = encode(Order(uid or self.uid, epoch, cordon))
        headers = {HEADER: sign(KEY, CORDON, body)}
        url = f"{self._url}{CORDON_PATH}"
        async with self._session.post(url, data=body, headers=headers) as answer:
            return answer.status, await answer.read()


@pytest.fixture
def standing(control_plane: ControlPlane, namespace: str) -> Any:
    """Give the block in which the stand-in works; it has to be in the test's own task."""
    images = {IMAGE: Image(("no", "program"))}

    @asynccontextmanager
    async def stood(*names: str) -> AsyncIterator[tuple[KubeletStand, aiohttp.ClientSession]]:
        site = Site(control_plane, namespace, images, pods_per_node=1000)
        async with kubelet_stand(site) as stand, aiohttp.ClientSession() as session:
            path = f"/api/v1/namespaces/{namespace}/pods"
            for name in names:
                await asyncio.to_thread(control_plane.ask, "POST", path, light_pod(name))
            await stand.until(lambda: set(names) <= set(stand.ready()))
            yield stand, session

    return stood


async def next_report(lines: aiohttp.StreamReader) -> Report:
    return read_report((await lines.readline()).strip())


async def test_a_change_is_told_at_once_and_an_order_is_obeyed(standing: Any) -> None:
    async with standing("one") as (stand, session):
        operator = Operator(session, stand, "one")
        async with operator.watch() as lines:
            first = await next_report(lines)
            assert (first.pod_uid, first.slots, first.free) == (operator.uid, 3, 3)
            assert operator.worker.call(2) == 2
            second = await next_report(lines)
            assert (second.active, second.sequence) == (2, first.sequence + 1)
            assert operator.worker.call(2) == 1
            assert (await next_report(lines)).free == 0
            status, answer = await operator.order(5, cordon=True)
            told = read_report(answer.strip())
            assert (status, told.epoch, told.cordoned, told.accepting) == (200, 5, True, False)
            assert (await next_report(lines)).cordoned
            operator.worker.hang_up(3, seconds=10.0)
            last = await next_report(lines)
            assert (last.idle, last.ended_total, last.call_seconds_total) == (True, 3, 30.0)


async def test_old_and_strange_orders_are_refused(standing: Any) -> None:
    async with standing("one") as (stand, session):
        operator = Operator(session, stand, "one")
        assert (await operator.order(5, cordon=True))[0] == 200
        assert (await operator.order(5, cordon=True))[0] == 200, "the same once more"
        for epoch, cordon, uid in ((5, False, ""), (4, False, ""), (9, False, "another")):
            status, answer = await operator.order(epoch, cordon=cordon, uid=uid)
            refusal = read_refusal(answer.strip())
            assert status == 409
            assert refusal.report is not None
            assert (refusal.report.epoch, refusal.report.cordoned) == (5, True)
        with pytest.raises(aiohttp.ClientResponseError, match="401"):
            async with operator.watch(Ed25519PrivateKey.generate()):
                pass


async def test_a_worker_started_again_is_another_boot_and_still_cordoned(standing: Any) -> None:
    async with standing("one") as (stand, session):
        operator = Operator(session, stand, "one")
        await operator.order(5, cordon=True)
        before = operator.worker.report
        stand.kill("one")
        await stand.until(lambda: operator.worker.report.boot_id != before.boot_id)
        async with operator.watch() as lines:
            after = await next_report(lines)
        assert (after.epoch, after.cordoned, after.sequence) == (5, True, 1)


async def test_a_deleted_worker_lets_its_calls_end(
    standing: Any, control_plane: ControlPlane, namespace: str
) -> None:
    async with standing("one") as (stand, session):
        operator = Operator(session, stand, "one")
        worker = operator.worker
        worker.call()
        path = f"/api/v1/namespaces/{namespace}/pods/one"
        await asyncio.to_thread(control_plane.ask, "DELETE", path)
        await stand.until(lambda: worker.report.draining)
        assert "one" in stand.lives
        worker.hang_up()
        await stand.until(lambda: "one" not in stand.lives)


async def test_a_worker_that_hangs_says_nothing(standing: Any) -> None:
    async with standing("one") as (stand, session):
        operator = Operator(session, stand, "one")
        async with operator.watch() as lines:
            await next_report(lines)
            operator.worker.hang()
            operator.worker.call()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(lines.readline(), 3)
            operator.worker.recover()
            assert (await next_report(lines)).active == 1


async def test_hundreds_of_workers_are_there_within_a_minute(standing: Any) -> None:
    names = [f"worker-{number}" for number in range(300)]
    async with standing(*names) as (stand, session):
        operators = [Operator(session, stand, name) for name in names]
        answers = await asyncio.gather(*(each.order(1, cordon=True) for each in operators))
        assert {status for status, _ in answers} == {200}
        assert all(stand.worker(name).report.cordoned for name in names)
