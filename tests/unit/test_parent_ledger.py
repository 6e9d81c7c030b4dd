"""Open calls are counted from acceptance to the end, and each end once."""

from callfleet_contract.events import CallEnded, CallStarted, EventsDropped
from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_worker.parent.ledger import Ledger, Totals

SECOND = 1_000_000_000
START = CallStarted("a", "room", 5 * SECOND)
END = CallEnded("a", "room", CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP, 3.0)


def test_a_call_is_open_from_acceptance_to_its_end() -> None:
    ledger = Ledger()
    ledger.accept("a", "room", 0)
    assert ledger.active == 1
    assert ledger.take(START)
    assert ledger.active == 1
    assert ledger.take(END)
    assert ledger.active == 0


def test_a_call_whose_process_hangs_up_without_an_end_was_dropped_once() -> None:
    ledger = Ledger()
    ledger.take(START)
    (died,) = ledger.line_lost({"a"}, 7 * SECOND)
    assert (died.outcome, died.reason) == (CallOutcome.DROPPED, CallReason.PROCESS_DIED)
    assert died.duration_seconds == 2.0
    assert ledger.take(died)
    assert ledger.line_lost({"a"}, 8 * SECOND) == ()
    assert not ledger.take(died)
    assert ledger.active == 0


def test_an_orderly_end_leaves_nothing_to_be_told_when_the_process_hangs_up() -> None:
    ledger = Ledger()
    ledger.take(START)
    ledger.take(END)
    assert ledger.line_lost({"a"}, 9 * SECOND) == ()


def test_a_call_that_never_spoke_was_dropped_when_its_process_is_gone_for_long_enough() -> None:
    ledger = Ledger()
    ledger.accept("a", "room", 0)
    assert ledger.never_spoke({"a"}, 2.0, 100 * SECOND) == ()
    assert ledger.never_spoke(set(), 2.0, 1 * SECOND) == ()
    (died,) = ledger.never_spoke(set(), 2.0, 3 * SECOND)
    assert died.reason is CallReason.PROCESS_DIED


def test_a_call_that_has_spoken_is_left_to_its_line() -> None:
    ledger = Ledger()
    ledger.accept("a", "room", 0)
    ledger.take(START)
    assert ledger.never_spoke(set(), 2.0, 100 * SECOND) == ()


def test_a_call_given_to_another_worker_is_forgotten() -> None:
    ledger = Ledger()
    ledger.accept("a", "room", 0)
    ledger.forget("a")
    assert ledger.active == 0
    ledger.accept("b", "room", 0)
    ledger.take(CallStarted("b", "room", 0))
    ledger.forget("b")
    assert ledger.active == 1


def test_nothing_counts_after_the_end_but_how_much_was_dropped() -> None:
    ledger = Ledger()
    ledger.take(START)
    ledger.take(END)
    assert not ledger.take(START)
    assert ledger.take(EventsDropped("a", 3))
    ledger.accept("a", "room", 0)
    assert ledger.active == 0


def test_what_is_remembered_of_ended_calls_is_bounded() -> None:
    ledger = Ledger()
    for number in range(1500):
        ledger.take(
            CallEnded(str(number), "r", CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP, 1.0)
        )
    assert len(ledger._ended) == 1000


def test_what_was_accepted_ended_was_given_back_or_is_open() -> None:
    ledger = Ledger()
    for call_id in ("a", "b", "c", "d"):
        ledger.accept(call_id, "room", 0)
        ledger.accept(call_id, "room", 0)
    ledger.take(START)
    ledger.take(END)
    ledger.take(END)
    ledger.forget("b")
    ledger.take(CallStarted("c", "room", SECOND))
    ledger.take(ledger.line_lost({"c"}, 2 * SECOND)[0])
    assert ledger.totals == Totals(accepted=4, given_back=1, ended=2, cut=1, call_seconds=4.0)
    assert set(ledger.open) == {"d"}


def test_a_call_that_its_worker_ended_was_cut_also_where_only_its_end_is_heard() -> None:
    ledger = Ledger()
    reasons = (CallReason.WORKER_STOPPED, CallReason.PROCESS_DIED, CallReason.MEDIA_LOST)
    for number, reason in enumerate(reasons):
        ledger.take(CallEnded(str(number), "room", CallOutcome.DROPPED, reason, -1.0))
    assert ledger.totals == Totals(accepted=3, ended=3, cut=2)
