"""Decide what is to be done to a fleet: the whole way from what was seen to what is done.

No clock, no network, no state: what one decision leaves for the next is in ``Plan.memory`` and in
``Plan.rollout``. Each room of this package is one rule; here is their order.
"""

from dataclasses import dataclass, replace

from callfleet_contract.fleet.status import Limit, Why
from callfleet_operator.planning.actions import Action, Plan, Reason, SetCordon
from callfleet_operator.planning.bounds import Size, before, forget, size
from callfleet_operator.planning.conditions import HARD_LIMITS, conditions, count, message, why
from callfleet_operator.planning.draining import (
    IDLE_SECONDS,
    deletions,
    idle_seconds,
    is_acknowledged,
    upkeep,
)
from callfleet_operator.planning.explain import explain
from callfleet_operator.planning.goals import goals, room
from callfleet_operator.planning.growing import Growth
from callfleet_operator.planning.nodes import leave
from callfleet_operator.planning.progress import advance
from callfleet_operator.planning.rollout import Course, course, instant
from callfleet_operator.planning.seen import Standing, View, lead_seconds, look
from callfleet_operator.planning.shrinking import Shrinkage
from callfleet_operator.planning.sizing import Demand, demand
from callfleet_operator.planning.snapshot import Snapshot
from callfleet_operator.planning.supply import Supply, add_up
from callfleet_operator.planning.troubles import troubles
from callfleet_operator.planning.trust import Trust, judge

MOST_ACTIONS = 200
"""In one plan. What is left out is planned again at once."""
AT_ONCE_SECONDS = 0.2


def plan(snapshot: Snapshot) -> Plan:
    """Decide what is to be done to a fleet."""
    view = look(snapshot)
    trust = judge(view)
    if snapshot.spec.paused:
        return _paused(view, trust)
    way = course(view, trust)
    supply = add_up(view, trust, way.to)
    arrivals, headroom = snapshot.arrivals, snapshot.spec.autoscaling.headroom
    needed = demand(supply.calls, arrivals, lead_seconds(snapshot), headroom)
    sized = size(view, trust, supply, needed)
    way = advance(view, supply, way, sized.pods)
    done = _act(_Facts(view, trust, supply, needed), way, sized)
    return _told(_Facts(view, trust, supply, needed), way, done)


@dataclass(frozen=True, slots=True)
class _Facts:
    view: View
    trust: Trust
    supply: Supply
    demand: Demand


@dataclass(frozen=True, slots=True)
class _Done:
    actions: list[Action]
    size: Size


def _act(facts: _Facts, way: Course, sized: Size) -> _Done:
    """Take out, add, and see to those that go; what is added knows what is taken out."""
    view, supply = facts.view, facts.supply
    goal = goals(view, supply, way, sized)
    left = leave(view, supply, facts.demand.incoming_slots)
    shrinkage = Shrinkage(view, supply, facts.trust, goal)
    shrinkage.shrink(way, sized)
    taken = left | shrinkage.cordoned
    staying = supply.without(taken)
    space = room(view, staying, way, sized)
    growth = Growth(view, staying, way, goal)
    growth.grow(space, sized)
    given_back = {action.pod.uid for action in growth.undrained}
    deleted = deletions(view, given_back)
    gone = {action.pod.uid for action in deleted}
    kept = upkeep(view, taken.keys() | given_back | gone)
    actions: list[Action] = [*growth.undrained, *growth.created, *taken.values()]
    actions += [action for action in kept if isinstance(action, SetCordon)]
    actions += deleted
    actions += [action for action in kept if not isinstance(action, SetCordon)]
    if growth.lacks_room and sized.limit not in HARD_LIMITS:
        sized = replace(sized, limit=space.limit)
    return _Done(actions, sized)


def _told(facts: _Facts, way: Course, done: _Done) -> Plan:
    view, sized = facts.view, done.size
    counts = count(view, facts.trust)
    wrong = troubles(view, facts.trust, way)
    return Plan(
        actions=tuple(done.actions[:MOST_ACTIONS]),
        desired=sized.pods,
        why=why(view, way, sized, counts, wrong),
        message=message(sized, counts),
        limited_by=sized.limit,
        rollout=way.status,
        conditions=conditions(view, way, sized, counts, wrong),
        memory=sized.memory,
        look_again_seconds=_look_again(view, way, done),
        notes=explain(facts.trust, way, sized, done.actions),
        counts=counts,
    )


def _paused(view: View, trust: Trust) -> Plan:
    """Say how the fleet stands, and do nothing to it."""
    snapshot = view.snapshot
    counts = count(view, trust)
    decided = before(snapshot)
    desired = counts.replicas if decided is None else decided
    memory = replace(
        forget(snapshot.memory, snapshot.now),
        fresh_at=trust.fresh_at,
        refused_total=snapshot.arrivals.refused_total,
    )
    note = "spec.paused is set: nothing is done to this fleet"
    sized = Size(
        pods=desired,
        wanted=desired,
        reason=Reason.DEMAND,
        limit=Limit.PAUSED,
        memory=memory,
        may_shrink=False,
        notes=(note,),
    )
    way = Course(snapshot.rollout, snapshot.target_revision, "")
    wrong = troubles(view, trust, way)
    return Plan(
        actions=(),
        desired=desired,
        why=Why.PAUSED,
        message=f"{note}; {message(sized, counts)}",
        limited_by=Limit.PAUSED,
        rollout=snapshot.rollout,
        conditions=conditions(view, way, sized, counts, wrong),
        memory=memory,
        notes=(note,),
        counts=counts,
    )


def _look_again(view: View, way: Course, done: _Done) -> float | None:
    """Say when something falls due."""
    due = list[float]()
    if len(done.actions) > MOST_ACTIONS:
        due.append(AT_ONCE_SECONDS)
    for seen in view.standing(Standing.DRAINING):
        if seen.report is not None and seen.report.idle and is_acknowledged(seen):
            due.append(max(AT_ONCE_SECONDS, IDLE_SECONDS - idle_seconds(seen)))
    for seen in view.standing(Standing.ACCEPTING):
        if not seen.proves and seen.pod.heard is not None:
            left = view.snapshot.spec.rollout.min_ready_seconds
            due.append(max(AT_ONCE_SECONDS, left - seen.pod.heard.connected_for_seconds))
    since = instant(way.status.step_since)
    if since is not None and not way.is_held:
        pause = view.snapshot.spec.rollout.pause_seconds
        due.append(max(AT_ONCE_SECONDS, since + pause - view.snapshot.now))
    return min(due, default=None)
