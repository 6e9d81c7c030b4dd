"""A new revision's worker counts when it has been connected for rollout.minReadySeconds."""

from dataclasses import replace

import pytest
from fleet_carrying import cordoned, created
from fleet_rolling import fleet, new, old
from fleet_worlds import NOW, SETTLED, fleet_spec, rolling, seen, worker

from callfleet_contract.fleet.status import RolloutPhase, RolloutStatus
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.rollout import written
from callfleet_operator.planning.snapshot import Pod


def connected(pod: Pod, seconds: float) -> Pod:
    assert pod.heard is not None
    return replace(pod, heard=replace(pod.heard, connected_for_seconds=seconds))


def just_ready(count: int, seconds: float = 9.0) -> list[Pod]:
    return [connected(pod, seconds) for pod in new(count)]


def test_no_old_worker_goes_for_a_new_one_that_is_only_just_ready() -> None:
    early = plan(fleet(*old(4), *just_ready(1)))
    assert (cordoned(early), early.rollout.accepted) == ([], 0)
    assert early.counts.accepting == 5
    in_time = plan(fleet(*old(4), *just_ready(1, 10.0)))
    assert (len(cordoned(in_time)), in_time.rollout.accepted) == (1, 1)


def test_it_is_looked_at_again_when_it_counts() -> None:
    assert plan(fleet(*old(4), *just_ready(1))).look_again_seconds == pytest.approx(1.0)


def test_how_long_is_as_the_fleet_says() -> None:
    spec = {"minReadySeconds": 60}
    assert cordoned(plan(fleet(*old(4), *just_ready(1, 59.0), rollout=spec))) == []
    assert len(cordoned(plan(fleet(*old(4), *just_ready(1, 60.0), rollout=spec)))) == 1
    assert len(cordoned(plan(fleet(*old(4), *just_ready(1, 0.0), rollout={"minReadySeconds": 0}))))


def test_a_step_is_reached_by_workers_that_count_alone() -> None:
    steps = {"steps": [50, 100], "pauseSeconds": 60}
    assert plan(fleet(*old(3), *just_ready(2), rollout=steps)).rollout.step_since == ""
    reached = plan(fleet(*old(3), *just_ready(2, 10.0), rollout=steps))
    assert reached.rollout.step_since == written(NOW)


def test_a_revision_whose_workers_never_stay_is_undone() -> None:
    late = rolling(progressed_at=written(NOW - 600))
    crashed = replace(new(2)[1], heard=None, running=False, trouble="CrashLoopBackOff")
    planned = plan(fleet(*old(4), *just_ready(1), crashed, status=late))
    assert planned.rollout.undone == ("r2",)
    assert planned.rollout.phase is RolloutPhase.UNDOING


def test_a_first_revision_is_complete_when_its_workers_count() -> None:
    first = RolloutStatus(phase=RolloutPhase.ROLLING, target="r1", progressed_at=written(NOW))
    for seconds, phase in ((9.0, RolloutPhase.ROLLING), (10.0, RolloutPhase.COMPLETE)):
        planned = plan(seen(connected(worker("a"), seconds), rollout=first))
        assert (planned.rollout.phase, planned.actions) == (phase, ())


def test_workers_of_the_revision_that_proved_itself_count_at_once() -> None:
    pods = [connected(worker(f"a{number}"), 0.0) for number in range(3)]
    spec = fleet_spec({"mode": "Manual"}, replicas=2)
    planned = plan(seen(*pods, spec=spec, memory=SETTLED))
    assert (len(cordoned(planned)), created(planned)) == (1, 0)
