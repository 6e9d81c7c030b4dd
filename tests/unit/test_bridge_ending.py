"""How a call ended is one outcome and one reason, whatever ended it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.rtc import DisconnectReason

from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_worker.bridge.ending import DESERVES_APOLOGY, LINE_IS_LOST, Cause, ending_of
from callfleet_worker.bridge.leaving import (
    LIVEKIT_SHUTDOWN,
    PARENT_SHUTDOWN,
    ROOM_SHUTDOWN,
    cause_of_departure,
    cause_of_room,
    cause_of_shutdown,
)


@given(st.sampled_from(Cause), st.booleans(), st.integers(0, 3))
def test_every_cause_has_an_ending(cause: Cause, answered: bool, others: int) -> None:
    ending = ending_of(cause, answered=answered, others_in_room=others)
    assert ending.outcome in CallOutcome
    assert ending.reason in CallReason


@pytest.mark.parametrize(
    ("cause", "outcome", "reason"),
    [
        (Cause.CALLER_LEFT, CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP),
        (Cause.CALLER_LOST, CallOutcome.DROPPED, CallReason.MEDIA_LOST),
        (Cause.NOBODY_CAME, CallOutcome.ABANDONED, CallReason.NEVER_JOINED),
        (Cause.DISMISSED, CallOutcome.COMPLETED, CallReason.ROOM_GONE),
        (Cause.ROOM_LOST, CallOutcome.DROPPED, CallReason.ROOM_GONE),
        (Cause.NOT_CONNECTED, CallOutcome.FAILED, CallReason.ROOM_GONE),
        (Cause.AGENT_ENDED, CallOutcome.COMPLETED, CallReason.AGENT_ENDED),
        (Cause.KEY_REFUSED, CallOutcome.FAILED, CallReason.MODEL_REFUSED_KEY),
        (Cause.WORKER_STOPPED, CallOutcome.DROPPED, CallReason.WORKER_STOPPED),
        (Cause.CRASHED, CallOutcome.FAILED, CallReason.INTERNAL_ERROR),
    ],
)
def test_an_answered_call_ends_as_it_was_ended(
    cause: Cause, outcome: CallOutcome, reason: CallReason
) -> None:
    ending = ending_of(cause, answered=True, others_in_room=0)
    assert (ending.outcome, ending.reason) == (outcome, reason)


@pytest.mark.parametrize(
    "cause", [Cause.CALLER_LEFT, Cause.CALLER_LOST, Cause.CALLER_REMOVED, Cause.DISMISSED]
)
def test_a_caller_who_goes_before_the_greeting_was_not_served(cause: Cause) -> None:
    ending = ending_of(cause, answered=False, others_in_room=0)
    assert (ending.outcome, ending.reason) == (
        CallOutcome.ABANDONED,
        CallReason.LEFT_BEFORE_GREETING,
    )


@pytest.mark.parametrize("cause", [Cause.AGENT_ENDED, Cause.WORKER_STOPPED, Cause.CRASHED])
def test_a_caller_who_is_still_there_is_hung_up_on_even_beside_others(cause: Cause) -> None:
    assert ending_of(cause, answered=True, others_in_room=2).delete_room


@pytest.mark.parametrize("cause", [Cause.CALLER_LEFT, Cause.CALLER_REMOVED])
def test_a_room_in_which_somebody_else_took_over_is_left_to_them(cause: Cause) -> None:
    assert not ending_of(cause, answered=True, others_in_room=1).delete_room
    assert ending_of(cause, answered=True, others_in_room=0).delete_room


def test_a_room_that_is_gone_is_not_deleted() -> None:
    assert not ending_of(Cause.ROOM_CLOSED, answered=True, others_in_room=0).delete_room


@pytest.mark.parametrize("cause", [Cause.ROOM_LOST, Cause.NOT_CONNECTED])
def test_a_room_that_only_the_agent_lost_is_deleted_under_its_silent_caller(cause: Cause) -> None:
    assert ending_of(cause, answered=True, others_in_room=0).delete_room


def test_an_agent_that_is_removed_was_dropped() -> None:
    cause = cause_of_room(DisconnectReason.PARTICIPANT_REMOVED)
    ending = ending_of(cause, answered=True, others_in_room=0)
    assert (ending.outcome, ending.delete_room) == (CallOutcome.DROPPED, True)


@given(st.sampled_from(DisconnectReason.values()))
def test_every_reason_of_a_departure_is_understood(reason: int) -> None:
    assert cause_of_departure(reason) in LINE_IS_LOST
    assert cause_of_room(reason) in LINE_IS_LOST


def test_a_broken_network_may_come_back_and_a_hang_up_does_not() -> None:
    assert cause_of_departure(DisconnectReason.CLIENT_INITIATED) is Cause.CALLER_LEFT
    assert cause_of_departure(DisconnectReason.CONNECTION_TIMEOUT) is Cause.CALLER_LOST
    assert cause_of_departure(DisconnectReason.DUPLICATE_IDENTITY) is Cause.CALLER_LOST


def test_a_shutdown_is_the_workers_the_rooms_or_else_the_agents() -> None:
    assert cause_of_shutdown(PARENT_SHUTDOWN) is Cause.WORKER_STOPPED
    assert cause_of_shutdown(LIVEKIT_SHUTDOWN) is Cause.DISMISSED
    assert cause_of_shutdown(ROOM_SHUTDOWN) is Cause.ROOM_LOST
    assert cause_of_shutdown("the order is placed") is Cause.AGENT_ENDED


def test_whoever_is_left_on_the_line_without_a_model_is_apologised_to() -> None:
    assert DESERVES_APOLOGY.isdisjoint(LINE_IS_LOST)
    assert set(Cause) == DESERVES_APOLOGY | LINE_IS_LOST
