"""What one tick of a fleet was, and whether it is worth a trace. Values only.

A fleet is thought over every few seconds, and nearly always nothing follows: a trace of each would
tell nobody anything. Told are ticks that decide otherwise than the last one that was told, that do
something, that meet a problem, or that are slow.
"""

from dataclasses import dataclass, field
from typing import Protocol

from callfleet_operator.objects.seen import Key
from callfleet_operator.planning.actions import Action, Plan
from callfleet_operator.reaching.problems import Problem

SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a tick; instants are of the steady clock, in nanoseconds."""

    name: str
    began_ns: int
    ended_ns: int


@dataclass(frozen=True, slots=True)
class Did:
    """An action that was tried, and what it met, if anything."""

    action: Action
    began_ns: int
    ended_ns: int
    problem: Problem | None = None


@dataclass(slots=True)
class TickTold:
    """All of a tick, as it comes about."""

    began_ns: int
    ended_ns: int = 0
    steps: list[Step] = field(default_factory=list)
    did: list[Did] = field(default_factory=list)
    plan: Plan | None = None
    problems: tuple[Problem, ...] = ()
    error: str = ""
    """The kind of exception that ended it."""

    @property
    def decided(self) -> tuple[object, ...]:
        """What is decided of the fleet's size, and why."""
        plan = self.plan
        return () if plan is None else (plan.desired, plan.why, plan.limited_by)

    def is_worth_telling(self, decided_before: tuple[object, ...]) -> bool:
        """Tell whether anybody would look for this tick."""
        is_slow = self.ended_ns - self.began_ns > SLOW_SECONDS * 1e9
        something = self.did or self.problems or self.error or is_slow
        return bool(something) or (self.plan is not None and self.decided != decided_before)


class TickTraces(Protocol):
    """Who is told of ticks."""

    def tell(self, fleet: Key, told: TickTold) -> None:
        """A tick is over."""

    def forget(self, fleet: Key) -> None:
        """A fleet is gone."""


class NoTraces:
    """Tells nobody."""

    def tell(self, fleet: Key, told: TickTold) -> None:
        """Tell nobody."""

    def forget(self, fleet: Key) -> None:
        """Forget nothing."""
