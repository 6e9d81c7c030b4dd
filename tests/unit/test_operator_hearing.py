"""What a worker says is believed if it is its own, of its present boot, and newer than the last."""

from dataclasses import replace
from typing import Any

import pytest
from heard_reports import FIRST, OTHER, POD, Told, after
from hypothesis import given
from hypothesis import strategies as st

from callfleet_operator.observing.ears import Ears
from callfleet_operator.observing.hearing import Ear, Ignored
from callfleet_operator.observing.rates import LeadTimes, Rates
from callfleet_operator.planning.snapshot import Cordon


def test_a_report_of_another_pod_changes_nothing() -> None:
    ear = Ear("uid-a", is_new=True)
    ear.hear(FIRST, 0.0)
    assert ear.hear(after(FIRST, pod_uid="uid-b", active=2), 1.0).ignored is Ignored.ANOTHER_POD
    assert ear.latest == FIRST


def test_a_boot_that_was_followed_by_another_is_not_believed_any_more() -> None:
    ear = Ear("uid-a", is_new=True)
    ear.hear(FIRST, 0.0)
    second = replace(FIRST, boot_id="boot-2")
    assert ear.hear(second, 1.0).ignored is None
    assert ear.hear(after(FIRST, sequence=99), 2.0).ignored is Ignored.OLD_BOOT
    assert ear.latest == second


def test_a_report_that_is_late_or_doubled_is_passed_over() -> None:
    ear = Ear("uid-a", is_new=True)
    third = replace(FIRST, sequence=3, active=1)
    ear.hear(third, 0.0)
    assert ear.hear(third, 5.0).ignored is Ignored.OLD
    assert ear.hear(FIRST, 6.0).ignored is Ignored.OLD
    heard = ear.heard(7.0, None)
    assert heard is not None
    assert heard.age_seconds == 7.0


def test_idleness_counts_between_two_reports_and_not_from_the_clock() -> None:
    ear = Ear("uid-a", is_new=True)
    idle = replace(FIRST, cordoned=True, epoch=4)
    ear.hear(idle, 10.0)
    heard = ear.heard(99.0, Cordon(4, cordoned=True))
    assert heard is not None
    assert heard.idle_for_seconds == 0.0
    ear.hear(after(idle), 13.0)
    heard = ear.heard(99.0, Cordon(4, cordoned=True))
    assert heard is not None
    assert heard.idle_for_seconds == 3.0


@pytest.mark.parametrize(
    "between",
    [
        {"active": 1},
        {"boot_id": "boot-2"},
        {"epoch": 5},
        {"cordoned": False},
        {"accepted_total": 1, "ended_total": 1},
    ],
)
def test_idleness_begins_anew_with_a_call_a_boot_or_an_order(between: dict[str, Any]) -> None:
    ear = Ear("uid-a", is_new=True)
    idle = replace(FIRST, cordoned=True, epoch=4)
    ear.hear(idle, 0.0)
    ear.hear(after(idle, **between), 5.0)
    last = after(after(idle, **{**between, "active": 0, "cordoned": True}))
    ear.hear(last, 6.0)
    heard = ear.heard(6.0, Cordon(last.epoch, cordoned=True))
    assert heard is not None
    assert heard.idle_for_seconds <= 1.0


def test_idleness_under_an_order_that_was_replaced_is_none() -> None:
    ear = Ear("uid-a", is_new=True)
    idle = replace(FIRST, cordoned=True, epoch=4)
    ear.hear(idle, 0.0)
    ear.hear(after(idle), 9.0)
    heard = ear.heard(9.0, Cordon(5, cordoned=True))
    assert heard is not None
    assert heard.idle_for_seconds == 0.0


def test_calls_of_a_killed_container_are_lost_once() -> None:
    told = Told()
    ears = Ears(0.0, told)
    ears.appeared(POD, 0.0, is_new=True)
    ears.hear(POD, FIRST, 1.0)
    ears.hear(POD, after(FIRST, reserved=1, active=2, accepted_total=3, slots=9), 2.0)
    ears.hear(POD, replace(FIRST, boot_id="boot-2"), 3.0)
    assert told.lost == 3
    ears.ended(POD, "gone")
    ears.ended(POD, "gone")
    assert told.lost == 3


def test_calls_of_a_pod_that_is_gone_are_lost_once() -> None:
    told = Told()
    ears = Ears(0.0, told)
    ears.appeared(POD, 0.0, is_new=True)
    ears.hear(POD, after(FIRST, active=2), 1.0)
    ears.ended(POD, "gone")
    ears.ended(POD, "gone")
    assert told.lost == 2


def test_calls_that_a_worker_says_were_cut_are_lost_and_not_those_cut_before_one_listened() -> None:
    told = Told()
    ears = Ears(0.0, told)
    ears.hear(POD, replace(FIRST, cut_total=5), 1.0)
    assert told.lost == 0
    ears.hear(POD, after(FIRST, cut_total=7), 2.0)
    assert told.lost == 2


def test_the_last_free_slot_wakes_at_once_and_one_of_several_does_not() -> None:
    told = Told()
    ears = Ears(0.0, told)
    ears.hear(POD, FIRST, 0.0)
    ears.hear(OTHER, replace(FIRST, pod_uid="uid-b"), 0.0)
    told.woken.clear()
    ears.hear(POD, after(FIRST, active=2), 1.0)
    assert told.woken == [False]
    ears.hear(OTHER, after(FIRST, pod_uid="uid-b", active=2), 2.0)
    assert told.woken == [False, True]


def test_an_offer_that_was_passed_on_wakes_at_once_whatever_others_have() -> None:
    told = Told()
    ears = Ears(0.0, told)
    ears.hear(POD, FIRST, 0.0)
    ears.hear(OTHER, replace(FIRST, pod_uid="uid-b"), 0.0)
    ears.hear(POD, after(FIRST, refused_total=1), 1.0)
    assert told.woken[-1] is True
    assert told.refused == 1
    assert ears.arrivals(POD.fleet, 1.0).refused_total == 1


def test_a_heartbeat_wakes_nobody() -> None:
    told = Told()
    ears = Ears(0.0, told)
    ears.hear(POD, FIRST, 0.0)
    told.woken.clear()
    ears.hear(POD, after(FIRST), 2.0)
    assert told.woken == []


def test_the_start_of_a_new_worker_is_measured_and_that_of_an_old_one_is_not() -> None:
    told = Told()
    ears = Ears(0.0, told)
    ears.appeared(POD, 10.0, is_new=True)
    ears.appeared(OTHER, 10.0, is_new=False)
    ears.hear(POD, replace(FIRST, registered=False), 20.0)
    ears.hear(POD, after(FIRST), 31.0)
    ears.hear(OTHER, replace(FIRST, pod_uid="uid-b"), 31.0)
    assert told.started == [21.0]
    assert ears.lead_time_seconds(POD.fleet) == 21.0


def test_calls_that_were_given_back_are_no_arrivals() -> None:
    ears = Ears(0.0, Told())
    ears.hear(POD, FIRST, 0.0)
    ears.hear(POD, after(FIRST, accepted_total=6, given_back_total=3), 300.0)
    assert ears.arrivals(POD.fleet, 300.0).per_second == pytest.approx(3 / 300)


def test_what_came_before_one_listened_is_no_arrival_but_tells_how_long_calls_are() -> None:
    ears = Ears(0.0, Told())
    old = replace(FIRST, accepted_total=50, ended_total=50, call_seconds_total=6000.0)
    ears.hear(POD, old, 10.0)
    arrivals = ears.arrivals(POD.fleet, 10.0)
    assert arrivals.per_second == 0.0
    assert arrivals.mean_call_seconds == 120.0


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(0, 9)), max_size=50))
def test_the_rate_is_never_more_than_all_that_came_and_its_peak_never_less(
    steps: list[tuple[float, int]],
) -> None:
    rates, now = Rates(0.0), 0.0
    for passed, calls in steps:
        now += passed
        rates.came(now, calls)
    arrivals = rates.arrivals(now)
    lately = sum(calls for _, calls in steps)
    assert 0 <= arrivals.per_second <= lately / 30
    assert arrivals.per_second_peak >= 0


def test_lead_times_are_ranked_and_the_last_fifty_count() -> None:
    lead = LeadTimes()
    assert lead.p90_seconds() is None
    for seconds in range(1, 101):
        lead.took(float(seconds))
    assert lead.p90_seconds() == 95.0
