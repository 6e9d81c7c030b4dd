"""Listen to every worker: one watch for each pod that has an address, for as long as it is there.

A watch that breaks is begun anew, sooner for a pod that was never heard than for one that hangs.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextvars import Context

import structlog

from callfleet_contract.admission import Report
from callfleet_operator.objects.seen import SeenFleet, SeenNode, SeenPod
from callfleet_operator.observing.ears import Ears
from callfleet_operator.observing.store import Store
from callfleet_operator.reaching.admission import Address, AdmissionClient, DeafError, RefusedError

_FIRST_WAIT_SECONDS = 0.25
_MOST_WAIT_SECONDS = 4.0
_MOST_WAIT_FOR_NEW_SECONDS = 1.0
_TELL_AFTER_FAILURES = 5

log = structlog.get_logger("callfleet_operator")


def address_of(pod: SeenPod) -> Address:
    """Say where a pod's worker listens."""
    return Address(pod.address, pod.port, pod.uid, pod.keys)


class Listening:
    """The watches. Tell it of pods by letting it listen to a store."""

    def __init__(
        self, store: Store, ears: Ears, client: AdmissionClient, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._ears = ears
        self._client = client
        self._clock = clock
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._addresses: dict[str, Address] = {}

    def pod_changed(self, before: SeenPod | None, after: SeenPod | None) -> None:
        """Begin or end a watch as a pod comes and goes."""
        if after is None or after.finished:
            gone = after or before
            if gone is not None:
                self._stop(gone.uid)
            return
        if not after.address:
            return
        at = address_of(after)
        if self._addresses.get(after.uid) != at:
            self._stop(after.uid)
            self._addresses[after.uid] = at
            self._watches[after.uid] = asyncio.create_task(
                self._listen(after.uid), name=f"watch of {after.name}", context=Context()
            )

    def fleet_changed(self, before: SeenFleet | None, after: SeenFleet | None) -> None:
        """Do nothing: a fleet's pods say themselves what becomes of them."""

    def node_changed(self, before: SeenNode | None, after: SeenNode | None) -> None:
        """Do nothing: a node is not asked."""

    async def close(self) -> None:
        """End all watches."""
        watches = tuple(self._watches.values())
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        self._watches.clear()

    def _stop(self, uid: str) -> None:
        self._addresses.pop(uid, None)
        watch = self._watches.pop(uid, None)
        if watch is not None:
            watch.cancel()

    async def _listen(self, uid: str) -> None:
        failures = 0
        while (pod := self._store.pods.get(uid)) is not None:
            began_at = time.monotonic()
            why = "the worker closed the watch"
            try:
                async for report in self._client.watch(address_of(pod)):
                    failures = 0
                    self._hear(uid, report)
            except RefusedError as error:
                why = str(error)
                self._ears.refused(pod, why, self._clock())
            except DeafError as error:
                why = str(error)
            failures += 1
            if failures == _TELL_AFTER_FAILURES and self._ears.has_been_heard(uid):
                log.warning(
                    "a worker cannot be heard", pod=pod.name, fleet=str(pod.fleet), error=why
                )
            is_known = self._ears.has_been_heard(uid)
            most = _MOST_WAIT_SECONDS if is_known else _MOST_WAIT_FOR_NEW_SECONDS
            wait = min(most, _FIRST_WAIT_SECONDS * 2 ** min(failures - 1, 8))
            passed = time.monotonic() - began_at
            await asyncio.sleep(max(0.05, wait * random.uniform(0.5, 1) - passed))

    def _hear(self, uid: str, report: Report) -> None:
        pod = self._store.pods.get(uid)
        if pod is not None:
            self._ears.hear(pod, report, self._clock())
