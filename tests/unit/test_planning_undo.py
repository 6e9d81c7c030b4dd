"""When a revision is undone, by itself or by a user, and what then becomes of its pods."""

from dataclasses import replace
from typing import Any

import pytest
from fleet_carrying import cordoned, created, degraded, given_back, reasons
from fleet_rolling import fleet, new, old
from fleet_worlds import (
    NOW,
    drained,
    rolling,
    silent,
    starting,
    worker,
)

from callfleet_contract.fleet.status import RolloutPhase, RolloutStatus
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.rollout import written
from callfleet_operator.planning.snapshot import Pod

STUCK = starting("n", age=700, revision="r2", trouble="CrashLoopBackOff")


def test_a_revision_that_gets_no_further_is_undone_and_the_old_given_back() -> None:
    late = rolling(progressed_at=written(NOW - 600))
    pods = [*old(3), drained(worker("d", 2)), STUCK]
    planned = plan(fleet(*pods, status=late))
    told = planned.rollout
    assert (told.phase, told.current, told.undone) == (RolloutPhase.UNDOING, "r1", ("r2",))
    assert (given_back(planned), cordoned(planned)) == (["d"], ["n"])
    assert reasons(planned) == {Reason.UNDO}
    assert "progressDeadlineSeconds" in degraded(planned)
    after = plan(fleet(*old(4), status=told))
    assert (after.rollout.phase, after.actions) == (RolloutPhase.UNDONE, ())
    assert "RolloutUndone" in degraded(after)


def test_a_revision_whose_pod_cannot_start_is_undone_before_a_start_would_be_late() -> None:
    overdue = rolling(progressed_at=written(NOW - 30))
    young = starting("n", age=31, revision="r2", trouble="ErrImageNeverPull: image x")
    planned = plan(fleet(*old(4), young, status=overdue, rollout={"progressDeadlineSeconds": 30}))
    assert (planned.rollout.phase, planned.rollout.undone) == (RolloutPhase.UNDOING, ("r2",))


BLAMELESS: dict[str, tuple[list[Pod], dict[str, Any]]] = {
    "its workers work": ([*old(4), *new(1)], {}),
    "a step is held": (
        [*old(2), *new(2)],
        {"rollout": {"steps": [50, 100], "pauseSeconds": 86_000}},
    ),
    "its worker is young and starts": ([*old(4), starting("n", age=31, revision="r2")], {}),
    "nobody is heard": ([*(silent(pod) for pod in old(4)), STUCK], {}),
}


@pytest.mark.parametrize("why", BLAMELESS)
def test_a_revision_is_not_blamed_for_a_standstill_when(why: str) -> None:
    pods, facts = BLAMELESS[why]
    planned = plan(fleet(*pods, status=rolling(progressed_at=written(NOW - 6000)), **facts))
    assert planned.rollout.phase is RolloutPhase.ROLLING


def test_pods_that_the_api_server_refuses_fail_a_rollout() -> None:
    late = rolling(progressed_at=written(NOW - 600))
    planned = plan(fleet(*old(4), status=late, create_refused="exceeded quota: cpu"))
    assert planned.rollout.phase is RolloutPhase.UNDONE
    assert "exceeded quota" in degraded(planned)


def test_where_nothing_is_undone_by_itself_a_failure_is_only_told() -> None:
    late = rolling(progressed_at=written(NOW - 600))
    planned = plan(fleet(*old(4), STUCK, status=late, rollout={"autoRollback": False}))
    assert (planned.rollout.phase, planned.actions) == (RolloutPhase.FAILED, ())
    assert "RolloutFailed" in degraded(planned)
    works = plan(fleet(*old(4), *new(1), status=planned.rollout))
    assert works.rollout.phase is RolloutPhase.ROLLING


def test_a_user_undoes_a_rollout_in_its_middle() -> None:
    pods = [*old(2), *new(2), drained(worker("d", 1)), drained(worker("e"))]
    planned = plan(fleet(*pods, undo="r2"))
    assert planned.rollout.undone == ("r2",)
    assert sorted(given_back(planned)) == ["d", "e"]
    assert cordoned(planned) == []
    back = [*old(2), *new(2), *old(2, first=2)]
    planned = plan(fleet(*back, status=planned.rollout, undo="r2"))
    assert cordoned(planned) == ["new0", "new1"]


def test_a_user_undoes_a_rollout_that_was_complete() -> None:
    complete = RolloutStatus(current="r2", target="r2", previous="r1")
    planned = plan(fleet(*new(4), status=complete, undo="r2"))
    assert (planned.rollout.current, planned.rollout.undone) == ("r1", ("r2",))
    assert created(planned, "r1") == 4
    assert cordoned(planned) == []


def test_an_undo_without_anything_to_go_back_to_changes_nothing_and_is_told() -> None:
    complete = RolloutStatus(current="r2", target="r2")
    planned = plan(fleet(*new(4), status=complete, undo="r2"))
    assert planned.actions == ()
    assert "UndoImpossible" in degraded(planned)


def test_an_undo_of_another_revision_is_void() -> None:
    void = plan(fleet(*old(4), undo="r9"))
    untold = void.rollout.model_copy(update={"void_undo": ""})
    assert replace(void, rollout=untold) == plan(fleet(*old(4)))


def test_an_undo_is_void_for_good_once_another_revision_is_asked_for() -> None:
    undone = plan(fleet(*old(4), undo="r2/7"))
    assert undone.rollout.undone == ("r2",)
    other = plan(fleet(*old(4), status=undone.rollout, target_revision="r3", undo="r2/7"))
    assert (other.rollout.phase, other.rollout.void_undo) == (RolloutPhase.ROLLING, "r2/7")
    back = plan(fleet(*old(4), status=other.rollout, target_revision="r2", undo="r2/7"))
    assert (back.rollout.phase, back.rollout.undone) == (RolloutPhase.ROLLING, ())
    assert created(back, "r2") == 1
    assert degraded(back) == ""
    anew = plan(fleet(*old(4), *new(1), status=back.rollout, undo="r2/9"))
    assert (anew.rollout.undone, anew.rollout.void_undo) == (("r2",), "")


def test_an_undo_that_is_taken_off_may_be_asked_for_again() -> None:
    void = rolling(void_undo="r2")
    assert plan(fleet(*old(4), status=void, undo="r2")).rollout.void_undo == "r2"
    off = plan(fleet(*old(4), status=void))
    assert off.rollout.void_undo == ""
    assert plan(fleet(*old(4), status=off.rollout, undo="r2")).rollout.undone == ("r2",)


def test_a_revision_that_was_undone_is_tried_again_when_it_is_asked_for_again() -> None:
    undone = rolling(phase=RolloutPhase.UNDONE, undone=("r2",))
    other = plan(fleet(*old(4), status=undone, target_revision="r3"))
    assert (other.rollout.target, other.rollout.phase) == ("r3", RolloutPhase.ROLLING)
    again = plan(fleet(*old(4), status=other.rollout, target_revision="r2"))
    assert again.rollout.undone == ()
    assert created(again, "r2") == 1


def test_a_spec_that_is_set_back_gives_up_the_rollout() -> None:
    pods = [*old(3), drained(worker("d")), *new(1)]
    planned = plan(fleet(*pods, target_revision="r1"))
    assert given_back(planned) == ["d"]
    after = plan(fleet(*old(4), *new(1), target_revision="r1", status=planned.rollout))
    assert cordoned(after) == ["new0"]
    assert (
        plan(fleet(*old(4), target_revision="r1", status=after.rollout)).rollout.phase
        is RolloutPhase.COMPLETE
    )


def test_when_a_revision_is_not_kept_any_more_the_fleet_goes_forward() -> None:
    gone = fleet(*old(4), *new(1), size=6, undo="r2")
    planned = plan(replace(gone, revisions=gone.revisions[1:2]))
    assert created(planned, "r1") == 0
    assert created(planned, "r2") > 0
    assert "UndoImpossible" in degraded(planned)
