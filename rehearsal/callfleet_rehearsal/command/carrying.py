"""Search what contenders of the bench carry within the objectives."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

from callfleet_rehearsal.bench import contenders
from callfleet_rehearsal.bench.carried import Carried
from callfleet_rehearsal.bench.contenders import OURS, Contender
from callfleet_rehearsal.bench.run import Plan
from callfleet_rehearsal.capacity.run import Kinds, Manner, try_calls
from callfleet_rehearsal.capacity.search import Step, bounds, search
from callfleet_rehearsal.readers import UnreadableError
from callfleet_rehearsal.stack.errors import StackError, in_short

FIRST, MOST = 8, 60


@dataclass(frozen=True, slots=True)
class _Attempt:
    step: Step
    why: str


def manner_of(contender: Contender, kinds_of: Callable[[int], Kinds], seed: int) -> Manner:
    """Say how calls to a contender are placed."""
    if contender is OURS:
        return Manner(kinds_of, seed)
    return Manner(kinds_of, seed, partial(contenders.start, contender))


def carried(
    whose: Sequence[Contender], plan: Plan, folder: Path, say: Callable[[str], None]
) -> tuple[Carried, ...]:
    """Search how many calls contenders carry, each with the turns of the bench's own plan.

    They try in turn, so that a slow hour is one for all of them. One that breaks under so many
    calls does not carry them.

    Raises:
        ToolError: there is no LiveKit server, and none can be built.

    """
    searches = [_attempts(contender, plan, folder, say) for contender in whose]
    made = zip(*zip_longest(*searches), strict=True)
    return tuple(
        _found(contender, [one for one in own if one is not None])
        for contender, own in zip(whose, made, strict=True)
    )


def _attempts(
    contender: Contender, plan: Plan, folder: Path, say: Callable[[str], None]
) -> Iterator[_Attempt]:
    manner = manner_of(contender, lambda calls: (plan.kinds,) * calls, plan.seed)

    def attempt(before: int, calls: int) -> _Attempt:
        try:
            tried = try_calls(calls, manner, folder / f"{contender.key}-{before}-{calls}")
            made = _Attempt(tried.step, "; ".join(tried.verdict.reasons[:1]))
        except (StackError, UnreadableError) as error:
            made = _Attempt(Step(calls, held=False), in_short(error))
        held = {True: "held", False: "too many", None: "no verdict"}[made.step.held]
        why = f" ({made.why})" if made.why else ""
        say(f"{contender.key}, {calls} calls: {held}{why}")
        return made

    return search(FIRST, MOST, attempt)


def _found(contender: Contender, made: Sequence[_Attempt]) -> Carried:
    known = bounds([one.step for one in made])
    failures = (one.why for one in made if one.step == Step(known.failed or 0, held=False))
    settled = known.failed is not None or known.held >= MOST
    return Carried(contender.key, known.held, known.failed, settled, next(failures, ""))
