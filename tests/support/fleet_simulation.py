"""A fleet in a world of its own: pods start, calls come and end, and plans are carried out.

Time goes in ticks, chance is seeded. What a worker does is kept apart from what is heard of it, and
each call that anything but a participant ends is written down.
"""

import random
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from fleet_worlds import fleet_spec, report

from callfleet_contract.fleet.spec import FleetSpec
from callfleet_contract.fleet.status import RolloutStatus
from callfleet_operator.planning.actions import Action, Create, Delete, Plan, Relabel, SetCordon
from callfleet_operator.planning.planner import plan
from callfleet_operator.planning.snapshot import (
    Arrivals,
    Cordon,
    Heard,
    Memory,
    Node,
    Pod,
    Revision,
    Snapshot,
)

TICK_SECONDS = 5.0


@dataclass
class Body:
    """A pod and its worker as they are."""

    name: str
    revision: str
    node: str
    created_at: float
    accepts_at: float
    slots: int
    version: int = 1
    label: bool = True
    order: Cordon | None = None
    epoch: int = 0
    cordoned: bool = False
    ends: list[float] = field(default_factory=list)
    """When each of its calls will end."""
    deaf_until: float = 0.0
    """Orders do not reach it, and nothing is heard of it."""
    heard: Heard | None = None
    heard_at: float = 0.0
    idle_since: float | None = None
    deleting: bool = False

    def takes(self, now: float) -> bool:
        return now >= self.accepts_at and not self.cordoned and not self.deleting

    def obey(self, now: float) -> None:
        if self.order and self.order.epoch > self.epoch and now >= self.deaf_until:
            self.epoch, self.cordoned = self.order.epoch, self.order.cordoned


@dataclass
class World:
    """One fleet, its callers, and what came of it."""

    seed: int
    spec: FleetSpec = field(default_factory=fleet_spec)
    revision: str = "r1"
    now: float = 1_800_000_000.0
    lead_seconds: float = 40.0
    per_second: float = 0.0
    call_seconds: float = 120.0
    bodies: dict[str, Body] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    """Revisions that never take calls."""
    undo: str = ""
    nodes: tuple[str, ...] = ("node-1", "node-2", "node-3")
    calls_ended: int = 0
    calls_lost_with_nodes: int = 0
    refused: int = 0
    answered: int = 0
    rollout: RolloutStatus = field(default_factory=RolloutStatus)
    desired: int | None = None
    made: int = 0
    recent: deque[float] = field(default_factory=deque)
    last: Plan | None = None

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.memory = Memory(began_at=self.now)

    def tick(self) -> Plan:
        """Let the world go on for a tick, then plan, and do what was planned."""
        self.now += TICK_SECONDS
        self._end_calls()
        self._begin_calls()
        self._hear()
        self.last = plan(self.snapshot())
        self.carry_out(self.last)
        self.memory, self.desired = self.last.memory, self.last.desired
        self.rollout = self.last.rollout
        return self.last

    def run(self, ticks: int) -> list[Plan]:
        return [self.tick() for _ in range(ticks)]

    def restart_operator(self) -> None:
        self.memory = Memory(began_at=self.now)

    def lose_node(self, node: str) -> None:
        self.gone.add(node)
        for body in self.bodies.values():
            if body.node == node:
                self.calls_lost_with_nodes += len(body.ends)
                body.ends.clear()
                body.deaf_until = body.accepts_at = float("inf")

    def disturb(self) -> None:
        """Do to some pod what happens to pods, and what hands do."""
        if not self.bodies:
            return
        body = self.chance.choice(list(self.bodies.values()))
        what = self.chance.choice(
            ["deaf", "label", "wiped", "older", "newer", "deleted", "restart"]
        )
        if what == "deaf":
            body.deaf_until = self.now + self.chance.uniform(10, 200)
        elif what == "label":
            body.label = not body.label
        elif what == "wiped":
            body.order = None
        elif what == "older" and body.order is not None:
            body.order = replace(body.order, epoch=max(1, body.order.epoch - 3))
        elif what == "newer":
            body.epoch, body.cordoned = body.epoch + 5, self.chance.random() < 0.5
        elif what == "deleted":
            body.deleting = True
        elif what == "restart":
            body.ends.clear()
            body.idle_since = None
            body.epoch, body.cordoned = 0, False
        body.version += 1

    def snapshot(self) -> Snapshot:
        names = ("r1", "r2", "r3", "r4", "r5")
        return Snapshot(
            now=self.now,
            name="support",
            generation=1,
            spec=self.spec,
            target_revision=self.revision,
            memory=self.memory,
            pods=tuple(self._pod(body) for body in self.bodies.values()),
            nodes=tuple(
                Node(name, name in self.leaving) for name in self.nodes if name not in self.gone
            ),
            revisions=tuple(Revision(name, at, self.spec.slots) for at, name in enumerate(names)),
            rollout=self.rollout,
            arrivals=self._arrivals(),
            lead_time_seconds=self.lead_seconds,
            desired_before=self.desired,
            undo=self.undo,
        )

    def carry_out(self, planned: Plan) -> None:
        for action in planned.actions:
            self._do(action)
        for body in self.bodies.values():
            if self.chance.random() < 0.9:
                body.obey(self.now)

    def total(self) -> int:
        return len(self.bodies)

    def calls(self) -> int:
        return sum(len(body.ends) for body in self.bodies.values())

    def meant_to_accept(self) -> list[Body]:
        return [
            body
            for body in self.bodies.values()
            if not (body.order and body.order.cordoned) and not body.deleting
        ]

    def _do(self, action: Action) -> None:
        if isinstance(action, Create):
            for _ in range(action.count):
                self._create(action.revision)
            return
        body = self.bodies.get(action.pod.name)
        if body is None or str(body.version) != action.pod.resource_version:
            return
        if isinstance(action, SetCordon):
            assert action.epoch > (body.order.epoch if body.order else 0)
            assert action.epoch > body.epoch or self.now < body.deaf_until
            body.order = Cordon(action.epoch, action.cordon, action.written, action.since)
            body.label = not action.cordon
            body.version += 1
        elif isinstance(action, Relabel):
            body.label = action.accepting
            body.version += 1
        elif isinstance(action, Delete):
            self.calls_ended += len(body.ends)
            del self.bodies[body.name]
        else:
            body.obey(self.now)

    def _create(self, revision: str) -> None:
        self.made += 1
        places = [name for name in self.nodes if name not in self.leaving | self.gone]
        lead = self.lead_seconds * self.chance.uniform(0.6, 1.2)
        works = revision not in self.broken
        body = Body(
            name=f"pod-{self.made}",
            revision=revision,
            node=self.chance.choice(places) if places else "",
            created_at=self.now,
            accepts_at=self.now + lead if works and places else float("inf"),
            slots=self.spec.slots,
        )
        self.bodies[body.name] = body

    def _end_calls(self) -> None:
        for body in self.bodies.values():
            body.ends = [end for end in body.ends if end > self.now]
        for body in list(self.bodies.values()):
            if body.deleting and not body.ends:
                del self.bodies[body.name]

    def _begin_calls(self) -> None:
        expected = self.per_second * TICK_SECONDS
        count = int(expected) + (self.chance.random() < expected % 1)
        for _ in range(count):
            free = [
                body
                for body in self.bodies.values()
                if body.takes(self.now) and len(body.ends) < body.slots
            ]
            self.recent.append(self.now)
            if not free:
                self.refused += 1
                continue
            taker = min(free, key=lambda body: (len(body.ends), body.name))
            taker.ends.append(self.now + self.chance.expovariate(1 / self.call_seconds))
            self.answered += 1
        while self.recent and self.recent[0] <= self.now - 300:
            self.recent.popleft()

    def _arrivals(self) -> Arrivals:
        last_minute = sum(at > self.now - 60 for at in self.recent)
        peak = (last_minute + 2 * last_minute**0.5) / 60
        return Arrivals(len(self.recent) / 300, peak, self.call_seconds)

    def _hear(self) -> None:
        for body in self.bodies.values():
            if self.now < max(body.deaf_until, body.created_at + self.lead_seconds / 4):
                continue
            told = report(
                f"uid-{body.name}",
                epoch=body.epoch,
                cordoned=body.cordoned,
                registered=self.now >= body.accepts_at,
                slots=body.slots,
                active=len(body.ends),
            )
            is_idle = told.idle and body.order is not None and told.epoch == body.order.epoch
            if not is_idle:
                body.idle_since = None
            elif body.idle_since is None:
                body.idle_since = self.now
            idle_for = self.now - body.idle_since if body.idle_since is not None else 0.0
            body.heard, body.heard_at = Heard(told, 0.0, idle_for), self.now

    def _pod(self, body: Body) -> Pod:
        facts: dict[str, Any] = {}
        if body.heard is not None:
            age = self.now - body.heard_at
            facts["heard"] = replace(body.heard, age_seconds=age)
        return Pod(
            name=body.name,
            uid=f"uid-{body.name}",
            resource_version=str(body.version),
            revision=body.revision,
            created_at=body.created_at,
            node=body.node,
            ready=self.now >= body.accepts_at,
            running=body.node != "" and self.now >= body.created_at + self.lead_seconds / 4,
            deleting=body.deleting,
            cordon=body.order,
            labelled_accepting=body.label,
            **facts,
        )
