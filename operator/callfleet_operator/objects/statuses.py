"""Write a fleet's status from what was decided. No clock: the instant is given."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from callfleet_contract.fleet import names
from callfleet_contract.fleet.status import Condition, ConditionType, FleetStatus, Why
from callfleet_operator.objects.seen import SeenFleet
from callfleet_operator.planning.actions import Plan


@dataclass(frozen=True, slots=True)
class Besides:
    """What is to be said beside the plan."""

    lead_time_seconds: float = 0.0
    trouble: str = ""
    """What a person has to mend that the plan does not know of."""
    definition: str = ""
    """What is wrong with the resource's definition."""


def status_after(fleet: SeenFleet, plan: Plan, besides: Besides, now: float) -> FleetStatus:
    """Say what is true of a fleet after a decision."""
    counts = plan.counts
    conditions = plan.conditions
    if besides.definition:
        conditions = _degraded(conditions, "DefinitionIsOld", besides.definition, fleet.generation)
    if besides.trouble:
        conditions = _degraded(conditions, "CannotAct", besides.trouble, fleet.generation)
    return FleetStatus(
        observed_generation=fleet.generation,
        replicas=counts.replicas,
        selector=names.accepting_pods_of(fleet.key.name),
        desired=plan.desired,
        accepting=counts.accepting,
        starting=counts.starting,
        draining=counts.draining,
        calls=counts.calls,
        slots=counts.slots,
        free_slots=counts.free_slots,
        why=plan.why,
        message=plan.message,
        limited_by=plan.limited_by,
        fresh_percent=counts.fresh_percent,
        lead_time_seconds=round(besides.lead_time_seconds, 1),
        rollout=plan.rollout,
        conditions=_dated(fleet.status.conditions, conditions, now),
    )


def status_of_unreadable(fleet: SeenFleet, now: float) -> FleetStatus:
    """Say that a spec cannot be read; all else stays as it was said last."""
    sentence = (
        f"the spec cannot be read by this operator, so nothing is done: {fleet.unreadable}; "
        "correct it, or install the operator that belongs to the CustomResourceDefinition"
    )
    before = fleet.status
    conditions = _degraded(before.conditions, "SpecUnreadable", sentence, fleet.generation)
    return before.model_copy(
        update={
            "observed_generation": fleet.generation,
            "why": Why.DEGRADED,
            "message": sentence,
            "conditions": _dated(before.conditions, conditions, now),
        }
    )


def status_patch(status: FleetStatus) -> dict[str, Any]:
    """Write a status as a merge patch."""
    return {"status": status.model_dump(mode="json", by_alias=True)}


def written(instant: float) -> str:
    """Write an instant as Kubernetes does."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _degraded(
    conditions: tuple[Condition, ...], reason: str, message: str, generation: int
) -> tuple[Condition, ...]:
    """Put one thing more that is wrong before what is wrong already."""
    others = tuple(one for one in conditions if one.type is not ConditionType.DEGRADED)
    there = [one.message for one in conditions if one not in others and one.status == "True"]
    said = "; ".join([message, *(one for one in there if one and one != message)])
    degraded = Condition(
        type=ConditionType.DEGRADED,
        status="True",
        reason=reason,
        message=said[:4096],
        observed_generation=generation,
    )
    return (*others, degraded)


def _dated(
    before: tuple[Condition, ...], after: tuple[Condition, ...], now: float
) -> tuple[Condition, ...]:
    """Date each condition: as before where it did not turn, else now."""
    earlier = {one.type: one for one in before}
    dated = []
    for one in after:
        old = earlier.get(one.type)
        turned = old is None or old.status != one.status or not old.last_transition_time
        when = written(now) if turned or old is None else old.last_transition_time
        dated.append(one.model_copy(update={"last_transition_time": when}))
    return tuple(dated)
