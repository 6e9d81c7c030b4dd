"""The search for a machine's capacity ends, and finds it in spite of a bad run now and then."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfleet_rehearsal.capacity.search import TRIES, Bounds, Step, bounds, next_calls, search

FIRST, MOST = 4, 64


@dataclass(frozen=True)
class Tried:
    step: Step


def searched(carries: int, bad_runs: set[int] | None = None) -> list[Step]:
    """Search on a machine that carries so many; runs of these numbers, from 0, go wrong."""

    def attempt(before: int, calls: int) -> Tried:
        assert before < 60, "the search does not end"
        return Tried(Step(calls, held=calls <= carries and before not in (bad_runs or set())))

    return [tried.step for tried in search(FIRST, MOST, attempt)]


@given(carries=st.integers(0, 80))
def test_what_a_machine_carries_is_found_to_the_call(carries: int) -> None:
    assert bounds(searched(carries)).held == min(carries, MOST)


@given(carries=st.integers(0, 80), bad=st.integers(0, 20))
def test_one_bad_run_changes_nothing(carries: int, bad: int) -> None:
    assert bounds(searched(carries, {bad})).held == min(carries, MOST)


@given(carries=st.integers(1, 80))
def test_a_search_takes_few_runs(carries: int) -> None:
    assert len(searched(carries)) <= 20


def test_a_number_that_failed_twice_outweighs_a_higher_one_that_held() -> None:
    steps = [Step(12, held=True), Step(10, held=False), Step(10, held=False), Step(8, held=True)]
    assert bounds(steps) == Bounds(held=8, failed=10)


def test_what_cannot_be_judged_is_tried_again_and_then_given_up() -> None:
    steps = [Step(4, held=True)]
    for _ in range(TRIES):
        assert next_calls(steps, FIRST, MOST) == 6
        steps.append(Step(6, held=None))
    assert next_calls(steps, FIRST, MOST) is None
    assert bounds(steps) == Bounds(held=4, failed=None)


@pytest.mark.parametrize(("steps", "calls"), [((), FIRST), ((Step(4, held=True),), 6)])
def test_numbers_grow_by_half(steps: tuple[Step, ...], calls: int) -> None:
    assert next_calls(steps, FIRST, MOST) == calls
