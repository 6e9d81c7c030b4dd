"""Take workers out: those that are superseded, replaced, or more than are wanted. Pure.

Nobody is deleted here. A worker that takes calls goes only where the others that do have slots
enough without it; one that does not can always go.
"""

from callfleet_contract.fleet.spec import Mode
from callfleet_operator.planning.actions import Reason, SetCordon
from callfleet_operator.planning.bounds import Size
from callfleet_operator.planning.goals import Goals
from callfleet_operator.planning.orders import is_by_user, order
from callfleet_operator.planning.rollout import Course
from callfleet_operator.planning.seen import Seen, Standing, View, age_seconds
from callfleet_operator.planning.supply import Supply
from callfleet_operator.planning.trust import UNWELL, Trust
from callfleet_operator.planning.victims import in_order

FREE = frozenset({Standing.STARTING, Standing.STUCK, Standing.GOING})
"""They take no calls: nobody misses them now."""


class Shrinkage:
    """What is taken out."""

    def __init__(self, view: View, supply: Supply, trust: Trust, goal: Goals) -> None:
        self.view = view
        self.now = view.snapshot.now
        self.trusted = trust.trusted
        self.goal = goal
        self.unit = supply.unit
        self.spare = supply.proving_slots - goal.need
        """Slots that take calls, on workers that work for certain, and are more than wanted."""
        self.counted = {seen.pod.uid for seen in supply.counted}
        self.cordoned: dict[str, SetCordon] = {}
        """By the pods' uids."""

    def shrink(self, course: Course, size: Size) -> None:
        """Take out what is superseded, then what is replaced, then what is too much."""
        staying = [seen for seen in self.view.pods if seen.uncordoned and not seen.leaves]
        new = [seen for seen in staying if seen.pod.revision == course.to]
        old = [seen for seen in staying if course.rolling and seen.pod.revision == course.old]
        rest = [seen for seen in staying if seen.pod.revision not in (course.to, course.old)]
        self._supersede(rest, Reason.ROLLOUT if course.to == course.status.target else Reason.UNDO)
        if not course.rolling:
            self._spare(new, self.goal.need, size)
        elif course.is_held:
            self._spare(new + old, self.goal.most, size)
        else:
            if self.goal.is_proven or self.goal.is_cramped:
                self._replace(old)
            else:
                self._spare(old, self.goal.old, size)
            self._spare(new, self.goal.new, size)
        self._clear(new + old)

    def _supersede(self, rest: list[Seen], reason: Reason) -> None:
        for seen in in_order(rest, self.view):
            if self._can_go(seen):
                self._cordon(seen, reason)

    def _replace(self, old: list[Seen]) -> None:
        """Take out old workers beyond their share; where there is no room else, one before.

        That holds where slots ran out too: at a bound they may stay so for as long as it is there.
        What is not counted on takes no place of what is, or its replacement would be taken out.
        """
        allowed = self.unit if self.goal.is_cramped and self._may_be_one_less() else 0
        left = sum(seen.slots for seen in old)
        counted = sum(seen.slots for seen in old if seen.pod.uid in self.counted)
        for seen in in_order(old, self.view):
            is_counted = seen.pod.uid in self.counted
            if left <= self.goal.old or (is_counted and counted <= self.goal.old):
                continue
            if self._can_go(seen, allowed):
                self._cordon(seen, Reason.ROLLOUT)
                left -= seen.slots
                counted -= seen.slots if is_counted else 0

    def _may_be_one_less(self) -> bool:
        """Whether a worker is left, and none is on its way out, whose room is waited for."""
        going = self.view.standing(Standing.DRAINING, Standing.ENDING)
        return self.spare + self.goal.need > self.unit and all(is_by_user(seen) for seen in going)

    def _spare(self, pods: list[Seen], keep: int, size: Size) -> None:
        """Take out what is counted on and more than wanted, where shrinking is allowed.

        What is not heard is neither taken out nor held against those that are.
        """
        if not size.may_shrink:
            return
        reason = Reason.MANUAL if size.reason is Reason.MANUAL else Reason.SURPLUS
        heard = [seen for seen in pods if seen.standing is not Standing.SILENT]
        counted = [seen for seen in heard if seen.pod.uid in self.counted]
        left = sum(seen.slots for seen in counted)
        for seen in in_order(counted, self.view):
            is_too_much = left - seen.slots >= keep
            if is_too_much and self._is_old_enough(seen) and self._can_go(seen):
                self._cordon(seen, reason)
                left -= seen.slots

    def _clear(self, pods: list[Seen]) -> None:
        """Take out what does not work where others of its revision do, and is replaced.

        A container that does not run for a reason not told may just be restarting: it is left.
        """
        for seen in pods:
            if seen.pod.uid in self.counted or seen.pod.uid in self.cordoned:
                continue
            is_replaced = seen.calls == 0 and self.spare >= 0
            is_cut_off = seen.standing is Standing.UNCONNECTED and is_replaced
            is_stuck = seen.standing is Standing.STUCK and seen.pod.trouble != ""
            if is_stuck or is_cut_off:
                self._cordon(seen, Reason.STUCK)

    def _is_old_enough(self, seen: Seen) -> bool:
        auto = self.view.snapshot.spec.autoscaling
        if auto.mode is Mode.MANUAL:
            return True
        return age_seconds(seen.pod, self.now) >= auto.scale_down.min_pod_age_seconds

    def _can_go(self, seen: Seen, allowed: int = 0) -> bool:
        """Whether callers do not miss it now. ``allowed`` slots may be missing."""
        if seen.standing in FREE:
            return True
        if seen.standing in UNWELL:
            return self.trusted
        return self.spare + allowed >= (seen.slots if seen.proves else 0)

    def _cordon(self, seen: Seen, reason: Reason) -> None:
        if seen.proves:
            self.spare -= seen.slots
        action = order(seen, cordon=True, reason=reason, now=self.now)
        self.cordoned[seen.pod.uid] = action
