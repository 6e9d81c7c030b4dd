"""An account takes every snapshot once, and doubts what cannot be right."""

from collections.abc import Callable

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from callfleet_contract.events import CallEvent, TokensUsed, UsageDoubted
from callfleet_contract.outcomes import UsageProblem
from callfleet_worker.model.account import Account

DOUBLED, MISSING = [UsageProblem.DOUBLED], [UsageProblem.MISSING]


class Book:
    """An account, and what it told."""

    def __init__(self) -> None:
        self.told: list[CallEvent] = []
        self.account = Account("call", "gemini", self.told.append)

    @property
    def doubts(self) -> list[UsageProblem]:
        return [event.problem for event in self.told if isinstance(event, UsageDoubted)]

    @property
    def tokens(self) -> int:
        return sum(event.tokens for event in self.told if isinstance(event, TokensUsed))

    def turn(self, usage: types.UsageMetadata | None) -> None:
        """As Gemini does: the turn's end and its bill in one message."""
        self.account.spoke()
        self.account.replied()
        if usage is not None:
            self.account.billed(usage)


@pytest.fixture
def book() -> Book:
    return Book()


def snapshot(prompt: int = 100, response: int = 20) -> types.UsageMetadata:
    return types.UsageMetadata(
        prompt_token_count=prompt,
        response_token_count=response,
        total_token_count=prompt + response,
    )


def test_turns_that_are_billed_alike_are_both_right(book: Book) -> None:
    book.turn(snapshot())
    book.turn(snapshot())
    assert (book.tokens, book.doubts) == (240, [])


def test_the_same_again_is_doubted_and_not_counted_again(book: Book) -> None:
    book.turn(snapshot())
    book.account.billed(snapshot())
    book.account.billed(snapshot())
    book.turn(snapshot(150))
    assert (book.tokens, book.doubts) == (290, DOUBLED * 2)


@pytest.mark.parametrize("between", [Account.spoke, Account.called, Account.replied])
def test_the_same_after_the_model_did_something_is_another_bill(
    book: Book, between: Callable[[Account], None]
) -> None:
    book.account.billed(snapshot())
    between(book.account)
    book.account.billed(snapshot())
    assert (book.tokens, book.doubts) == (240, [])


def test_bills_that_differ_are_both_counted_wherever_they_come(book: Book) -> None:
    book.account.billed(snapshot(100))
    book.account.billed(snapshot(101))
    assert (book.tokens, book.doubts) == (241, [])


def test_a_reply_without_a_bill_is_missed_when_the_next_one_begins(book: Book) -> None:
    book.turn(None)
    assert book.doubts == []
    book.turn(snapshot())
    assert book.doubts == MISSING


def test_a_reply_without_a_bill_is_missed_when_the_connection_is_over(book: Book) -> None:
    book.turn(None)
    book.account.parted()
    book.account.parted()
    assert book.doubts == MISSING


def test_a_bill_may_come_before_its_reply_is_complete_or_after(book: Book) -> None:
    book.account.spoke()
    book.account.billed(snapshot(100))
    book.account.spoke()
    book.account.replied()
    book.account.spoke()
    book.account.replied()
    book.account.billed(snapshot(150))
    book.account.parted()
    assert book.doubts == []


def test_nothing_is_owed_for_a_turn_without_a_reply_or_one_that_was_cut_off(book: Book) -> None:
    book.account.called()
    book.account.replied()
    book.account.spoke()
    book.account.interrupted()
    book.account.replied()
    book.account.spoke()
    book.account.parted()
    assert book.doubts == []


def test_what_does_not_add_up_is_doubted_and_counted(book: Book) -> None:
    usage = snapshot()
    usage.total_token_count = 7
    book.turn(usage)
    assert (book.tokens, book.doubts) == (120, [UsageProblem.INCONSISTENT])


steps = st.lists(
    st.sampled_from([Account.spoke, Account.called, Account.interrupted, Account.replied])
    | st.integers(1, 3)
)


@given(steps)
def test_no_bill_is_lost_but_one_that_repeats_the_last(
    taken: list[Callable[[Account], None] | int],
) -> None:
    book, billed, latest = Book(), 0, 0
    for step in taken:
        if isinstance(step, int):
            book.account.billed(snapshot(step, 0))
            billed += step if step != latest else 0
            latest = step
        else:
            step(book.account)
            latest = latest if step is Account.interrupted else 0
    assert book.tokens == billed
