"""Put a decision into the words and figures of the status. Pure; decides nothing."""

from callfleet_contract.fleet.spec import Mode
from callfleet_contract.fleet.status import (
    Condition,
    ConditionType,
    Limit,
    RolloutPhase,
    Why,
)
from callfleet_operator.planning.actions import Counts
from callfleet_operator.planning.bounds import Size, before
from callfleet_operator.planning.rollout import Course
from callfleet_operator.planning.seen import Standing, View
from callfleet_operator.planning.supply import COMING
from callfleet_operator.planning.troubles import Trouble, counted
from callfleet_operator.planning.trust import Trust

MOST_CHARACTERS = 2000
HARD_LIMITS = frozenset({Limit.MAX_REPLICAS, Limit.MAX_TOTAL_PODS, Limit.SESSIONS, Limit.HOLD})
UNDER_WAY = frozenset({RolloutPhase.ROLLING, RolloutPhase.PAUSED, RolloutPhase.UNDOING})
CURES = {
    Limit.MAX_REPLICAS: "raise autoscaling.maxReplicas",
    Limit.MAX_TOTAL_PODS: "raise autoscaling.maxTotalPods, or wait for draining workers",
    Limit.SESSIONS: "raise autoscaling.externalSessionLimit where the provider grants more",
    Limit.HOLD: "set autoscaling.hold: None",
}


def count(view: View, trust: Trust) -> Counts:
    """Count what the status tells."""
    accepting = [seen for seen in view.pods if seen.accepting]
    return Counts(
        replicas=sum(seen.uncordoned for seen in view.pods),
        accepting=len(accepting),
        starting=sum(seen.standing in COMING for seen in view.pods),
        draining=sum(1 for _ in view.standing(Standing.DRAINING, Standing.ENDING)),
        calls=sum(
            seen.calls
            for seen in view.pods
            if seen.standing not in (Standing.FINISHED, Standing.LOST)
        ),
        slots=sum(seen.slots for seen in accepting),
        free_slots=sum(seen.report.free for seen in accepting if seen.report is not None),
        fresh_percent=trust.fresh_percent,
    )


def why(view: View, course: Course, size: Size, counts: Counts, wrong: list[Trouble]) -> Why:
    """Find the one word for what decides the size, or keeps it."""
    snapshot = view.snapshot
    decided = before(snapshot)
    reasons = (
        (any(trouble.word == "Fallback" for trouble in wrong), Why.FALLBACK),
        (bool(wrong) and counts.accepting < size.pods, Why.DEGRADED),
        (size.reason.value == Why.EXHAUSTED.value, Why.EXHAUSTED),
        (size.limit in HARD_LIMITS, Why.LIMITED),
        (course.status.phase in UNDER_WAY, Why.ROLLING),
        (_is_replacing(view), Why.REPLACING),
        (decided is not None and size.pods < decided, Why.SHRINKING),
        (counts.replicas > size.pods, Why.SHRINKING),
        (size.pods > size.wanted and size.limit is not Limit.MIN_REPLICAS, Why.STABILIZING),
        (snapshot.spec.autoscaling.mode is Mode.MANUAL, Why.MANUAL),
        (counts.calls > 0, Why.BUSY),
    )
    return next((word for holds, word in reasons if holds), Why.IDLE)


def message(size: Size, counts: Counts) -> str:
    """Say the same in a sentence, with its figures."""
    told = (
        f"{counted(size.pods)} wanted for {counted(counts.calls, 'call')}: "
        f"{counts.accepting} accepting with {counts.free_slots} of {counts.slots} slots free, "
        f"{counts.starting} starting, {counts.draining} draining"
    )
    if size.limit is Limit.NONE:
        return told
    cure = f"; {CURES[size.limit]}" if size.limit in CURES else ""
    return f"{told}; without limits {size.wanted} ({size.limit}{cure})"


def conditions(
    view: View, course: Course, size: Size, counts: Counts, wrong: list[Trouble]
) -> tuple[Condition, ...]:
    """Say what is true of the fleet. When each became so is for who keeps the last ones."""
    told = message(size, counts)
    is_available = counts.accepting >= size.pods or counts.free_slots > 0
    is_rolling = course.status.phase in UNDER_WAY
    moves = counts.starting + counts.draining > 0 or counts.replicas != size.pods
    limited = size.limit is not Limit.NONE
    word = "Rolling" if is_rolling else "Scaling" if moves else "AtRest"
    rollout = course.status
    told_rollout = (
        f"revision {rollout.target} takes the place of {rollout.current or 'none'}, {told}"
    )
    return tuple(
        Condition(
            type=kind,
            status="True" if holds else "False",
            reason=reason,
            message=text[:MOST_CHARACTERS],
            observed_generation=view.snapshot.generation,
        )
        for kind, holds, reason, text in (
            (
                ConditionType.AVAILABLE,
                is_available,
                "WorkersAccept" if is_available else "TooFewAccept",
                told,
            ),
            (
                ConditionType.PROGRESSING,
                is_rolling or moves,
                word,
                told_rollout if is_rolling else told,
            ),
            (
                ConditionType.DEGRADED,
                bool(wrong),
                wrong[0].word if wrong else "AllWell",
                ". ".join(trouble.sentence for trouble in wrong),
            ),
            (ConditionType.SCALING_LIMITED, limited, size.limit.value, told if limited else ""),
        )
    )


def _is_replacing(view: View) -> bool:
    return any(seen.leaves or seen.standing is Standing.LOST for seen in view.pods)
