"""What a fleet needs beside its pods: the revision of its spec, its budget, few old revisions."""

from dataclasses import dataclass

from callfleet_contract.fleet.spec import FleetSpec
from callfleet_operator.acting.hands import Hands
from callfleet_operator.objects.revisions import revision_name, superfluous
from callfleet_operator.objects.seen import SeenFleet
from callfleet_operator.observing.store import Store
from callfleet_operator.reaching.problems import Problem, Trouble
from callfleet_operator.reaching.writing import WriteError


@dataclass(frozen=True, slots=True)
class Keeping:
    """Sees to it."""

    hands: Hands
    store: Store

    async def keep(self, fleet: SeenFleet, spec: FleetSpec) -> list[Problem]:
        """Write what is missing; say what could not be."""
        problems = []
        for step in (self._keep_revision, self._keep_budget, self._keep_few):
            try:
                await step(fleet, spec)
            except WriteError as error:
                problems.append(error.problem)
                if error.problem.is_passing:
                    break
        return problems

    async def _keep_revision(self, fleet: SeenFleet, spec: FleetSpec) -> None:
        kept = self.store.revisions_of(fleet)
        newest = kept[-1] if kept else None
        number = newest.number + 1 if newest is not None else 1
        name = revision_name(spec)
        there = next((one for one in kept if one.name == name), None)
        if there is None:
            await self.hands.keep_revision(fleet, number)
        elif there is not newest:
            await self.hands.number_revision(there, number)

    async def _keep_budget(self, fleet: SeenFleet, spec: FleetSpec) -> None:
        del spec
        if (fleet.key, fleet.uid) not in self.store.budgets:
            await self.hands.keep_budget(fleet)

    async def _keep_few(self, fleet: SeenFleet, spec: FleetSpec) -> None:
        rollout = fleet.status.rollout
        used = {revision_name(spec), rollout.current, rollout.previous, rollout.target}
        used |= {pod.revision for pod in self.store.pods_of(fleet.key)}
        kept = self.store.revisions_of(fleet)
        for one in superfluous(kept, frozenset(used), spec.rollout.revision_history_limit):
            try:
                await self.hands.forget_revision(one)
            except WriteError as error:
                if error.problem.trouble is not Trouble.GONE:
                    raise
                self.store.revisions.drop((one.fleet, one.name))
