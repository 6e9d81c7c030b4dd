"""Which number of calls to try next. Pure.

Numbers grow by half until one does not hold, then the gap is halved. One bad run is no proof, on a
machine whose speed drifts: a number fails when it has failed twice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

FAILURES = 2
"""So many runs of a number must miss an objective before it counts as too many."""
TRIES = 3
"""So often a number is tried that cannot be judged."""
_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Step:
    """One run: so many calls at once; ``held`` is None where the machine gave no verdict."""

    calls: int
    held: bool | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known: so many hold (0: not even one), so many do not (None: not found yet)."""

    held: int
    failed: int | None


class Attempt(Protocol):
    """What a try came to, whatever else it knows."""

    @property
    def step(self) -> Step:
        """How many calls, and whether they held."""


Attempted = TypeVar("Attempted", bound=Attempt)


def search(first: int, most: int, attempt: Callable[[int, int], Attempted]) -> Iterator[Attempted]:
    """Try numbers of calls until the answer is known; ``attempt`` is told how many came before."""
    steps: list[Step] = []
    while (calls := next_calls(steps, first, most)) is not None:
        tried = attempt(len(steps), calls)
        steps.append(tried.step)
        yield tried


def bounds(steps: Sequence[Step]) -> Bounds:
    """Take together what runs have shown. A number that fails outweighs a higher one that held."""
    failed = min(
        (calls for calls in {step.calls for step in steps} if _failures(steps, calls) >= FAILURES),
        default=None,
    )
    held = (step.calls for step in steps if step.held and (failed is None or step.calls < failed))
    return Bounds(max(held, default=0), failed)


def next_calls(steps: Sequence[Step], first: int, most: int) -> int | None:
    """Say how many calls to place now; None when the answer is known, or cannot be had.

    Args:
        steps: The runs so far, in their order.
        first: How many to begin with.
        most: How many to try at most.

    """
    if steps and steps[-1].held is None:
        tries = sum(step.calls == steps[-1].calls and step.held is None for step in steps)
        return steps[-1].calls if tries < TRIES else None
    if steps and steps[-1].held is False and _failures(steps, steps[-1].calls) < FAILURES:
        return steps[-1].calls
    known = bounds(steps)
    if known.failed is None:
        wanted = min(most, max(first, round(known.held * _GROWTH), known.held + 1))
        return None if known.held >= most else wanted
    if known.failed - known.held <= 1:
        return None
    return (known.held + known.failed) // 2


def _failures(steps: Sequence[Step], calls: int) -> int:
    """Count failures of a number; one run that held takes one of them back."""
    told = [step.held for step in steps if step.calls == calls]
    return told.count(False) - told.count(True)
