"""All ears of all fleets, and what they add up to: how calls come, how fast workers start.

No I/O. Instants are seconds of a clock that never jumps.
"""

from collections import defaultdict
from typing import Protocol

from callfleet_contract.admission import Report
from callfleet_operator.objects.seen import Key, SeenPod
from callfleet_operator.observing.hearing import Ear, Gained, Ignored
from callfleet_operator.observing.rates import LeadTimes, Rates
from callfleet_operator.planning.snapshot import Arrivals, Cordon, Doubted, Heard


class Tidings(Protocol):
    """Who is told of what follows from reports."""

    def calls_lost(self, pod: SeenPod, calls: int, why: str) -> None:
        """Calls ended because their worker did."""

    def report_ignored(self, pod: SeenPod, why: Ignored, report: Report) -> None:
        """A report was not believed."""

    def offers_refused(self, pod: SeenPod, offers: int) -> None:
        """A worker passed on offers because no slot was free."""

    def worker_started(self, pod: SeenPod, seconds: float) -> None:
        """A new worker takes calls for the first time."""

    def worker_changed(self, pod: SeenPod, *, at_once: bool) -> None:
        """There is something to think over, soon or at once."""


class Ears:
    """One ear for each pod that is or was there."""

    def __init__(self, began_at: float, tidings: Tidings) -> None:
        self._began_at = began_at
        self._tidings = tidings
        self._ears: dict[str, Ear] = {}
        self._born_at: dict[str, float] = {}
        self._rates: defaultdict[Key, Rates] = defaultdict(lambda: Rates(began_at))
        self._lead_times: defaultdict[Key, LeadTimes] = defaultdict(LeadTimes)
        self._free: defaultdict[Key, dict[str, int]] = defaultdict(dict)

    def appeared(self, pod: SeenPod, at: float, *, is_new: bool) -> None:
        """A pod is there; a new one was made while this operator watched."""
        if pod.uid not in self._ears:
            self._ears[pod.uid] = Ear(pod.uid, is_new)
            if is_new:
                self._born_at[pod.uid] = at

    def ended(self, pod: SeenPod, why: str) -> None:
        """A pod's containers are gone; calls that it last had are lost with it. Counted once."""
        ear = self._ears.get(pod.uid)
        self._free[pod.fleet].pop(pod.uid, None)
        self._born_at.pop(pod.uid, None)
        lost = ear.calls_lost_with_it() if ear is not None else 0
        if lost:
            self._tidings.calls_lost(pod, lost, why)

    def forget(self, pod: SeenPod) -> None:
        """Nothing more will come of a pod."""
        self._ears.pop(pod.uid, None)
        self._born_at.pop(pod.uid, None)
        self._free[pod.fleet].pop(pod.uid, None)

    def hear(self, pod: SeenPod, report: Report, at: float) -> None:
        """Take in what a worker said at an instant, and tell what follows."""
        ear = self._ears.setdefault(pod.uid, Ear(pod.uid, is_new=False))
        gained = ear.hear(report, at)
        if gained.ignored is not None:
            if gained.ignored is not Ignored.OLD:
                self._tidings.report_ignored(pod, gained.ignored, report)
            if gained.changed:
                self._tidings.worker_changed(pod, at_once=False)
            return
        rates = self._rates[pod.fleet]
        rates.came(at, gained.came)
        rates.ended(gained.ended, gained.call_seconds)
        rates.refused(gained.refused)
        self._tell(pod, gained, at)

    def refused(self, pod: SeenPod, why: str, at: float) -> None:
        """Take in that what answers at a pod's address lets nobody listen."""
        if self._ears.setdefault(pod.uid, Ear(pod.uid, is_new=False)).refused(why, at):
            self._tidings.worker_changed(pod, at_once=False)

    def calls(self, uid: str) -> int:
        """Say how many calls a pod last had."""
        ear = self._ears.get(uid)
        return ear.latest.calls if ear is not None and ear.latest is not None else 0

    def has_been_heard(self, uid: str) -> bool:
        """Tell whether a pod's worker ever said anything."""
        ear = self._ears.get(uid)
        return ear is not None and ear.latest is not None

    def heard(self, uid: str, now: float, cordon: Cordon | None) -> Heard | None:
        """Say what a pod's worker last said, as of now."""
        ear = self._ears.get(uid)
        return ear.heard(now, cordon) if ear is not None else None

    def doubts(self, uid: str, now: float) -> Doubted | None:
        """Say what answers in place of a pod's worker, as of now."""
        ear = self._ears.get(uid)
        return ear.doubts(now) if ear is not None else None

    def arrivals(self, fleet: Key, now: float) -> Arrivals:
        """Say how a fleet's calls come."""
        return self._rates[fleet].arrivals(now)

    def lead_time_seconds(self, fleet: Key) -> float | None:
        """Say how long a fleet's new workers took, where one has started."""
        return self._lead_times[fleet].p90_seconds()

    def _tell(self, pod: SeenPod, gained: Gained, at: float) -> None:
        ear = self._ears[pod.uid]
        if gained.lost:
            self._tidings.calls_lost(pod, gained.lost, "its worker or a process of it died")
        if gained.refused:
            self._tidings.offers_refused(pod, gained.refused)
        if gained.first_accepting and pod.uid in self._born_at:
            seconds = at - self._born_at.pop(pod.uid)
            self._lead_times[pod.fleet].took(seconds)
            self._tidings.worker_started(pod, seconds)
        free = self._free[pod.fleet]
        free[pod.uid] = ear.latest.free if ear.latest is not None else 0
        if gained.filled and (gained.refused or not any(free.values())):
            self._tidings.worker_changed(pod, at_once=True)
        elif gained.changed:
            self._tidings.worker_changed(pod, at_once=False)
