"""An order is obeyed once, if it is for this pod and newer; anything else changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.admission import MOST_BYTES, Order, Refusal, encode
from callfleet_worker.parent.admission.desk import Desk, Seen, Verdict

UID, OTHER = "this-pod", "that-pod"
SEEN = Seen(
    registered=True,
    draining=False,
    slots=10,
    reserved=1,
    active=2,
    accepted_total=7,
    given_back_total=1,
    ended_total=3,
    refused_total=4,
    cut_total=1,
    call_seconds_total=60.0,
)
ORDERS = st.builds(
    Order, pod_uid=st.sampled_from([UID, UID, OTHER]), epoch=st.integers(1, 6), cordon=st.booleans()
)


def a_desk(last: Order | None = None, *, forgot: bool = False) -> Desk:
    return Desk(UID, "boot", last, forgot=forgot)


def give(desk: Desk, order: Order) -> Verdict:
    judged = desk.judge(order)
    if judged.verdict is Verdict.OBEY:
        desk.obey(order)
    elif judged.verdict is Verdict.STANDS:
        desk.add(order)
    return judged.verdict


@given(st.lists(ORDERS))
def test_the_newest_order_for_this_pod_stands_however_orders_come(orders: list[Order]) -> None:
    desk = a_desk()
    newest: Order | None = None
    for order in orders:
        is_new = order.pod_uid == UID and (newest is None or order.epoch > newest.epoch)
        is_known = newest is not None and newest == order
        verdict = give(desk, order)
        assert (verdict is Verdict.OBEY, verdict is Verdict.STANDS) == (is_new, is_known)
        newest = order if is_new else newest
        assert desk.epoch == (newest.epoch if newest else 0)
        assert desk.cordoned is (newest.cordon if newest else False)


def test_an_order_that_stands_may_say_that_calls_had_their_time_and_a_newer_one_undoes_it() -> None:
    desk = a_desk()
    give(desk, Order(UID, 1, cordon=True))
    assert not desk.ends_calls
    for _ in range(2):
        assert give(desk, Order(UID, 1, cordon=True, ends_calls=True)) is Verdict.STANDS
        assert desk.ends_calls
    give(desk, Order(UID, 1, cordon=True))
    assert desk.ends_calls
    give(desk, Order(UID, 1, cordon=False))
    give(desk, Order(OTHER, 2, cordon=False))
    assert desk.ends_calls
    give(desk, Order(UID, 2, cordon=False))
    assert not desk.ends_calls


@given(ORDERS)
def test_an_order_that_comes_twice_is_answered_as_it_stands(order: Order) -> None:
    desk = a_desk()
    if give(desk, order) is Verdict.OBEY:
        again = Order(order.pod_uid, order.epoch, order.cordon, "said in other words")
        assert give(desk, again) is Verdict.STANDS


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (Order(OTHER, 9, cordon=True), "for the pod 'that-pod', and this is 'this-pod'"),
        (Order(UID, 4, cordon=True), "epoch 4 is older than 5"),
        (Order(UID, 5, cordon=False), "epoch 5 was obeyed already, and cordoned this worker"),
    ],
)
def test_a_refusal_says_what_stands_and_what_to_do(order: Order, said: str) -> None:
    desk = a_desk(Order(UID, 5, cordon=True))
    judged = desk.judge(order)
    assert judged.verdict is Verdict.REFUSE
    assert said in judged.sentence
    assert (desk.epoch, desk.cordoned) == (5, True)


def test_the_longest_refusal_is_a_message_still() -> None:
    judged = a_desk().judge(Order("\U0001f600" * 1000, 1, cordon=True))
    refusal = Refusal(judged.sentence, a_desk().report(SEEN))
    assert len(encode(refusal)) < MOST_BYTES


def test_a_restarted_worker_stands_as_it_did() -> None:
    desk = a_desk(Order(UID, 5, cordon=True))
    assert (desk.epoch, desk.cordoned) == (5, True)
    assert give(desk, Order(UID, 5, cordon=True)) is Verdict.STANDS


def test_a_worker_that_forgot_its_order_takes_no_calls_until_the_next_one() -> None:
    desk = a_desk(forgot=True)
    assert (desk.epoch, desk.cordoned) == (0, True)
    assert give(desk, Order(UID, 1, cordon=False)) is Verdict.OBEY
    assert not desk.cordoned


def test_a_report_says_what_was_seen_and_has_a_number_of_its_own() -> None:
    desk = a_desk(Order(UID, 5, cordon=True))
    first, second = desk.report(SEEN), desk.report(SEEN)
    assert (first.sequence, second.sequence) == (1, 2)
    assert (first.pod_uid, first.boot_id, first.epoch, first.cordoned) == (UID, "boot", 5, True)
    assert (first.calls, first.accepted_total) == (
        3,
        first.ended_total + first.given_back_total + first.calls,
    )
