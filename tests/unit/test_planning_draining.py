"""How workers go: who first, when a pod may be deleted, and when it comes back."""

from dataclasses import replace
from typing import Any

import pytest
from fleet_carrying import cordoned, created, degraded, deleted, given_back
from fleet_worlds import (
    NOW,
    drained,
    fleet_spec,
    says,
    seen,
    silent,
    starting,
    worker,
)

from callfleet_operator.planning.actions import Delete, Reason, Relabel, Remind, SetCordon
from callfleet_operator.planning.planner import MOST_ACTIONS, plan
from callfleet_operator.planning.seen import look
from callfleet_operator.planning.snapshot import Cordon, Pod
from callfleet_operator.planning.victims import in_order


def test_victims_are_unready_then_old_then_idle_then_on_the_emptiest_node_then_young() -> None:
    pods = [
        worker("busy-lonely", 1, node="n2"),
        worker("busy-crowded", 1, node="n1"),
        worker("busier", 2, node="n1"),
        worker("idle-young", node="n2", created_at=NOW - 1000),
        worker("idle-old", node="n2"),
        worker("old-revision", 5, node="n1", revision="r0"),
        starting("unready", node="n1"),
    ]
    view = look(seen(*pods))
    order = [one.pod.name for one in in_order(view.pods, view, "r1")]
    assert order == [
        "unready",
        "old-revision",
        "idle-young",
        "idle-old",
        "busy-lonely",
        "busy-crowded",
        "busier",
    ]


def test_an_idle_worker_goes_when_it_has_said_so_twice() -> None:
    pod = drained(worker("d"), idle_for=3.0)
    planned = plan(seen(worker("a"), pod))
    assert deleted(planned) == {"d": Reason.IDLE}
    (action,) = planned.actions
    assert isinstance(action, Delete)
    assert (action.pod.uid, action.pod.resource_version) == (pod.uid, "1")
    assert not action.ends_calls


KEPT = {
    "said so once": drained(worker("d"), idle_for=2.9),
    "has a call": says(drained(worker("d")), idle_for=60, active=1),
    "has a call that is about to run": says(drained(worker("d")), idle_for=60, reserved=1),
    "obeyed an older order": says(drained(worker("d"), epoch=2), idle_for=60, epoch=1),
    "takes calls": says(drained(worker("d")), idle_for=60, cordoned=False),
    "was heard too long ago": says(drained(worker("d")), age=16.0, idle_for=60),
    "was never heard": replace(drained(worker("d")), heard=None),
    "is answered for by another": says(drained(worker("d")), idle_for=60, pod_uid="other"),
    "was not cordoned": says(worker("d"), idle_for=60, cordoned=True),
    "is being deleted": drained(worker("d", deleting=True), idle_for=60),
}


@pytest.mark.parametrize("why", KEPT)
def test_a_worker_is_kept_that(why: str) -> None:
    assert deleted(plan(seen(worker("a"), KEPT[why]))) == {}


def test_a_second_look_is_asked_for_when_it_is_due() -> None:
    planned = plan(seen(worker("a"), drained(worker("d"), idle_for=1.0)))
    assert planned.look_again_seconds == pytest.approx(2.0)


def test_a_finished_pod_goes_and_one_that_goes_already_is_left_alone() -> None:
    pods = (worker("f", finished=True), worker("g", finished=True, deleting=True))
    assert deleted(plan(seen(worker("a"), *pods))) == {"f": Reason.FINISHED}


def test_a_cordoned_pod_whose_container_does_not_run_goes() -> None:
    stuck = replace(drained(worker("d")), heard=None, running=False)
    assert deleted(plan(seen(worker("a"), stuck))) == {"d": Reason.STUCK}
    heard = replace(says(drained(worker("d")), active=1), running=False)
    assert deleted(plan(seen(worker("a"), heard))) == {}


def overdue(**facts: Any) -> Pod:
    return says(drained(worker("d"), since=NOW - 3601), active=2, **facts)


def test_past_the_deadline_a_worker_is_held_and_told_of() -> None:
    planned = plan(seen(worker("a"), overdue()))
    assert deleted(planned) == {}
    assert "DrainOverdue" in degraded(planned)
    assert "2 calls" in degraded(planned)
    assert "drain.onDeadline: Terminate" in degraded(planned)


def test_past_the_deadline_calls_are_ended_where_the_fleet_says_so() -> None:
    spec = fleet_spec(drain={"onDeadline": "Terminate", "maxCallSeconds": 600})
    planned = plan(seen(worker("a"), overdue(), spec=spec))
    (action,) = planned.actions
    assert isinstance(action, Delete)
    assert (action.reason, action.ends_calls) == (Reason.DEADLINE, True)
    in_time = says(drained(worker("d"), since=NOW - 599), active=2)
    assert deleted(plan(seen(worker("a"), in_time, spec=spec))) == {}


def test_a_deadline_that_counts_from_nowhere_is_never_over() -> None:
    spec = fleet_spec(drain={"onDeadline": "Terminate"})
    planned = plan(seen(worker("a"), says(drained(worker("d"), since=0.0), active=1), spec=spec))
    (action,) = planned.actions
    assert isinstance(action, SetCordon)
    assert (action.cordon, action.since, action.reason) == (True, NOW, Reason.REPAIR)


def test_what_a_user_orders_is_dated_by_the_operator() -> None:
    order = Cordon(2, cordoned=False, reason="UncordonedByUser", since=0.0)
    told = says(worker("d", cordon=order), epoch=1, cordoned=True)
    planned = plan(seen(worker("a"), told, spec=fleet_spec({"minReplicas": 2})))
    (action,) = planned.actions
    assert isinstance(action, SetCordon)
    assert (action.cordon, action.since, action.written) == (False, NOW, "UncordonedByUser")


def test_a_rebound_gives_a_cordoned_worker_back_before_it_makes_a_pod() -> None:
    pods = (drained(worker("busier", 6)), drained(worker("idle"), idle_for=60))
    planned = plan(seen(worker("a"), *pods, spec=fleet_spec({"minReplicas": 2})))
    assert given_back(planned) == ["idle"]
    assert (created(planned), deleted(planned)) == (0, {})
    more = plan(seen(worker("a"), *pods, spec=fleet_spec({"minReplicas": 4})))
    assert (given_back(more), created(more)) == (["idle", "busier"], 1)


def test_what_is_given_back_counts_until_it_should_have_been_heard() -> None:
    order = Cordon(2, cordoned=False, reason="Demand", since=NOW - 29)
    told = says(worker("d", cordon=order), epoch=1, cordoned=True)
    spec = fleet_spec({"minReplicas": 2})
    assert created(plan(seen(worker("a"), told, spec=spec))) == 0
    late = replace(told, cordon=replace(order, since=NOW - 31))
    planned = plan(seen(worker("a"), late, spec=spec))
    assert created(planned) == 1
    assert "OrdersNotObeyed" in degraded(planned)


UNFIT = {
    "silent": silent(drained(worker("d"))),
    "without LiveKit": says(drained(worker("d")), registered=False),
    "ends": says(drained(worker("d")), draining=True),
    "cordoned by a user": drained(worker("d"), reason="CordonedByUser"),
    "drained by a user": drained(worker("d"), reason="DrainedByUser"),
}


@pytest.mark.parametrize("why", UNFIT)
def test_a_worker_is_not_given_back_that_is(why: str) -> None:
    planned = plan(seen(worker("a"), UNFIT[why], spec=fleet_spec({"minReplicas": 2})))
    assert (given_back(planned), created(planned)) == ([], 1)


def test_what_a_user_cordoned_stays_and_what_a_user_drained_goes() -> None:
    held = drained(worker("c"), since=NOW - 9999, idle_for=60, reason="CordonedByUser")
    going = drained(worker("d"), idle_for=60, reason="DrainedByUser")
    planned = plan(seen(worker("a"), held, going))
    assert deleted(planned) == {"d": Reason.IDLE}
    assert degraded(planned) == ""


def test_an_order_is_sent_again_to_a_worker_that_lags_behind() -> None:
    lagging = says(drained(worker("d"), epoch=3), epoch=2, cordoned=False)
    (action,) = plan(seen(worker("a"), lagging)).actions
    assert isinstance(action, Remind)
    assert action.pod.name == "d"


@pytest.mark.parametrize(("epoch", "says_cordoned"), [(5, True), (5, False), (3, False)])
def test_an_order_is_written_anew_where_the_worker_knows_a_newer_or_another(
    epoch: int, *, says_cordoned: bool
) -> None:
    pod = drained(worker("d"), epoch=3, since=NOW - 77, reason="Rollout")
    ahead = says(pod, idle_for=60, epoch=epoch, cordoned=says_cordoned)
    (action,) = plan(seen(worker("a"), ahead)).actions
    assert isinstance(action, SetCordon)
    assert (action.cordon, action.epoch, action.reason) == (True, epoch + 1, Reason.REPAIR)
    assert (action.since, action.written) == (NOW - 77, "Rollout")


def test_a_worker_whose_order_was_wiped_off_its_pod_takes_calls_again() -> None:
    wiped = replace(drained(worker("d")), cordon=None)
    planned = plan(seen(worker("a"), wiped, spec=fleet_spec({"minReplicas": 2})))
    (action,) = planned.actions
    assert isinstance(action, SetCordon)
    assert (action.cordon, action.epoch) == (False, 2)


def test_a_label_that_says_other_than_the_order_is_mended() -> None:
    pods = (
        replace(drained(worker("d", 1)), labelled_accepting=True),
        worker("a", labelled_accepting=False),
        worker("e", deleting=True, labelled_accepting=False),
    )
    planned = plan(seen(*pods))
    mended = [action for action in planned.actions if isinstance(action, Relabel)]
    assert [(one.pod.name, one.accepting) for one in mended] == [("d", False), ("a", True)]
    assert len(planned.actions) == 2


def test_a_pod_that_was_deleted_by_hand_is_replaced_while_its_calls_finish() -> None:
    held = plan(
        seen(worker("a"), worker("b", 3, deleting=True), spec=fleet_spec({"minReplicas": 2}))
    )
    assert created(held) == 1


def test_a_big_change_is_made_in_bites() -> None:
    pods = [worker(f"a{number:03}", node=f"n{number % 7}") for number in range(500)]
    spec = fleet_spec({"mode": "Manual", "maxReplicas": 500}, replicas=0)
    planned = plan(seen(*pods, spec=spec))
    assert len(cordoned(planned)) == MOST_ACTIONS
    assert planned.look_again_seconds == pytest.approx(0.2)
