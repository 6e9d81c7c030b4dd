"""Give a fleet the slots that it lacks: cordoned workers first, then new pods. Pure."""

import math

from callfleet_operator.planning.actions import Create, Reason, SetCordon
from callfleet_operator.planning.bounds import Size, before
from callfleet_operator.planning.goals import Goals, Room
from callfleet_operator.planning.orders import is_by_user, order
from callfleet_operator.planning.rollout import Course
from callfleet_operator.planning.seen import Seen, Standing, View
from callfleet_operator.planning.supply import Supply

MOST_CREATED = 100
"""New pods in one plan; the next goes on."""


class Growth:
    """What is added: orders to take calls again, and new pods."""

    def __init__(self, view: View, supply: Supply, course: Course, goal: Goals) -> None:
        self.now = view.snapshot.now
        self.view = view
        self.course = course
        self.goal = goal
        self.total = supply.counted_slots()
        self.new = supply.counted_slots(course.to)
        self.old = supply.counted_slots(course.old) if course.rolling else 0
        self.undrained: list[SetCordon] = []
        self.created: list[Create] = []
        self.lacks_room = False

    @property
    def lacking(self) -> int:
        """Slots that are wanted and not there."""
        return self.goal.need - self.total

    def grow(self, room: Room, size: Size) -> None:
        """Add what is lacking, as far as there is room."""
        reason = self._reason(size)
        candidates = _undrainable(self.view)
        self._undrain(candidates, self.course.to, room, reason)
        self._undrain(candidates, self.course.old, room, reason)
        budget = MOST_CREATED
        budget -= self._create(self.course.to, self._lacking_new(), budget, room, reason)
        if self.course.rolling:
            self._create(self.course.old, self._lacking_old_pods(), budget, room, reason)

    def _lacking_new(self) -> int:
        return min(self.goal.new - self.new, self.goal.most - self.total)

    def _undrain(self, candidates: list[Seen], revision: str, room: Room, reason: Reason) -> None:
        if not revision:
            return
        is_new = revision == self.course.to
        for seen in candidates:
            if seen.pod.revision != revision:
                continue
            lacking = self._lacking_new() if is_new else self._lacking_old()
            if lacking <= 0:
                return
            if not room.bears(seen.slots - seen.sessions):
                self.lacks_room = True
                continue
            why = Reason.UNDO if self._is_undo and is_new else reason
            self.undrained.append(order(seen, cordon=False, reason=why, now=self.now))
            self._add(revision, seen.slots)

    def _lacking_old(self) -> int:
        """Slots of the old revision to take back, in place of superseded ones too.

        A new revision of which no worker has taken calls yet is not counted on.
        """
        new = self.new if self.goal.is_proven else 0
        return min(self.goal.old - self.old, self.goal.need - new - self.old)

    def _lacking_old_pods(self) -> int:
        """Slots of the old revision to make pods for, once what could be taken back was."""
        if self.goal.is_proven:
            return min(self.goal.old - self.old, self.lacking)
        superseded = self.total - self.new - self.old
        return min(self.goal.old - self.old - superseded, self.goal.most - self.total)

    def _create(self, revision: str, slots: int, budget: int, room: Room, reason: Reason) -> int:
        each = self.view.slots_of(revision)
        wanted = max(0, math.ceil(slots / each))
        count = room.takes(min(wanted, budget), each)
        self.lacks_room |= count < min(wanted, budget)
        if count == 0:
            return 0
        if self.lacking <= 0:
            reason = Reason.UNDO if self._is_undo else Reason.ROLLOUT
        self.created.append(Create(count, revision, reason))
        self._add(revision, count * each)
        return count

    def _add(self, revision: str, slots: int) -> None:
        self.total += slots
        if revision == self.course.to:
            self.new += slots
        else:
            self.old += slots

    @property
    def _is_undo(self) -> bool:
        return self.course.to != self.course.status.target

    def _reason(self, size: Size) -> Reason:
        """Say why slots are lacking: pods went, or more are wanted."""
        if size.reason in (Reason.MANUAL, Reason.FALLBACK, Reason.EXHAUSTED):
            return size.reason
        decided = before(self.view.snapshot)
        if decided is not None and size.pods <= decided:
            if any(seen.leaves for seen in self.view.pods):
                return Reason.NODE_LEAVES
            if any(self.view.standing(Standing.LOST)):
                return Reason.NODE_GONE
            return Reason.REPLACE
        return size.reason


def _undrainable(view: View) -> list[Seen]:
    """Cordoned workers that can take calls again, those with the fewest calls first."""
    can = [
        seen
        for seen in view.standing(Standing.DRAINING)
        if seen.fresh
        and seen.report is not None
        and seen.report.registered
        and not seen.report.draining
        and not seen.leaves
        and not is_by_user(seen)
    ]
    return sorted(can, key=lambda seen: (seen.calls, seen.pod.created_at, seen.pod.name))
