"""Carry out a plan: its actions in their order, those of one kind at the same time.

What one action meets does not keep the others from being tried, unless the API server is unwell.
An order is written on its pod before it is sent: whoever comes next can send it again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

import structlog

from callfleet_contract.admission import Order
from callfleet_operator.acting.hands import Hands
from callfleet_operator.objects.seen import SeenFleet, SeenPod
from callfleet_operator.observing.ears import Ears
from callfleet_operator.observing.listening import address_of
from callfleet_operator.planning.actions import (
    Action,
    Create,
    Delete,
    Plan,
    Relabel,
    Remind,
    SetCordon,
)
from callfleet_operator.planning.snapshot import Cordon
from callfleet_operator.reaching.admission import AdmissionClient, DeafError, RefusedError
from callfleet_operator.reaching.problems import Problem, Trouble
from callfleet_operator.reaching.writing import WriteError

log = structlog.get_logger("callfleet_operator")


class Saying(Protocol):
    """Who is told of what was done."""

    def created(self, fleet: SeenFleet, action: Create, pod: SeenPod) -> None:
        """A pod was made."""

    def done(self, fleet: SeenFleet, action: Action, now: float) -> None:
        """Something was done to a pod."""

    def failed(self, fleet: SeenFleet, action: Action, problem: Problem) -> None:
        """Something was not done."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An action, when it was tried on the steady clock, and what it met, if anything."""

    action: Action
    began_ns: int
    ended_ns: int
    problem: Problem | None = None


@dataclass(slots=True)
class Applied:
    """What became of a plan."""

    created: int = 0
    tried: list[Tried] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    create_refused: str = ""

    @property
    def must_wait(self) -> bool:
        """Whether the API server asks for patience, or cannot be reached."""
        return any(one.is_passing for one in self.problems)

    @property
    def retry_after_seconds(self) -> float:
        """How long it asks to be left alone."""
        return max((one.retry_after_seconds or 0.0 for one in self.problems), default=0.0)


@dataclass(frozen=True, slots=True)
class Acting:
    """Applies plans."""

    hands: Hands
    admission: AdmissionClient
    ears: Ears
    saying: Saying
    steady: Callable[[], float]

    async def apply(self, fleet: SeenFleet, plan: Plan, now: float) -> Applied:
        """Carry out a plan; ``now`` is the instant that it was made for.

        Raises:
            NotLeadingError: the lease was lost; the rest is another operator's.

        """
        applied = Applied()
        for _, alike in groupby(plan.actions, key=type):
            tries = [self._try(fleet, one, now, applied) for one in _single(alike)]
            applied.tried += await asyncio.gather(*tries)
            if applied.must_wait:
                break
        return applied

    async def _try(self, fleet: SeenFleet, action: Action, now: float, applied: Applied) -> Tried:
        began_ns = time.monotonic_ns()
        problem = None
        try:
            await self._do(fleet, action, now, applied)
        except WriteError as error:
            problem = error.problem
            applied.problems.append(problem)
            if isinstance(action, Create) and problem.trouble is Trouble.REFUSED:
                applied.create_refused = problem.sentence
            if not isinstance(action, Create) and problem.trouble is Trouble.GONE:
                self.hands.store.pods.drop(action.pod.uid)
            self.saying.failed(fleet, action, problem)
        return Tried(action, began_ns, time.monotonic_ns(), problem)

    async def _do(self, fleet: SeenFleet, action: Action, now: float, applied: Applied) -> None:
        namespace = fleet.key.namespace
        match action:
            case Create():
                await self._create(fleet, action, applied)
                return
            case SetCordon():
                cordon = Cordon(
                    epoch=action.epoch,
                    cordoned=action.cordon,
                    reason=action.written or action.reason,
                    since=action.since or now,
                )
                seen = await self.hands.write_cordon(namespace, action.pod, cordon)
                if seen is not None:
                    await self.send(seen)
            case Remind():
                seen = self.hands.store.pods.get(action.pod.uid)
                if seen is not None:
                    await self.send(seen)
            case Relabel():
                await self.hands.write_label(namespace, action.pod, accepting=action.accepting)
            case Delete():
                seen = self.hands.store.pods.get(action.pod.uid)
                if action.ends_calls and seen is not None:
                    # It has no time to let them finish: told before, it ends them itself.
                    await self.send(seen, ends_calls=True)
                await self.hands.delete_pod(fleet, action)
        self.saying.done(fleet, action, now)

    async def _create(self, fleet: SeenFleet, action: Create, applied: Applied) -> None:
        revision = self.hands.store.revisions.get((fleet.key, action.revision))
        if revision is None or revision.fleet_uid != fleet.uid:
            sentence = (
                f"create a pod of revision {action.revision} of {fleet.key}: that revision is not "
                "kept, or is an earlier fleet's of that name; it is tried again"
            )
            raise WriteError(Problem(Trouble.REFUSED, sentence, "NoRevision"))
        pod = await self.hands.create_pod(revision)
        applied.created += 1
        if pod is not None:
            self.saying.created(fleet, action, pod)

    async def send(self, pod: SeenPod, *, ends_calls: bool = False) -> None:
        """Send the order that is written on a pod. Where it does not arrive, it is sent again."""
        if pod.cordon is None or not pod.address:
            return
        written = pod.cordon
        order = Order(pod.uid, written.epoch, written.cordoned, written.reason, ends_calls)
        try:
            report = await self.admission.order(address_of(pod), order)
        except RefusedError as error:
            if error.report is not None:
                self.ears.hear(pod, error.report, self.steady())
            log.warning(
                "a worker did not obey an order",
                fleet=str(pod.fleet),
                pod=pod.name,
                epoch=order.epoch,
                error=str(error),
            )
        except DeafError as error:
            log.warning(
                "an order did not reach its worker",
                fleet=str(pod.fleet),
                pod=pod.name,
                epoch=order.epoch,
                error=str(error),
            )
        else:
            self.ears.hear(pod, report, self.steady())


def _single(actions: Iterable[Action]) -> Iterator[Action]:
    """Take ``create five`` for five that are made at the same time."""
    for action in actions:
        if isinstance(action, Create):
            for _ in range(action.count):
                yield Create(1, action.revision, action.reason)
        else:
            yield action
