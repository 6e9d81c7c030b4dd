"""A call that is accepted in the moment of a cordon is neither lost nor counted twice.

LiveKit, the disk, processes and the operator go on in an order that a seed decides, one step at a
time; after each turn of the loop what the worker would report is held against what is true.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, cast

import pytest
from fleet_stand import Info, Named, Pool, Process, make_server, pool
from livekit.agents import JobRequest
from livekit.agents._exceptions import AssignmentTimeoutError
from structlog.testing import capture_logs

from callfleet_contract.admission import Order, Report
from callfleet_contract.events import CallEnded, CallStarted
from callfleet_contract.outcomes import CallOutcome, CallReason
from callfleet_worker.parent import hearing as hearing_module
from callfleet_worker.parent.admission.desk import Desk, Seen
from callfleet_worker.parent.admission.opening import see
from callfleet_worker.parent.admission.orders import NotKeptError, Orders
from callfleet_worker.parent.hearing import Hearing
from callfleet_worker.parent.prices import GEMINI_LIVE
from callfleet_worker.parent.registry import Registry
from callfleet_worker.parent.samples import Sampler
from callfleet_worker.parent.server import FleetServer

UID = "uid"
SLOTS = 3
STEPS = 40
BLOCKS, SEEDS_EACH = 10, 300


class Stage(Enum):
    """Where a call is on its way."""

    OFFERED = "offered"
    ASSIGNING = "accepted, and LiveKit has yet to say whose it is"
    STARTING = "assigned, and has yet to get a process"
    STARTED = "has, or had, a process"
    FAILED = "got no process"
    ELSEWHERE = "given to another worker after all"
    REFUSED = "refused"


@dataclass(eq=False)
class Offer:
    """A call that LiveKit offers, and all that becomes of it."""

    id: str
    pool: Pool
    room: Named = field(default_factory=Named)
    stage: Stage = Stage.OFFERED
    gate: asyncio.Future[bool] | None = None
    process: Process | None = None
    is_end_known: bool = False
    is_launching: bool = False
    """It has a process, and the framework has not said yet that it was given one."""

    async def accept(self) -> None:
        self.stage = Stage.ASSIGNING
        if not await self.goes_well():
            self.stage = Stage.ELSEWHERE
            raise AssignmentTimeoutError
        self.stage = Stage.STARTING
        if not await self.goes_well():
            self.stage = Stage.FAILED
            message = "no process became available"
            raise RuntimeError(message)
        self.stage = Stage.STARTED
        self.process = Process(Info(Named(self.id)))
        self.pool.processes.append(self.process)
        self.is_launching = True
        await self.goes_well()
        self.is_launching = False

    async def reject(self, *, terminate: bool) -> None:
        assert not terminate
        self.stage = Stage.REFUSED

    async def goes_well(self) -> bool:
        """Wait for what LiveKit, or the pool of processes, does next."""
        self.gate = asyncio.get_running_loop().create_future()
        return await self.gate

    @property
    def is_reserved(self) -> bool:
        # A process that is gone before its launch was through keeps the slot until it is.
        is_gone_at_once = self.is_launching and self.process is None
        return self.stage in (Stage.ASSIGNING, Stage.STARTING) or is_gone_at_once

    @property
    def is_active(self) -> bool:
        is_left = self.process is not None or not self.is_end_known
        return self.stage in (Stage.STARTED, Stage.FAILED) and is_left and not self.is_reserved

    @property
    def is_accepted(self) -> bool:
        return self.stage not in (Stage.OFFERED, Stage.REFUSED)


class World:
    """One worker, and everything around it that may happen."""

    def __init__(self, server: FleetServer, registry: Registry, seed: int) -> None:
        self.dice = random.Random(seed)
        self.server = server
        self.hearing = Hearing(registry, Sampler(GEMINI_LIVE), None)
        server.on_accepted, server.on_given_back = self.hearing.accepted, self.hearing.given_back
        self.desk = Desk(UID, "boot", None, forgot=False)
        self.orders = Orders(self.desk, self.look, self.keep, server.cordon)
        self.offers: list[Offer] = []
        self.writes: list[asyncio.Future[None]] = []
        self.given: list[Order] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.is_sealed = False
        """An answer said that the worker is cordoned and no call is left."""
        self.last_sequence = 0

    def look(self) -> Seen:
        return see(self.server, self.hearing, "", draining=False)

    async def keep(self, _: Order) -> None:
        self.writes.append(asyncio.get_running_loop().create_future())
        await self.writes[-1]

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    # What may happen next.

    def steps(self) -> Iterator[Callable[[], None]]:
        yield from (self.offer, self.offer, self.give_new_order, self.find_silent)
        if self.given:
            yield self.give_old_order
        yield from (partial(self.end_write, one) for one in self.writes if not one.done())
        for offer in self.offers:
            if offer.gate and not offer.gate.done():
                yield partial(self.go_on, offer, offer.gate)
            if offer.stage is Stage.STARTED and not offer.is_end_known:
                yield partial(self.say_start, offer)
                yield partial(self.know_end, offer)
            if offer.process is not None:
                yield partial(self.end_process, offer, offer.process)

    def offer(self) -> None:
        self.offers.append(Offer(f"AJ_{len(self.offers)}", pool(self.server)))
        self.begin(self.server._decide(cast("JobRequest", self.offers[-1])))

    def give_new_order(self) -> None:
        newest = max((order.epoch for order in self.given), default=0)
        order = Order(UID, newest + self.dice.choice((1, 2)), self.dice.random() < 0.6)
        self.given.append(order)
        self.begin(self.give(order))

    def give_old_order(self) -> None:
        self.begin(self.give(self.dice.choice(self.given)))

    def end_write(self, write: asyncio.Future[None]) -> None:
        if self.dice.random() < 0.1:
            write.set_exception(OSError(28, "No space left on device"))
        else:
            write.set_result(None)

    def go_on(self, offer: Offer, gate: asyncio.Future[bool]) -> None:
        del offer
        gate.set_result(self.dice.random() < 0.8)

    def say_start(self, offer: Offer) -> None:
        self.hearing.heard(CallStarted(offer.id, "room", time.monotonic_ns()))

    def know_end(self, offer: Offer) -> None:
        """A call says its end, or its line is cut, which says it too."""
        offer.is_end_known = True
        if self.dice.random() < 0.7:
            end = CallEnded(offer.id, "room", CallOutcome.COMPLETED, CallReason.CALLER_HUNG_UP, 1.0)
            self.hearing.heard(end)
        else:
            self.hearing.hung_up({offer.id})

    def end_process(self, offer: Offer, process: Process) -> None:
        offer.pool.processes.remove(process)
        offer.process = None

    def find_silent(self) -> None:
        self.hearing.look_for_silent(self.server.held)
        for offer in self.offers:
            if offer.is_active and offer.id not in self.hearing.open:
                offer.is_end_known = True

    async def give(self, order: Order) -> None:
        try:
            answer = await self.orders.take(order)
        except NotKeptError:
            return
        self.hold(answer.report)
        if answer.report.cordoned and answer.report.calls == 0:
            self.is_sealed = True

    # What has to be true at every moment.

    def hold(self, report: Report) -> None:
        assert report.reserved == sum(offer.is_reserved for offer in self.offers)
        assert report.active == sum(offer.is_active for offer in self.offers)
        assert report.accepted_total == sum(offer.is_accepted for offer in self.offers)
        still_open = len(self.hearing.open)
        assert report.accepted_total == report.ended_total + report.given_back_total + still_open
        assert self.server.taken <= SLOTS
        assert report.sequence > self.last_sequence
        self.last_sequence = report.sequence
        self.is_sealed = self.is_sealed and report.cordoned
        assert not (self.is_sealed and report.calls)

    async def turn(self) -> None:
        """Let every part do its next piece of work."""
        await asyncio.sleep(0)
        self.hold(self.desk.report(self.look()))

    async def live(self) -> None:
        for _ in range(STEPS):
            self.dice.choice(list(self.steps()))()
            for _ in range(self.dice.choice((0, 1, 1, 2))):
                await self.turn()
        while await self.is_anything_left():
            await self.turn()

    async def is_anything_left(self) -> bool:
        """Bring everything to its end."""
        for write in self.writes:
            if not write.done():
                write.set_result(None)
        for offer in self.offers:
            if offer.gate and not offer.gate.done():
                offer.gate.set_result(True)
            if offer.stage is Stage.STARTED and not offer.is_end_known:
                self.know_end(offer)
            if offer.process is not None:
                self.end_process(offer, offer.process)
        self.find_silent()
        return not all(task.done() for task in self.tasks) or self.look().active > 0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FleetServer:
    monkeypatch.delenv("LIVEKIT_AGENT_NAME_OVERRIDE", raising=False)
    monkeypatch.setattr(hearing_module, "_SILENCE_SECONDS", 0)
    return make_server(SLOTS)


@pytest.mark.parametrize("block", range(BLOCKS))
async def test_no_order_of_things_loses_a_call_or_counts_it_twice(
    server: FleetServer, block: int
) -> None:
    registry = Registry(GEMINI_LIVE)
    sealed = accepted_late = 0
    for seed in range(block * SEEDS_EACH, (block + 1) * SEEDS_EACH):
        world = World(server, registry, seed)
        try:
            with capture_logs():
                await world.live()
            ends = await asyncio.gather(*world.tasks, return_exceptions=True)
            assert {type(end) for end in ends} <= {type(None), RuntimeError}
            report = world.desk.report(world.look())
            assert report.calls == 0
            assert report.accepted_total == report.ended_total + report.given_back_total
            assert server.held == set()
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
        sealed += world.is_sealed
        accepted_late += any(offer.is_accepted for offer in world.offers)
        server.cordoned = False
    # Worlds in which nothing happens would prove nothing.
    assert sealed > SEEDS_EACH / 20
    assert accepted_late > SEEDS_EACH / 2
