"""Follow pods as they come and go: whose calls ended with them, and which were only let go."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Protocol

import structlog
from lightkube.resources.core_v1 import Pod

from callfleet_operator.objects.seen import SeenFleet, SeenNode, SeenPod
from callfleet_operator.observing.ears import Ears
from callfleet_operator.reaching.connection import Connection
from callfleet_operator.reaching.problems import REQUEST_ERRORS, Trouble, explain

_ASKS = 5
_ASK_AGAIN_SECONDS = 2.0

log = structlog.get_logger("callfleet_operator")


class Releases(Protocol):
    """Who is told of a pod that was let go."""

    def pod_released(self, pod: SeenPod) -> None:
        """A pod is there and no longer the fleet's."""


class Following:
    """Tells ears of pods. Let it listen to a store."""

    def __init__(
        self,
        ears: Ears,
        connection: Connection,
        releases: Releases,
        clock: Callable[[], float],
    ) -> None:
        self._ears = ears
        self._connection = connection
        self._releases = releases
        self._clock = clock
        self._asking: set[asyncio.Task[None]] = set()
        self.is_settled = False
        """Whether pods that appear from now on are new."""

    def pod_changed(self, before: SeenPod | None, after: SeenPod | None) -> None:
        """Follow one pod."""
        if after is None:
            if before is not None:
                self._vanished(before)
        elif before is None:
            self._ears.appeared(after, self._clock(), is_new=self.is_settled)
        if after is not None and after.ended_well and after.deleting:
            # Its last report may be lost with the connection; a worker ends when its calls have.
            self._ears.forget(after)
        elif after is not None and after.finished:
            self._ears.ended(after, "its pod ended")

    def fleet_changed(self, before: SeenFleet | None, after: SeenFleet | None) -> None:
        """Do nothing."""

    def node_changed(self, before: SeenNode | None, after: SeenNode | None) -> None:
        """Do nothing: what becomes of a node's pods shows in them."""

    async def close(self) -> None:
        """Stop asking."""
        for one in tuple(self._asking):
            one.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    def _vanished(self, pod: SeenPod) -> None:
        if pod.ended_well or not self._ears.calls(pod.uid):
            self._ears.forget(pod)
            return
        # In nobody's context: it may be a tick that notices, and this outlives it.
        task = asyncio.create_task(self._ask(pod), name=f"ask for {pod.name}", context=Context())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, pod: SeenPod) -> None:
        """Tell a pod that is gone with its calls from one that only lost its label."""
        for _ in range(_ASKS):
            try:
                there = await self._connection.client.get(Pod, pod.name, namespace=pod.namespace)
            except REQUEST_ERRORS as error:
                if explain(error, "").trouble is Trouble.GONE:
                    break
                await asyncio.sleep(_ASK_AGAIN_SECONDS)
                continue
            if there.metadata is not None and there.metadata.uid == pod.uid:
                self._releases.pod_released(pod)
                self._ears.forget(pod)
                return
            break
        self._ears.ended(pod, "its pod is gone")
        self._ears.forget(pod)
