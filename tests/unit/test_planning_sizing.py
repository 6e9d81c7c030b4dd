"""How many workers calls need, and what trims that number."""

import math
from dataclasses import replace
from typing import Any

import pytest
from fleet_carrying import cordoned, created
from fleet_worlds import NOW, SETTLED, drained, fleet_spec, seen, silent, starting, worker

from callfleet_contract.fleet.spec import Headroom
from callfleet_contract.fleet.status import Limit, Why
from callfleet_operator.planning.actions import Reason
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.sizing import demand
from callfleet_operator.planning.snapshot import Arrivals, Changed, Memory, Sized, Snapshot


def test_demand_is_mean_and_deviation_of_calls_after_the_lead_time() -> None:
    needed = demand(100, Arrivals(0.5, 0.8, 200.0), 50.0, Headroom(min_idle_slots=10))
    stay = math.exp(-50 / 200)
    incoming = 0.8 * 200 * (1 - stay)
    assert needed.expected == pytest.approx(100 * stay + incoming)
    assert needed.deviation == pytest.approx(math.sqrt(100 * stay * (1 - stay) + incoming))
    assert needed.quantile == pytest.approx(3.0902, abs=1e-4)
    assert needed.slots == pytest.approx(needed.expected + 3.0902 * needed.deviation + 10, abs=1e-2)


def test_no_call_is_expected_to_end_while_none_has() -> None:
    needed = demand(7, Arrivals(per_second=0.1), 50.0, Headroom(min_idle_slots=0))
    assert needed.expected == pytest.approx(7 + 5)


def test_fewer_slots_than_calls_are_never_wanted() -> None:
    needed = demand(50, Arrivals(mean_call_seconds=1.0), 600.0, Headroom(min_idle_slots=3))
    assert needed.slots == 53


def test_forty_slots_are_four_pods_of_ten_and_not_five() -> None:
    needed = demand(30, Arrivals(mean_call_seconds=1e-9), 60.0, Headroom(min_idle_slots=10))
    assert needed.pods(10) == 4


def test_a_worker_that_starts_counts_and_one_that_drains_does_not() -> None:
    pods = (worker("a", calls=9), starting("b"), drained(worker("c", calls=3)))
    assert created(plan(seen(*pods, spec=fleet_spec({"minReplicas": 2})))) == 0
    assert created(plan(seen(worker("a", calls=9), spec=fleet_spec({"minReplicas": 2})))) == 1


def test_a_fleet_grows_for_the_calls_that_come_before_a_worker_could() -> None:
    planned = plan(seen(worker("a", calls=8), arrivals=Arrivals(1.0, 1.0, 120.0)))
    assert planned.desired > 4
    assert created(planned) == planned.desired - 1
    assert planned.why is Why.BUSY
    assert all(action.reason is Reason.DEMAND for action in planned.actions)


CASES = [
    ({"minReplicas": 4}, 4, Limit.MIN_REPLICAS),
    ({"maxReplicas": 3}, 3, Limit.MAX_REPLICAS),
    ({"maxReplicas": 3, "minReplicas": 5}, 3, Limit.MAX_REPLICAS),
    ({"externalSessionLimit": 25}, 2, Limit.SESSIONS),
    ({"hold": "ScaleOut"}, 1, Limit.HOLD),
    ({"scaleUp": {"maxPods": 2, "maxPercent": 1}}, 3, Limit.RATE),
]


@pytest.mark.parametrize(("bound", "desired", "limit"), CASES)
def test_a_bound_trims_what_is_wanted_and_is_named(
    bound: dict[str, Any], desired: int, limit: Limit
) -> None:
    burst = Arrivals() if "minReplicas" in bound and len(bound) == 1 else Arrivals(2.0, 2.0, 120.0)
    planned = plan(seen(worker("a"), spec=fleet_spec(bound), arrivals=burst))
    assert (planned.desired, planned.limited_by) == (desired, limit)
    assert created(planned) == desired - 1
    limited = next(told for told in planned.conditions if told.type == "ScalingLimited")
    assert (limited.status, limited.reason) == ("True", limit)


def test_pods_that_drain_take_room_from_new_ones() -> None:
    spec = fleet_spec({"minReplicas": 4, "maxReplicas": 4, "maxTotalPods": 5})
    going = [silent(drained(worker(f"d{number}", calls=1))) for number in range(3)]
    planned = plan(seen(worker("a"), *going, spec=spec))
    assert created(planned) == 1
    assert planned.limited_by is Limit.MAX_TOTAL_PODS


def test_calls_on_draining_pods_use_up_the_providers_sessions() -> None:
    spec = fleet_spec({"minReplicas": 3, "externalSessionLimit": 30})
    planned = plan(seen(worker("a"), silent(drained(worker("d", calls=5))), spec=spec))
    assert (planned.desired, planned.limited_by) == (2, Limit.SESSIONS)


def test_an_unheard_pod_counts_with_all_of_its_slots_against_the_sessions() -> None:
    spec = fleet_spec({"minReplicas": 8, "externalSessionLimit": 75})
    pods = [worker(f"a{number}") for number in range(5)]
    planned = plan(seen(*pods, silent(worker("s")), spec=spec))
    assert (planned.desired, planned.limited_by) == (6, Limit.SESSIONS)


def test_slots_that_ran_out_add_a_worker_at_once() -> None:
    spec = fleet_spec({"scaleUp": {"stabilizationSeconds": 600}})
    full = seen(worker("a", calls=10), spec=spec)
    memory = replace(SETTLED, wanted_least=(Sized(NOW - 5, 1),))
    planned = plan(replace(full, memory=memory, arrivals=Arrivals(mean_call_seconds=10.0)))
    assert created(planned) == 1
    assert planned.actions[0].reason is Reason.EXHAUSTED
    assert planned.why is Why.EXHAUSTED
    assert planned.memory.exhausted_at == NOW


def test_a_refused_call_adds_a_worker_though_slots_are_free() -> None:
    planned = plan(seen(worker("a", calls=1), arrivals=Arrivals(refused_total=1)))
    assert created(planned) == 1
    again = seen(worker("a", calls=1), starting("b"), arrivals=Arrivals(refused_total=1))
    settled = plan(replace(again, memory=planned.memory))
    assert settled.memory.exhausted_at == NOW
    assert settled.actions == ()


def test_growth_waits_for_what_has_been_needed_all_along() -> None:
    spec = fleet_spec({"scaleUp": {"stabilizationSeconds": 60}})
    fleet = seen(worker("a"), spec=spec, arrivals=Arrivals(1.0, 1.0, 120.0))
    waiting = replace(fleet, memory=replace(SETTLED, wanted_least=(Sized(NOW - 30, 1),)))
    assert plan(waiting).limited_by is Limit.STABILIZATION
    assert plan(waiting).desired == 1
    due = replace(fleet, memory=replace(SETTLED, wanted_least=(Sized(NOW - 61, 1),)))
    assert plan(due).desired > 1


def test_the_rate_counts_what_was_added_within_its_period() -> None:
    spec = fleet_spec({"scaleUp": {"maxPods": 3, "maxPercent": 1, "periodSeconds": 15}})
    fleet = seen(worker("a"), spec=spec, arrivals=Arrivals(2.0, 2.0, 120.0), desired_before=3)
    just_grown = replace(SETTLED, changes=(Changed(NOW - 10, 2),))
    assert plan(replace(fleet, memory=just_grown)).desired == 4
    long_since = replace(SETTLED, changes=(Changed(NOW - 16, 2),))
    assert plan(replace(fleet, memory=long_since)).desired == 6


def quiet(**auto: Any) -> Snapshot:
    pods = [worker(f"a{number}") for number in range(8)]
    return seen(*pods, spec=fleet_spec({"minReplicas": 2, **auto}))


def test_a_quiet_fleet_shrinks_to_what_has_been_enough_for_the_window() -> None:
    fleet = quiet()
    planned = plan(fleet)
    assert planned.desired == 2
    assert len(cordoned(planned)) == 6
    recently = replace(SETTLED, wanted=(Sized(NOW - 200, 5),))
    assert plan(replace(fleet, memory=recently)).desired == 5
    assert plan(replace(fleet, memory=recently)).why is Why.SHRINKING
    long_ago = replace(SETTLED, wanted=(Sized(NOW - 301, 5),))
    assert plan(replace(fleet, memory=long_ago)).desired == 2


def test_a_quiet_fleet_sheds_a_quarter_in_a_minute() -> None:
    fleet = quiet(scaleDown={"maxPercent": 25, "minPodAgeSeconds": 0})
    first = plan(fleet)
    assert (first.desired, first.limited_by) == (6, Limit.RATE)
    later = replace(fleet, memory=first.memory, desired_before=6, now=NOW + 30)
    assert plan(later).desired == 6


def test_a_young_pod_is_not_drained_for_size() -> None:
    spec = fleet_spec({"scaleDown": {"minPodAgeSeconds": 300, "maxPercent": 100}})
    pods = [worker(f"a{number}", created_at=NOW - 299) for number in range(3)]
    assert cordoned(plan(seen(*pods, spec=spec))) == []


def test_nothing_shrinks_before_the_operator_has_watched_for_a_window() -> None:
    began = Memory(began_at=NOW - 299)
    planned = plan(replace(quiet(), memory=began))
    assert planned.desired == 8
    assert cordoned(planned) == []
    assert planned.limited_by is Limit.STABILIZATION


def test_nothing_shrinks_for_a_minute_after_slots_ran_out() -> None:
    fleet = quiet()
    panicking = plan(replace(fleet, memory=replace(SETTLED, exhausted_at=NOW - 59)))
    assert (panicking.desired, cordoned(panicking)) == (8, [])
    one_more = replace(fleet, desired_before=7, memory=replace(SETTLED, exhausted_at=NOW - 59))
    assert (plan(one_more).desired, cordoned(plan(one_more))) == (7, [])
    assert len(cordoned(plan(replace(fleet, memory=replace(SETTLED, exhausted_at=NOW - 60))))) == 6


def test_a_hold_keeps_a_fleet_from_shrinking_and_is_named() -> None:
    planned = plan(quiet(hold="ScaleIn"))
    assert (planned.desired, planned.limited_by, planned.why) == (8, Limit.HOLD, Why.LIMITED)
    assert "autoscaling.hold: None" in planned.message


def test_a_lowered_maximum_is_heeded_though_all_slots_are_taken() -> None:
    pods = [worker(f"a{number}", calls=10) for number in range(4)]
    planned = plan(seen(*pods, spec=fleet_spec({"maxReplicas": 2})))
    assert planned.desired == 2
    assert cordoned(planned) != []


def test_a_paused_fleet_is_told_of_and_watched_anew_afterwards() -> None:
    fleet = quiet()
    planned = plan(replace(fleet, spec=fleet.spec.model_copy(update={"paused": True})))
    assert (planned.actions, planned.why) == ((), Why.PAUSED)
    assert planned.limited_by is Limit.PAUSED
    assert planned.memory.began_at == NOW


def test_a_status_that_could_not_be_written_changes_nothing_of_what_was_decided() -> None:
    spec = fleet_spec({"scaleUp": {"maxPods": 2, "maxPercent": 1}})
    fleet = seen(worker("a"), spec=spec, arrivals=Arrivals(2.0, 2.0, 120.0))
    first = plan(fleet)
    again = plan(replace(fleet, memory=first.memory, now=NOW + 5))
    assert (first.desired, again.desired) == (3, 3)
