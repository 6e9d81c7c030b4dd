"""How long a bench takes. Pure.

Measured on two cores. A faster machine is not quicker by much: people who talk are what takes the
time. What adds to it with the number of calls is mostly those that wait for an answer in vain.
"""

from collections.abc import Iterable

REST_SECONDS, TURN_SECONDS, CALL_SECONDS = 22.0, 6.0, 2.0
"""Of one run: to start, to rest and to stop; for each turn; and for each call more."""
TRIES_OF_A_SEARCH, CALLS_OF_A_TRY = 8, 5


def cell_seconds(calls: int, turns: int) -> float:
    """Say how long one contender takes with so many calls of so many turns."""
    return REST_SECONDS + turns * TURN_SECONDS + calls * CALL_SECONDS


def bench_seconds(cells: Iterable[int], searches: int, turns: int) -> float:
    """Say how long it all takes: cells with so many calls each, and searches for a capacity."""
    tries = searches * TRIES_OF_A_SEARCH * cell_seconds(CALLS_OF_A_TRY, turns)
    return sum(cell_seconds(calls, turns) for calls in cells) + tries


def left_seconds(
    done: Iterable[int], took_seconds: float, to_come: Iterable[int], turns: int
) -> float:
    """Say how long what is to come will take, at the pace of what is done."""
    expected = bench_seconds(done, 0, turns)
    pace = took_seconds / expected if expected else 1.0
    return bench_seconds(to_come, 0, turns) * pace


def minutes(seconds: float) -> str:
    """Write it for people."""
    return f"{max(1, round(seconds / 60))} min"
