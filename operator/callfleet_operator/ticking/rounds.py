"""Go round the fleets: a loop for each, woken by what happens to it.

A loop ends with its fleet, or when the lease is lost; nothing else ends it.
"""

import asyncio
import time
from contextvars import Context
from dataclasses import replace

import structlog

from callfleet_contract import operator_metrics as metrics
from callfleet_operator.objects.seen import Key, SeenFleet, SeenNode, SeenPod
from callfleet_operator.observing.store import Store
from callfleet_operator.planning.snapshot import Memory
from callfleet_operator.reaching.writing import NotLeadingError
from callfleet_operator.telling.logs import begin_tick
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.ticking.alarm import Alarm
from callfleet_operator.ticking.tick import Remembered, Tick, Ticked, Tools

SOON_SECONDS = 1.0
_FIRST_REST_SECONDS = 1.0
_MOST_REST_SECONDS = 30.0
_AFTER_ERROR_SECONDS = 5.0

log = structlog.get_logger("callfleet_operator")


class Rounds:
    """The loops."""

    def __init__(self, store: Store, tools: Tools, registry: Metrics, began_at: float) -> None:
        self._store = store
        self._tools = tools
        self._metrics = registry
        self._began_at = began_at
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._alarms: dict[Key, Alarm] = {}
        self._exhausted_at: dict[Key, float] = {}

    def start(self) -> None:
        """Begin with the fleets that are known, and go on with those that come."""
        self._store.listen(self)
        for fleet in self._store.fleets:
            self.fleet_changed(None, fleet)

    async def stop(self) -> None:
        """End all loops; what they were about to write is not written."""
        loops = tuple(self._loops.values())
        for one in loops:
            one.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    @property
    def overdue_seconds(self) -> float:
        """How long the most overdue fleet has waited."""
        return max((alarm.overdue_seconds for alarm in self._alarms.values()), default=0.0)

    def wake(self, fleet: Key, *, at_once: bool) -> None:
        """Have a fleet thought over."""
        if at_once:
            self._exhausted_at.setdefault(fleet, time.monotonic())
        self._ring(fleet, 0.0 if at_once else SOON_SECONDS)

    def pod_changed(self, before: SeenPod | None, after: SeenPod | None) -> None:
        """Think over the fleet of a pod that came, went, or is another than it was."""
        pod = after or before
        if pod is None:
            return
        if before is None or after is None or _differs(before, after):
            self._ring(pod.fleet, SOON_SECONDS if before is not None and after is None else 0.2)

    def fleet_changed(self, before: SeenFleet | None, after: SeenFleet | None) -> None:
        """Begin a loop for a new fleet, and think over one that its user changed."""
        if after is None:
            if before is not None:
                self._forget(before)
            return
        if before is not None and before.uid != after.uid:
            self._forget(before)
        if before is None or before.uid != after.uid:
            self._begin(after)
        elif _asked(before) != _asked(after):
            self._ring(after.key, 0.0)
        if before is None or before.deleting != after.deleting:
            for other in tuple(self._alarms):
                # One that had the same agent name may answer to it now, or no more.
                self._ring(other, SOON_SECONDS)

    def node_changed(self, before: SeenNode | None, after: SeenNode | None) -> None:
        """Think over the fleets on a node that leaves, comes back, or is gone."""
        node = after or before
        if node is None:
            return
        if (
            before is None
            or after is None
            or replace(before, version=0) != replace(after, version=0)
        ):
            for fleet in self._store.fleets_on(node.name):
                self._ring(fleet, 0.2)

    def _ring(self, fleet: Key, seconds: float) -> None:
        alarm = self._alarms.get(fleet)
        if alarm is not None:
            alarm.ring_in(seconds)

    def _begin(self, fleet: SeenFleet) -> None:
        alarm = Alarm(time.monotonic)
        self._alarms[fleet.key] = alarm
        self._metrics.begin(fleet.key)
        loop = asyncio.create_task(
            self._loop(fleet, alarm), name=f"fleet {fleet.key}", context=Context()
        )
        self._loops[fleet.uid] = loop
        loop.add_done_callback(lambda _: self._ended(fleet, alarm))

    def _ended(self, fleet: SeenFleet, alarm: Alarm) -> None:
        self._loops.pop(fleet.uid, None)
        if self._alarms.get(fleet.key) is alarm:
            del self._alarms[fleet.key]

    def _forget(self, fleet: SeenFleet) -> None:
        loop = self._loops.pop(fleet.uid, None)
        if loop is not None:
            loop.cancel()
        self._alarms.pop(fleet.key, None)
        self._metrics.forget(fleet.key)
        self._tools.plans.forget(fleet.key)
        self._tools.traces.forget(fleet.key)

    async def _loop(self, fleet: SeenFleet, alarm: Alarm) -> None:
        tick = Tick(self._tools, Remembered(Memory(self._began_at)))
        rests = 0
        while True:
            await alarm.wait()
            now = self._store.fleets.get(fleet.key)
            if now is None or now.uid != fleet.uid:
                return
            if now.deleting:
                log.info(
                    "fleet is being deleted: its pods end with their calls", fleet=str(now.key)
                )
                return
            begin_tick(now.key)
            try:
                ticked = await tick.tick(now)
            except NotLeadingError:
                return
            except Exception:  # whatever is wrong with one fleet is no matter of the others
                log.exception("a tick failed", fleet=str(now.key))
                self._metrics.add(
                    metrics.RECONCILE_ERRORS_TOTAL, labels=(now.key.namespace, now.key.name)
                )
                alarm.ring_in(_AFTER_ERROR_SECONDS)
                continue
            self._measure(now.key, ticked)
            rests = self._rest(alarm, ticked, rests)
            alarm.ring_in(ticked.look_again_seconds)

    def _rest(self, alarm: Alarm, ticked: Ticked, rests: int) -> int:
        """Leave the API server alone for a while where it asks for it, longer each time."""
        if not ticked.must_wait:
            return 0
        wait = min(_MOST_REST_SECONDS, _FIRST_REST_SECONDS * 2**rests)
        alarm.rest(max(wait, ticked.retry_after_seconds))
        return min(rests + 1, 8)

    def _measure(self, fleet: Key, ticked: Ticked) -> None:
        exhausted_at = self._exhausted_at.pop(fleet, None)
        if exhausted_at is not None and ticked.created:
            self._metrics.observe(
                metrics.EXHAUSTED_TO_CREATED_SECONDS, time.monotonic() - exhausted_at
            )


def _differs(before: SeenPod, after: SeenPod) -> bool:
    """Tell whether something about a pod changed that a decision depends on."""
    return replace(before, version=0, address="") != replace(after, version=0, address="")


def _asked(fleet: SeenFleet) -> tuple[object, ...]:
    """Give what a user asks of a fleet, and not what is answered."""
    return fleet.generation, fleet.undo, fleet.deleting
