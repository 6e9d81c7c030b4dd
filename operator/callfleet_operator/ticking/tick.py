"""One tick of a fleet: observe, decide, apply, report."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from lightkube.resources.core_v1 import Node
from lightkube.types import PatchType

from callfleet_contract import operator_metrics as metrics
from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import FleetStatus
from callfleet_operator.acting.applying import Acting, Applied
from callfleet_operator.objects.environment import overruled
from callfleet_operator.objects.reading import read_fleet, read_node
from callfleet_operator.objects.seen import SeenFleet
from callfleet_operator.objects.statuses import (
    Besides,
    status_after,
    status_of_unreadable,
    status_patch,
)
from callfleet_operator.observing.picturing import Moment, Picturing
from callfleet_operator.planning.actions import Create, Plan
from callfleet_operator.planning.snapshot import Memory, Snapshot
from callfleet_operator.reaching.definition import Definition
from callfleet_operator.reaching.kinds import VoiceFleet, as_raw
from callfleet_operator.reaching.problems import REQUEST_ERRORS, Problem, Trouble, explain
from callfleet_operator.reaching.writing import WriteError
from callfleet_operator.telling.gauges import show
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.telling.plans import Plans
from callfleet_operator.telling.ticks import Did, Step, TickTold, TickTraces
from callfleet_operator.telling.voice import Voice
from callfleet_operator.ticking.keeping import Keeping
from callfleet_operator.ticking.patience import Patience


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick left behind."""

    look_again_seconds: float
    problems: tuple[Problem, ...] = ()
    created: int = 0

    @property
    def must_wait(self) -> bool:
        """Whether the API server asks for patience, or cannot be reached."""
        return any(one.is_passing for one in self.problems)

    @property
    def retry_after_seconds(self) -> float:
        """How long it asks to be left alone."""
        return max((one.retry_after_seconds or 0.0 for one in self.problems), default=0.0)


@dataclass(slots=True)
class Remembered:
    """What one tick of a fleet leaves for the next. An operator that begins has none of it."""

    memory: Memory
    create_refused: str = ""
    keep_refused: str = ""
    told: dict[str, str] = field(default_factory=dict)
    """The last sentence of each reason."""
    creating: Patience = field(default_factory=Patience)
    keeping: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a tick works with."""

    plan: Callable[[Snapshot], Plan]
    picturing: Picturing
    acting: Acting
    keeping: Keeping
    voice: Voice
    metrics: Metrics
    plans: Plans
    traces: TickTraces
    definition: Definition
    moment: Callable[[], Moment]


@dataclass(frozen=True, slots=True)
class Tick:
    """Ticks a fleet."""

    tools: Tools
    remembered: Remembered = field()

    async def tick(self, fleet: SeenFleet) -> Ticked:
        """Think one fleet over, and act.

        Raises:
            NotLeadingError: the lease was lost.

        """
        told = TickTold(time.monotonic_ns())
        try:
            ticked = await self._tick(fleet, told)
            told.problems = ticked.problems
        except Exception as error:
            told.error = type(error).__name__
            raise
        finally:
            told.ended_ns = time.monotonic_ns()
            self.tools.traces.tell(fleet.key, told)
        return ticked

    async def _tick(self, fleet: SeenFleet, told: TickTold) -> Ticked:
        if fleet.spec is None:
            return await self._unreadable(fleet)
        spec, tools = fleet.spec, self.tools
        kept = await self._keep(fleet, spec)
        with self._timed("observe", told):
            await self._confirm_nodes(fleet)
            now = tools.moment()
            seen = tools.picturing.picture(fleet, spec, self.remembered.memory, now)
            seen = replace(seen, create_refused=self.remembered.create_refused)
        with self._timed("plan", told):
            plan = told.plan = tools.plan(seen)
        self.remembered.memory = plan.memory
        tools.plans.keep(fleet.key, plan, now.epoch)
        with self._timed("apply", told):
            asked = self._asked_for(fleet, plan, now)
            applied = await tools.acting.apply(fleet, asked, now.epoch)
        told.did += [
            Did(one.action, one.began_ns, one.ended_ns, one.problem) for one in applied.tried
        ]
        self._remember(fleet, applied, now)
        with self._timed("report", told):
            lead_time = seen.lead_time_seconds if self._knows_lead(fleet) else 0.0
            besides = Besides(lead_time, self.remembered.keep_refused, tools.definition.trouble)
            status = status_after(fleet, plan, besides, now.epoch)
            reported = await self._report(fleet, status)
            show(tools.metrics, fleet.key, seen, status)
        problems = (*kept, *applied.problems, *reported)
        return Ticked(_look_again(spec, plan, applied), problems, applied.created)

    async def _unreadable(self, fleet: SeenFleet) -> Ticked:
        now = self.tools.moment()
        status = status_of_unreadable(fleet, now.epoch)
        problems = await self._report(fleet, status)
        self._tell_once(fleet, "SpecUnreadable", status.message)
        return Ticked(60.0, tuple(problems))

    async def _confirm_nodes(self, fleet: SeenFleet) -> None:
        """Ask for nodes that were never seen: a new one's watch may be late, and none is gone."""
        hands = self.tools.acting.hands
        for name in self.tools.picturing.unknown_nodes(fleet):
            try:
                node = read_node(await hands.connection.client.get(Node, name))
            except REQUEST_ERRORS as error:
                if explain(error, "").trouble is Trouble.GONE:
                    hands.store.nodes.drop(name)
            else:
                hands.store.nodes.put(node.name, node)

    async def _report(self, fleet: SeenFleet, status: FleetStatus) -> list[Problem]:
        """Write the status where it is not what the fleet says."""
        hands = self.tools.acting.hands
        there = hands.store.fleets.get(fleet.key) or fleet
        if there.status == status:
            return []
        client, patch = hands.connection.client, status_patch(status)
        try:
            answer = await hands.writer.write(
                "status",
                f"write the status of {fleet.key}",
                lambda: client.patch(
                    VoiceFleet.Status,
                    fleet.key.name,
                    patch,
                    namespace=fleet.key.namespace,
                    patch_type=PatchType.MERGE,
                ),
            )
        except WriteError as error:
            return [error.problem]
        hands.store.fleets.put(fleet.key, read_fleet(as_raw(answer)))
        return []

    async def _keep(self, fleet: SeenFleet, spec: FleetSpec) -> list[Problem]:
        """See to what the fleet needs beside its pods, unless that was just refused."""
        remembered, now = self.remembered, self.tools.moment().steady
        if spec.paused or not remembered.keeping.may_ask(fleet.generation, now):
            return []
        ignored = ", ".join(overruled(spec))
        if ignored:
            sentence = f"spec.template.env sets {ignored}, which the operator sets: it is ignored"
            self._tell_once(fleet, "EnvironmentIgnored", sentence)
        problems = await self.tools.keeping.keep(fleet, spec)
        refused = [one.sentence for one in problems if not one.is_passing]
        remembered.keep_refused = "; ".join(refused)
        if refused:
            remembered.keeping.refused(fleet.generation, now)
            self._tell_once(fleet, "CannotKeep", remembered.keep_refused)
        elif not problems:
            remembered.keeping.granted()
        return problems

    def _asked_for(self, fleet: SeenFleet, plan: Plan, now: Moment) -> Plan:
        """Leave pods out that were just refused: they are asked for again later."""
        if self.remembered.creating.may_ask(fleet.generation, now.steady):
            return plan
        kept = tuple(one for one in plan.actions if not isinstance(one, Create))
        return replace(plan, actions=kept)

    def _remember(self, fleet: SeenFleet, applied: Applied, now: Moment) -> None:
        remembered = self.remembered
        if applied.create_refused:
            remembered.create_refused = applied.create_refused
            remembered.creating.refused(fleet.generation, now.steady)
        elif applied.created:
            remembered.create_refused = ""
            remembered.creating.granted()

    def _tell_once(self, fleet: SeenFleet, reason: str, sentence: str) -> None:
        if self.remembered.told.get(reason) != sentence:
            self.remembered.told[reason] = sentence
            self.tools.voice.fleet_trouble(fleet, reason, sentence)

    def _knows_lead(self, fleet: SeenFleet) -> bool:
        measured = self.tools.acting.ears.lead_time_seconds(fleet.key)
        return measured is not None or fleet.status.lead_time_seconds > 0

    @contextmanager
    def _timed(self, step: str, told: TickTold) -> Iterator[None]:
        began_ns = time.monotonic_ns()
        try:
            yield
        finally:
            ended_ns = time.monotonic_ns()
            told.steps.append(Step(step, began_ns, ended_ns))
        self.tools.metrics.observe(metrics.RECONCILE_SECONDS, (ended_ns - began_ns) / 1e9, (step,))


def _look_again(spec: FleetSpec, plan: Plan, applied: Applied) -> float:
    """Say when to look again: in time for what falls due, and soon after what was written."""
    soonest = float(spec.autoscaling.sync_seconds)
    if plan.look_again_seconds is not None:
        soonest = min(soonest, plan.look_again_seconds)
    if any(one.trouble is Trouble.CONFLICT for one in applied.problems):
        soonest = min(soonest, 1.0)
    return soonest
