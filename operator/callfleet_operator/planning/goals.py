"""Say how many slots each revision is to have, and what room is left for more. Pure."""

import math
from dataclasses import dataclass

from callfleet_contract.fleet.status import Limit
from callfleet_operator.planning.bounds import Size
from callfleet_operator.planning.progress import share_percent
from callfleet_operator.planning.rollout import Course, can_make
from callfleet_operator.planning.seen import View
from callfleet_operator.planning.supply import Supply

_UNBOUNDED = 10**9


@dataclass(frozen=True, slots=True)
class Goals:
    """Slots that are wanted, of which revision, and how many beyond them while one is replaced."""

    need: int
    new: int
    """Of the revision that the fleet has, or gets."""
    old: int
    """Of the one that is replaced."""
    most: int
    """While one revision replaces another, no more than these."""
    is_proven: bool
    """A worker of the new revision takes calls."""
    is_cramped: bool
    """No bound leaves room for one pod more than are wanted: the old goes before the new comes."""


def goals(view: View, supply: Supply, course: Course, size: Size) -> Goals:
    """Say how many slots each revision is to have.

    Until a worker of the new revision takes calls, the fleet grows in the one that it had, so that
    a burst does not wait for what may never work.
    """
    auto = view.snapshot.spec.autoscaling
    need = size.pods * supply.unit
    surge = surge_pods(view.snapshot.spec.rollout.max_surge, size.pods) * supply.unit
    proven = course.to in view.proven
    limit = auto.external_session_limit
    cramped = auto.most_pods <= size.pods or (limit is not None and need + supply.unit > limit)
    if not course.rolling:
        return Goals(need, need, 0, _UNBOUNDED, proven, is_cramped=False)
    new = math.ceil(size.pods * share_percent(view, course) / 100) * supply.unit
    have = supply.counted_slots(course.to)
    if course.is_held:
        new = min(have, need)
    elif not proven:
        new = min(new, surge)
    old = need - new if proven or cramped or course.is_held else need
    if not can_make(view, course.old):
        new, old = need, 0
    return Goals(need, new, old, need + surge, proven, cramped)


def surge_pods(max_surge: int | str, pods: int) -> int:
    """Pods beyond the wanted number while a revision replaces another; at least one."""
    if isinstance(max_surge, int):
        return max(1, max_surge)
    share = max_surge.removesuffix("%")
    percent = int(share) if share.isdecimal() else 0
    return max(1, math.ceil(pods * percent / 100))


@dataclass(slots=True)
class Room:
    """What the bounds leave for more pods; each that is added takes of it."""

    pods: int
    sessions: float
    pods_limit: Limit = Limit.MAX_TOTAL_PODS
    """What bounds the pods."""

    @property
    def limit(self) -> Limit:
        """What bounded the last pods that were asked for, where not all fit."""
        return self.pods_limit if self.pods <= 0 else Limit.SESSIONS

    def takes(self, pods: int, slots: int) -> int:
        """Say how many of so many new pods fit, and take their room."""
        fits = min(pods, max(0, self.pods))
        if slots > 0 and math.isfinite(self.sessions):
            fits = min(fits, max(0, int(self.sessions // slots)))
        self.pods -= fits
        self.sessions -= fits * slots
        return fits

    def bears(self, slots: int) -> bool:
        """Say whether a pod that is there already may come to hold so many calls more."""
        if slots > self.sessions:
            return False
        self.sessions -= slots
        return True


def room(view: View, supply: Supply, course: Course, size: Size) -> Room:
    """Say what the bounds leave now.

    ``maxReplicas`` bounds pods, while goals are slots: of a revision with smaller pods more would
    do.
    """
    auto = view.snapshot.spec.autoscaling
    limit = auto.external_session_limit
    sessions = math.inf if limit is None else limit - view.sessions
    surge = view.snapshot.spec.rollout.max_surge
    beyond = surge_pods(surge, size.pods) if course.rolling else 0
    kept = sum(seen.pod.revision in (course.to, course.old) for seen in supply.counted)
    accepting, total = auto.max_replicas + beyond - kept, auto.most_pods - view.total
    by = Limit.MAX_REPLICAS if accepting < total else Limit.MAX_TOTAL_PODS
    return Room(min(accepting, total), sessions, by)
