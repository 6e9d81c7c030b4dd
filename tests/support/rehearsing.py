"""Rehearse within a test, and judge each call of a rehearsal by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from callfleet_rehearsal.callers.plan import RunPlan
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.judge import judge, untested_by
from callfleet_rehearsal.machine import starvation
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.stack.rehearsal import Model, Order, Watcher, rehearse
from callfleet_rehearsal.verdict import Evidence, Outcome, Verdict

PACKET_SECONDS = 0.02
"""Where in its 20 ms a sound begins is chance, and differs from caller to caller."""
STEP_SECONDS = 0.02
"""In such steps a caller's jitter buffer changes how long it holds sound back."""


def order_of(calls: int, turns: int, agents_weather: Weather | None = None) -> Order:
    return Order(
        calls=calls,
        turns=turns,
        seed=1,
        model=Model.EMULATOR,
        timing="ideal",
        spacing_seconds=0.2,
        agents_weather=agents_weather,
    )


def rehearsed(order: Order, folder: Path, revised: Callable[[RunPlan], RunPlan]) -> Evidence:
    """Rehearse once, with the callers' plan as revised."""
    folder.mkdir(parents=True, exist_ok=True)
    watcher = Watcher(step=lambda _: None, call=lambda _: None)
    return rehearse(order, folder, watcher, revised)


def verdict_on(evidence: Evidence, number: int) -> Verdict:
    """Judge one call as if there had been no other."""
    (call,) = (one for one in evidence.calls if one.call == number)
    own = replace(
        evidence,
        calls=(call,),
        model_turns=tuple(one for one in evidence.model_turns if one.call == number),
        inside_turns=tuple(one for one in evidence.inside_turns if one.room == call.room),
    )
    return judge(own, untested=untested_by(turn.kind for turn in call.turns))


def noted(evidence: Evidence, sound: int, record_outcome: Callable[[str], None]) -> Evidence:
    """Note how a call that nothing was done to came out; skip where nothing can be judged."""
    assert evidence.machine is not None
    reasons = starvation(evidence.machine)
    record_outcome(Outcome.INCONCLUSIVE if reasons else verdict_on(evidence, sound).outcome)
    if reasons:
        pytest.skip(f"the machine is too busy to judge: {'; '.join(reasons)}")
    return evidence


def all_of(kinds: tuple[TurnKind, ...]) -> Callable[[RunPlan], RunPlan]:
    """Have every caller take the same turns."""
    return lambda plan: replace(plan, calls=tuple(replace(c, kinds=kinds) for c in plan.calls))
