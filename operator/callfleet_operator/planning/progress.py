"""Say how far a rollout got, now that it is known how many pods are wanted. Pure."""

import math

from callfleet_contract.fleet.status import RolloutPhase, RolloutStatus
from callfleet_operator.planning.rollout import Course, instant, written
from callfleet_operator.planning.seen import View
from callfleet_operator.planning.supply import Supply


def advance(view: View, supply: Supply, course: Course, pods: int) -> Course:
    """Take what was reached into the status, and go on to the next step, or be done."""
    told = course.status
    if course.is_held:
        return course
    if told.target in told.undone:
        return _undone(view, course)
    if not course.rolling:
        return _first_or_settled(view, supply, course, pods)
    told = _counted(view, supply, told)
    while _is_reached(view, supply, told, pods) and not _is_last(view, told):
        told = _held(view, told)
        if not _is_over(view, told):
            return _with(course, told)
        told = _next(view, told)
    if not _is_reached(view, supply, told, pods):
        return _with(course, _lost_step(view, told))
    return _with(course, told) if _has_old(view, told.target) else _done(course, told)


def share_percent(view: View, course: Course) -> int:
    """Share of the slots that the revision ``course.to`` is to have."""
    if not course.rolling:
        return 100
    steps = view.snapshot.spec.rollout.steps
    return steps[min(course.status.step, len(steps) - 1)]


def _with(course: Course, told: RolloutStatus) -> Course:
    return Course(told, course.to, course.old)


def _done(course: Course, told: RolloutStatus) -> Course:
    previous = told.current if told.current != told.target else told.previous
    done = told.model_copy(
        update={
            "phase": RolloutPhase.COMPLETE,
            "current": told.target,
            "previous": previous,
            "step": 0,
            "step_since": "",
            "accepted": 0,
            "message": "",
        }
    )
    return Course(done, course.to, "")


def _undone(view: View, course: Course) -> Course:
    """Be done with an undo when no pod takes calls any more but those that are to."""
    phase = RolloutPhase.UNDOING if _has_old(view, course.to) else RolloutPhase.UNDONE
    return Course(course.status.model_copy(update={"phase": phase}), course.to, "")


def _first_or_settled(view: View, supply: Supply, course: Course, pods: int) -> Course:
    """Go on with a fleet's first revision, or with one that another's rollout was given up for."""
    told = course.status
    if told.current == told.target:
        if told.phase is not RolloutPhase.COMPLETE and not _has_old(view, told.target):
            return _done(course, told)
        return course
    told = _counted(view, supply, told)
    if _proving_slots(supply, told.target) >= pods * supply.unit:
        return _done(course, told)
    return Course(_overdue(view, told), course.to, "")


def _overdue(view: View, told: RolloutStatus) -> RolloutStatus:
    """Say of a first revision that it gets no further. There is none to go back to."""
    since = instant(told.progressed_at)
    deadline = view.snapshot.spec.rollout.progress_deadline_seconds
    if since is None or view.snapshot.now - since < deadline:
        return told.model_copy(update={"phase": RolloutPhase.ROLLING, "message": ""})
    message = f"the fleet's first revision got no further for {deadline} s; none is before it"
    return told.model_copy(update={"phase": RolloutPhase.FAILED, "message": message})


def _counted(view: View, supply: Supply, told: RolloutStatus) -> RolloutStatus:
    accepting = sum(seen.proves and seen.pod.revision == told.target for seen in supply.accepting)
    if accepting <= told.accepted:
        return told
    return told.model_copy(
        update={
            "accepted": accepting,
            "progressed_at": written(view.snapshot.now),
            "phase": RolloutPhase.ROLLING,
            "message": "",
        }
    )


def _proving_slots(supply: Supply, revision: str) -> int:
    return sum(
        seen.slots for seen in supply.accepting if seen.proves and seen.pod.revision == revision
    )


def _is_reached(view: View, supply: Supply, told: RolloutStatus, pods: int) -> bool:
    steps = view.snapshot.spec.rollout.steps
    share = steps[min(told.step, len(steps) - 1)]
    return _proving_slots(supply, told.target) >= math.ceil(pods * share / 100) * supply.unit


def _is_last(view: View, told: RolloutStatus) -> bool:
    return told.step >= len(view.snapshot.spec.rollout.steps) - 1


def _has_old(view: View, revision: str) -> bool:
    return any(seen.uncordoned and seen.pod.revision != revision for seen in view.pods)


def _held(view: View, told: RolloutStatus) -> RolloutStatus:
    if told.step_since:
        return told
    return told.model_copy(update={"step_since": written(view.snapshot.now)})


def _is_over(view: View, told: RolloutStatus) -> bool:
    since = instant(told.step_since)
    return since is None or view.snapshot.now - since >= view.snapshot.spec.rollout.pause_seconds


def _next(view: View, told: RolloutStatus) -> RolloutStatus:
    return told.model_copy(
        update={
            "step": told.step + 1,
            "step_since": "",
            "progressed_at": written(view.snapshot.now),
        }
    )


def _lost_step(view: View, told: RolloutStatus) -> RolloutStatus:
    """Wait for a step's share again that was reached, and is not any more."""
    if not told.step_since:
        return told
    return told.model_copy(update={"step_since": "", "progressed_at": written(view.snapshot.now)})
