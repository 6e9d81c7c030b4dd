"""How one revision takes the place of another."""

from dataclasses import replace
from typing import Any

import pytest
from fleet_carrying import cordoned, created, degraded, given_back, reasons
from fleet_rolling import fleet, new, old
from fleet_worlds import (
    NOW,
    drained,
    rolling,
    says,
    starting,
    worker,
)

from callfleet_contract.fleet.status import Limit, RolloutPhase, RolloutStatus, Why
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.goals import surge_pods
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.rollout import written
from callfleet_operator.planning.snapshot import Arrivals, Revision


def test_a_fleets_first_revision_is_made_at_once_and_proves_itself() -> None:
    planned = plan(fleet(status=RolloutStatus(), target_revision="r1"))
    assert (created(planned, "r1"), planned.rollout.phase) == (4, RolloutPhase.ROLLING)
    assert planned.rollout.current == ""
    up = plan(fleet(*old(4), status=planned.rollout, target_revision="r1"))
    assert (up.rollout.phase, up.rollout.current) == (RolloutPhase.COMPLETE, "r1")
    assert up.actions == ()


def test_a_first_revision_that_never_works_is_said_to_have_failed_and_may_still_work() -> None:
    begun = RolloutStatus(phase=RolloutPhase.ROLLING, target="r1", progressed_at=written(NOW - 601))
    stuck = [
        starting(f"s{number}", age=601, trouble="ImagePullBackOff: no such image")
        for number in range(4)
    ]
    planned = plan(fleet(*stuck, status=begun, target_revision="r1"))
    assert planned.rollout.phase is RolloutPhase.FAILED
    assert planned.actions == ()
    assert "template.image" in degraded(planned)
    mended = fleet(*old(4), status=planned.rollout, target_revision="r1")
    assert plan(mended).rollout.phase is RolloutPhase.COMPLETE


def test_a_new_revision_surges_before_an_old_worker_is_cordoned() -> None:
    planned = plan(fleet(*old(4)))
    assert (created(planned, "r2"), cordoned(planned)) == (1, [])
    assert reasons(planned) == {Reason.ROLLOUT}
    assert planned.why is Why.ROLLING
    waiting = plan(fleet(*old(4), starting("n", revision="r2")))
    assert waiting.actions == ()


def test_each_new_worker_that_accepts_lets_an_old_one_go_the_emptiest_first() -> None:
    pods = [worker("busy", 5), worker("idle"), worker("some", 2), worker("few", 1)]
    planned = plan(fleet(*pods, *new(1)))
    assert cordoned(planned) == ["idle"]
    assert created(planned, "r2") == 1


def test_what_replaces_an_old_worker_that_ends_by_itself_is_not_taken_out_for_it() -> None:
    half = {"rollout": {"steps": [50, 100], "pauseSeconds": 3600}}
    going = says(worker("going", 1), draining=True)
    planned = plan(fleet(*old(1), going, *new(2), **half))
    assert created(planned, "r1") == 1
    after = plan(fleet(*old(1), going, starting("s", revision="r1"), *new(2), **half))
    assert (created(after), cordoned(after)) == (0, ["going"])


def test_pods_of_a_revision_of_which_none_is_left_are_counted_by_what_is_kept_of_it() -> None:
    held = {"rollout": {"paused": True}, "revisions": (Revision("r1", 1, 20), Revision("r2", 2))}
    gone = replace(worker("gone"), finished=True)
    planned = plan(fleet(says(gone, slots=20), **held))
    assert (created(planned, "r1"), created(planned, "r2")) == (2, 0)
    pods = [starting("a", revision="r1"), starting("b", revision="r1")]
    assert plan(fleet(*pods, **held)).actions == ()


def test_as_many_slots_are_cordoned_as_came_not_as_many_pods() -> None:
    half = [says(pod, slots=5) for pod in new(2)]
    auto = {"headroom": {"minIdleSlots": 40}, "minReplicas": 1}
    snapshot = fleet(*old(4), *half, size=8, auto=auto)
    fives = replace(snapshot, spec=snapshot.spec.model_copy(update={"slots_per_pod": 5}))
    assert len(cordoned(plan(fives))) == 1


@pytest.mark.parametrize(
    ("max_surge", "pods", "surge"),
    [("25%", 4, 1), ("25%", 5, 2), ("0%", 5, 1), (0, 5, 1), (3, 5, 3), ("odd", 5, 1)],
)
def test_a_surge_is_at_least_one_pod(max_surge: int | str, pods: int, surge: int) -> None:
    assert surge_pods(max_surge, pods) == surge


def test_old_pods_with_calls_never_block() -> None:
    going = [drained(worker(f"old{number}", 3), reason="Rollout") for number in range(4)]
    planned = plan(fleet(*new(4), *going))
    assert (planned.rollout.phase, planned.rollout.current) == (RolloutPhase.COMPLETE, "r2")
    assert planned.rollout.previous == "r1"
    assert planned.actions == ()


def test_a_step_is_held_before_the_next() -> None:
    steps = {"steps": [50, 100], "pauseSeconds": 60}
    pods = [*old(2), *new(2)]
    planned = plan(fleet(*pods, rollout=steps))
    assert (planned.rollout.step, planned.rollout.step_since) == (0, written(NOW))
    assert planned.actions == ()
    assert planned.look_again_seconds == pytest.approx(60)
    held = planned.rollout.model_copy(update={"step_since": written(NOW - 60)})
    planned = plan(fleet(*pods, rollout=steps, status=held))
    assert planned.rollout.step == 1
    assert created(planned, "r2") == 1


def test_a_step_whose_share_is_lost_again_is_waited_for_anew() -> None:
    steps = {"steps": [50, 100], "pauseSeconds": 60}
    held = rolling(step_since=written(NOW - 59), accepted=2)
    planned = plan(fleet(*old(3), *new(1), rollout=steps, status=held))
    assert (planned.rollout.step, planned.rollout.step_since) == (0, "")


def test_growth_goes_to_the_old_revision_until_the_new_one_works() -> None:
    planned = plan(fleet(*old(4), starting("n", revision="r2"), size=8))
    assert created(planned, "r2") == 1
    assert created(planned, "r1") == 4
    works = plan(fleet(*old(4), *new(1), size=8))
    assert (created(works, "r1"), created(works, "r2")) == (0, 5)


def test_an_old_worker_is_given_back_only_while_the_new_revision_has_not_worked() -> None:
    pods = [*old(3), drained(worker("d", 2))]
    assert given_back(plan(fleet(*pods, starting("n", revision="r2")))) == ["d"]
    assert given_back(plan(fleet(*pods, *new(1), size=6))) == []


def test_with_steps_an_old_worker_is_given_back_within_the_olds_share() -> None:
    pods = [*old(1), drained(worker("d", 2)), *new(2)]
    steps = {"steps": [50, 100], "pauseSeconds": 60}
    assert given_back(plan(fleet(*pods, rollout=steps))) == ["d"]


def test_a_paused_rollout_stays_where_it_is_and_the_fleet_still_scales() -> None:
    paused = {"paused": True}
    pods = [*old(3), *new(1)]
    planned = plan(fleet(*pods, rollout=paused))
    assert (planned.rollout.phase, planned.actions) == (RolloutPhase.PAUSED, ())
    grown = plan(fleet(*pods, size=6, rollout=paused))
    assert (created(grown, "r1"), created(grown, "r2")) == (2, 0)
    resumed = plan(fleet(*pods, status=planned.rollout))
    assert resumed.rollout.phase is RolloutPhase.ROLLING
    assert resumed.rollout.progressed_at == written(NOW)


def test_a_second_rollout_cordons_all_of_the_first_at_once() -> None:
    third: dict[str, Any] = {"target_revision": "r3", "status": rolling()}
    planned = plan(fleet(*old(4), *new(2), **third))
    assert sorted(cordoned(planned)) == ["new0", "new1"]
    assert created(planned, "r3") == 1
    assert planned.rollout.current == "r1"


def test_a_second_rollout_takes_the_proven_back_for_the_superseded() -> None:
    going = [drained(worker(f"old{number}", 3), reason="Rollout") for number in range(3)]
    third: dict[str, Any] = {"target_revision": "r3", "status": rolling()}
    planned = plan(fleet(*old(1, first=9), *new(3), *going, **third))
    assert sorted(given_back(planned)) == ["old0", "old1", "old2"]
    assert cordoned(planned) == []
    back = [*old(1, first=9), *new(3), *old(3)]
    planned = plan(fleet(*back, target_revision="r3", status=planned.rollout))
    assert sorted(cordoned(planned)) == ["new0", "new1", "new2"]


def test_a_fleet_whose_status_was_lost_goes_on_from_what_takes_calls() -> None:
    planned = plan(fleet(*old(4), status=RolloutStatus()))
    assert (planned.rollout.current, planned.rollout.target) == ("r1", "r2")
    assert created(planned, "r2") == 1


def test_where_no_pod_has_room_beside_the_wanted_ones_an_old_one_goes_first() -> None:
    full: dict[str, Any] = {"auto": {"maxReplicas": 4, "maxTotalPods": 4}}
    works = [*old(3), *new(1)]
    planned = plan(fleet(*works, **full))
    assert (len(cordoned(planned)), created(planned)) == (1, 0)
    assert planned.limited_by is Limit.MAX_TOTAL_PODS
    unproven = plan(fleet(*old(4), **full))
    assert (len(cordoned(unproven)), created(unproven)) == (1, 0)
    going = [*old(2), *new(1), drained(worker("d", 3), reason="Rollout")]
    assert plan(fleet(*going, **full)).actions == ()


def test_only_one_old_worker_goes_first_where_the_provider_grants_no_session_more() -> None:
    full: dict[str, Any] = {"auto": {"externalSessionLimit": 40}}
    assert len(cordoned(plan(fleet(*old(4), **full)))) == 1
    going = [*old(3), drained(worker("d", 3), reason="Rollout")]
    planned = plan(fleet(*going, **full))
    assert (planned.desired, planned.actions) == (3, ())


def test_pods_of_a_revision_with_fewer_slots_do_not_exceed_the_maximum_either() -> None:
    small = [says(pod, slots=5) for pod in old(4)]
    snapshot = fleet(*small, size=4, auto={"maxReplicas": 4, "maxTotalPods": 20})
    planned = plan(snapshot)
    assert (planned.desired, created(planned), planned.limited_by) == (4, 1, Limit.MAX_REPLICAS)


def test_no_old_worker_goes_first_while_another_is_on_its_way_out() -> None:
    full: dict[str, Any] = {"auto": {"maxReplicas": 4, "maxTotalPods": 4}}
    assert plan(fleet(*old(4), drained(worker("d", 3)), **full)).actions == ()


def test_a_pod_that_is_stuck_where_others_work_is_replaced() -> None:
    complete = RolloutStatus(current="r2", target="r2")
    stuck = starting("s", age=700, revision="r2", trouble="ImagePullBackOff")
    planned = plan(fleet(*new(3), stuck, status=complete))
    assert (created(planned), cordoned(planned)) == (1, ["s"])
    untold = plan(fleet(*new(3), replace(stuck, trouble=""), status=complete))
    assert (created(untold), cordoned(untold)) == (1, [])
    assert "NotStarted" in degraded(untold)
    nowhere = replace(stuck, node="", trouble="")
    waiting = plan(fleet(*new(3), nowhere, status=complete))
    assert waiting.actions == ()
    assert "NoNode" in degraded(waiting)


def test_times_that_a_hand_spoiled_are_passed_over() -> None:
    odd = rolling(progressed_at="yesterday", step_since="2027-01-15", step=7)
    assert plan(fleet(*old(4), *new(1), status=odd)).rollout.phase is RolloutPhase.ROLLING


def test_a_burst_in_mid_rollout_is_met_by_the_new_revision() -> None:
    planned = plan(fleet(*old(3, 9), *new(1), arrivals=Arrivals(1.0, 1.0, 120.0)))
    assert planned.desired > 4
    assert created(planned, "r2") >= planned.desired - 4
