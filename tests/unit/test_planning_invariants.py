"""What no plan may do, whatever is seen: thousands of fleets drawn at random."""

from collections import Counter
from dataclasses import replace

from fleet_carrying import carried_out
from fleet_worlds import NOW, snapshots
from hypothesis import given, settings
from hypothesis import strategies as st

from callfleet_contract.fleet.spec import Mode, OnDeadline
from callfleet_contract.fleet.status import RolloutStatus
from callfleet_operator.planning.actions import Create, Delete, Reason, Remind, SetCordon
from callfleet_operator.planning.goals import surge_pods
from callfleet_operator.planning.planner import MOST_ACTIONS, plan
from callfleet_operator.planning.seen import look
from callfleet_operator.planning.snapshot import Pod, Snapshot
from callfleet_operator.planning.trust import judge

MANY = settings(max_examples=100)
ROUNDS = 12
SIZE = (Reason.SURPLUS, Reason.MANUAL)


def is_heard(pod: Pod, fleet: Snapshot) -> bool:
    stale_after = fleet.spec.autoscaling.metrics.stale_after_seconds
    heard = pod.heard
    return (
        heard is not None and heard.age_seconds <= stale_after and heard.report.pod_uid == pod.uid
    )


def cannot_run(pod: Pod, fleet: Snapshot) -> bool:
    return not pod.running and not is_heard(pod, fleet)


def is_idle_for_certain(pod: Pod, fleet: Snapshot) -> bool:
    heard, cordon = pod.heard, pod.cordon
    if heard is None or cordon is None or not is_heard(pod, fleet):
        return False
    told = heard.report
    obeys = cordon.cordoned and told.cordoned and told.epoch == cordon.epoch
    return obeys and told.reserved == told.active == 0 and heard.idle_for_seconds >= 3


def without_session_limit(fleet: Snapshot) -> Snapshot:
    auto = fleet.spec.autoscaling.model_copy(update={"external_session_limit": None})
    return replace(fleet, spec=fleet.spec.model_copy(update={"autoscaling": auto}))


def may_be_deleted(delete: Delete, fleet: Snapshot) -> bool:
    pod = delete.pod
    is_cordoned = pod.cordon is not None and pod.cordon.cordoned
    if pod.finished or (pod.node and pod.node not in {node.name for node in fleet.nodes}):
        return not pod.deleting
    if delete.ends_calls:
        assert pod.cordon is not None
        late = 0 < pod.cordon.since < NOW - fleet.spec.max_call_seconds
        terminates = fleet.spec.drain.on_deadline is OnDeadline.TERMINATE
        return is_cordoned and late and terminates and delete.reason is Reason.DEADLINE
    return is_cordoned and (cannot_run(pod, fleet) or is_idle_for_certain(pod, fleet))


@MANY
@given(snapshots())
def test_no_pod_is_deleted_that_may_hold_a_call(fleet: Snapshot) -> None:
    for action in plan(fleet).actions:
        if isinstance(action, Delete):
            assert may_be_deleted(action, fleet)


@MANY
@given(snapshots())
def test_bounds_hold(fleet: Snapshot) -> None:
    planned, auto = plan(fleet), fleet.spec.autoscaling
    assert 0 <= planned.desired <= auto.max_replicas
    created = sum(action.count for action in planned.actions if isinstance(action, Create))
    view = look(fleet)
    if created:
        assert view.total + created <= auto.most_pods
        surge = surge_pods(fleet.spec.rollout.max_surge, planned.desired)
        assert created <= auto.max_replicas + surge
    given_back = {
        action.pod.uid
        for action in planned.actions
        if isinstance(action, SetCordon) and not action.cordon and action.reason != Reason.REPAIR
    }
    if auto.external_session_limit is not None and (created or given_back):
        more = sum(seen.slots - seen.sessions for seen in view.pods if seen.pod.uid in given_back)
        slots = sum(
            action.count * view.slots_of(action.revision)
            for action in planned.actions
            if isinstance(action, Create)
        )
        assert view.sessions + more + slots <= auto.external_session_limit


@MANY
@given(snapshots())
def test_nothing_shrinks_on_what_is_not_known(fleet: Snapshot) -> None:
    auto = fleet.spec.autoscaling
    watched = NOW - fleet.memory.began_at
    for action in plan(fleet).actions:
        if isinstance(action, SetCordon) and action.cordon and action.reason in SIZE:
            assert judge(look(fleet)).trusted
            heard_once = action.pod.heard is not None and action.pod.running
            assert is_heard(action.pod, fleet) or not heard_once
            if auto.mode is Mode.AUTO:
                assert watched >= auto.scale_down.stabilization_seconds


@MANY
@given(snapshots())
def test_a_cordoned_worker_is_given_back_before_a_pod_is_made(fleet: Snapshot) -> None:
    fleet = replace(
        without_session_limit(fleet),
        rollout=RolloutStatus(current=fleet.target_revision, target=fleet.target_revision),
        undo="",
    )
    planned = plan(fleet)
    if not any(isinstance(action, Create) for action in planned.actions):
        return
    given_back = {action.pod.uid for action in planned.actions if isinstance(action, SetCordon)}
    leaving = {node.name for node in fleet.nodes if node.leaving}
    for pod in fleet.pods:
        if pod.uid in given_back or pod.revision != fleet.target_revision:
            continue
        if pod.finished or pod.deleting or pod.node in {*leaving, "gone"}:
            continue
        is_cordoned = pod.cordon is not None and pod.cordon.cordoned
        is_users = pod.cordon is not None and pod.cordon.reason in (
            Reason.USER_CORDON,
            Reason.USER_DRAIN,
        )
        if is_cordoned and not is_users and pod.heard is not None and is_heard(pod, fleet):
            assert not (pod.heard.report.registered and not pod.heard.report.draining)


@MANY
@given(snapshots())
def test_each_pod_is_acted_on_once_within_a_budget_and_for_a_reason(fleet: Snapshot) -> None:
    actions = plan(fleet).actions
    assert len(actions) <= MOST_ACTIONS
    acted = Counter(action.pod.uid for action in actions if not isinstance(action, Create))
    assert all(times == 1 for times in acted.values())
    for action in actions:
        assert action.reason in Reason
        if isinstance(action, Create):
            assert action.count > 0
            assert action.revision


@MANY
@given(snapshots())
def test_orders_are_newer_than_all_before_them(fleet: Snapshot) -> None:
    for action in plan(fleet).actions:
        if isinstance(action, SetCordon):
            pod = action.pod
            assert action.epoch > (pod.cordon.epoch if pod.cordon else 0)
            assert action.since > 0
            if pod.heard is not None and pod.heard.report.pod_uid == pod.uid:
                assert action.epoch > pod.heard.report.epoch


@MANY
@given(snapshots())
def test_what_a_user_cordoned_stays_cordoned(fleet: Snapshot) -> None:
    for action in plan(fleet).actions:
        if isinstance(action, Create) or action.pod.cordon is None:
            continue
        is_users = action.pod.cordon.reason == Reason.USER_CORDON and action.pod.cordon.cordoned
        if is_users and isinstance(action, SetCordon):
            assert action.cordon
            assert action.written == Reason.USER_CORDON
        if is_users and isinstance(action, Delete):
            assert action.reason in (Reason.FINISHED, Reason.NODE_GONE)


@MANY
@given(snapshots())
def test_only_what_the_rollout_allows_is_made_or_given_back(fleet: Snapshot) -> None:
    planned = plan(fleet)
    told = planned.rollout
    allowed = {told.current} if told.target in told.undone else {told.current, told.target}
    for action in planned.actions:
        if isinstance(action, Create):
            assert action.revision in allowed
        if isinstance(action, SetCordon) and not action.cordon:
            assert action.pod.revision in allowed or action.reason is Reason.REPAIR


@MANY
@given(snapshots(), st.none() | st.integers(0, 20))
def test_in_auto_replicas_says_nothing(fleet: Snapshot, replicas: int | None) -> None:
    auto = fleet.spec.autoscaling.model_copy(update={"mode": Mode.AUTO})
    spec = fleet.spec.model_copy(update={"autoscaling": auto})
    other = spec.model_copy(update={"replicas": replicas})
    assert plan(replace(fleet, spec=spec)) == plan(replace(fleet, spec=other))


@MANY
@given(snapshots())
def test_a_paused_fleet_is_left_alone_and_still_told_of(fleet: Snapshot) -> None:
    spec = fleet.spec.model_copy(update={"paused": True})
    planned = plan(replace(fleet, spec=spec))
    assert planned.actions == ()
    assert len(planned.conditions) == 4
    assert planned.rollout == fleet.rollout


@MANY
@given(snapshots())
def test_a_plan_that_was_carried_out_is_not_planned_again(fleet: Snapshot) -> None:
    # With a limit, each worker that is cordoned leaves sessions to a new one.
    fleet = without_session_limit(fleet)
    fleet = replace(fleet, rollout=plan(fleet).rollout)
    planned = plan(fleet)
    after = carried_out(fleet, planned)
    again = plan(after)
    if judge(look(after)) != judge(look(fleet)) or again.rollout != planned.rollout:
        return
    ordered = {action.pod.uid for action in planned.actions if isinstance(action, SetCordon)}
    made = any(isinstance(action, Create) for action in planned.actions)
    for action in again.actions:
        is_sent = isinstance(action, Remind)
        is_end = isinstance(action, Delete) and action.pod.uid in ordered
        # A pod whose container does not run goes when another is there in its place, and no sooner.
        is_replaced = made and isinstance(action, SetCordon) and cannot_run(action.pod, fleet)
        assert is_sent or is_end or (is_replaced and action.reason in SIZE), action


@MANY
@given(snapshots())
def test_plans_that_are_carried_out_come_to_rest(fleet: Snapshot) -> None:
    for _ in range(ROUNDS):
        planned = plan(fleet)
        fleet = carried_out(fleet, planned, obeyed=True)
    assert all(isinstance(action, Remind) for action in planned.actions)
