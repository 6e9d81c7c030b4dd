"""Mode Manual: others say how many workers accept calls, the operator which."""

from typing import Any

from fleet_carrying import cordoned, created, degraded, given_back, reasons
from fleet_worlds import NOW, drained, fleet_spec, seen, silent, starting, worker

from callfleet_contract.fleet.status import Limit, Why
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.snapshot import Memory, Pod, Snapshot


def manual(replicas: int | None, *pods: Pod, **auto: Any) -> Snapshot:
    spec = fleet_spec({"mode": "Manual", **auto}, replicas=replicas)
    return seen(*pods, spec=spec, memory=Memory(began_at=NOW))


def test_as_many_pods_accept_as_replicas_says_whatever_calls_need() -> None:
    planned = plan(manual(3, worker("a", calls=10)))
    assert (planned.desired, created(planned), planned.why) == (3, 2, Why.MANUAL)
    assert reasons(planned) == {Reason.MANUAL}


def test_the_operator_chooses_who_goes_and_does_not_wait_for_a_window() -> None:
    planned = plan(manual(2, worker("busy", calls=4), worker("idle"), worker("some", calls=1)))
    assert cordoned(planned) == ["idle"]
    assert reasons(planned) == {Reason.MANUAL}


def test_a_fleet_can_be_parked() -> None:
    planned = plan(manual(0, worker("a"), worker("b", calls=2), minReplicas=1))
    assert cordoned(planned) == ["a", "b"]


def test_a_cordoned_worker_is_given_back_before_a_pod_is_made() -> None:
    planned = plan(manual(3, worker("a"), drained(worker("d", calls=5))))
    assert (given_back(planned), created(planned)) == (["d"], 1)


def test_a_pod_that_starts_is_not_asked_for_again() -> None:
    assert plan(manual(2, worker("a"), starting("b"))).actions == ()


def test_more_than_the_maximum_is_trimmed_and_told() -> None:
    planned = plan(manual(9, worker("a"), maxReplicas=4))
    assert (planned.desired, planned.limited_by) == (4, Limit.MAX_REPLICAS)
    assert "raise autoscaling.maxReplicas" in planned.message


def test_nothing_shrinks_while_workers_cannot_be_heard() -> None:
    pods = [worker("a"), *(silent(worker(f"s{number}")) for number in range(3))]
    assert cordoned(plan(manual(1, *pods))) == []


def test_a_hold_counts_in_this_mode_too() -> None:
    held = plan(manual(1, worker("a"), worker("b"), hold="ScaleIn"))
    assert (held.desired, cordoned(held)) == (2, [])


def test_without_replicas_the_fleet_stays_and_says_what_to_set() -> None:
    planned = plan(manual(None, worker("a"), worker("b")))
    assert (planned.desired, planned.actions) == (2, ())
    assert "set spec.replicas" in degraded(planned)
