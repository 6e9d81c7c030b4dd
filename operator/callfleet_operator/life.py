"""Run one operator: wait to lead, see how things are, act until told to go or the lease is lost."""

import asyncio
import os
import signal
import socket
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import uvloop
from lightkube.config.kubeconfig import SingleConfig
from lightkube.resources.core_v1 import Node

from callfleet_contract import operator_metrics as metrics
from callfleet_operator.assembly import Given, Operator, assemble
from callfleet_operator.leading.lease import Leading, LeaseName
from callfleet_operator.observing.feeding import start_kopf
from callfleet_operator.reaching.connection import Connection, connect
from callfleet_operator.reaching.definition import Definition, NoDefinitionError
from callfleet_operator.reaching.keys import Keys
from callfleet_operator.reaching.problems import REQUEST_ERRORS, Trouble, explain
from callfleet_operator.reaching.skew import clock_skew_seconds
from callfleet_operator.settings import Settings
from callfleet_operator.telling.collector import NOTHING, start_sending
from callfleet_operator.telling.health import Health, HealthServer
from callfleet_operator.telling.metrics import Metrics
from callfleet_operator.telling.plans import Plans
from callfleet_service.ports import address_of

EX_LOST = 1
"""The lease or a part of the operator was lost: it is to be started again."""
_STUCK_SECONDS = 180.0
_TRY_AGAIN_SECONDS = 2.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger("callfleet_operator")


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator is started with."""

    settings: Settings
    config: SingleConfig
    keys: Keys
    bound: socket.socket


def run(order: Order) -> int:
    """Run until told to stop; give the exit code: 0 if told so, 1 if the lease or a part was lost.

    Raises:
        NoDefinitionError: the cluster does not know the resource.

    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(Life(order).live())


class Life:
    """One operator's life."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.metrics = Metrics()
        self.plans = Plans()
        self.definition = Definition()
        self._collecting = NOTHING
        self._told_to_go = asyncio.Event()
        self._operator: Operator | None = None
        self._me = f"{os.environ.get('HOSTNAME') or socket.gethostname()}_{uuid.uuid4().hex[:8]}"

    async def live(self) -> int:
        """Live; give the exit code."""
        settings = self.order.settings
        self._collecting = start_sending(settings.telemetry, self.metrics)
        connection = connect(self.order.config)
        name = LeaseName(settings.lease_namespace, settings.lease.name, self._me)
        leading = Leading(connection.client, name)
        health = HealthServer(self.metrics, self.plans, lambda: self._health(leading))
        self.metrics.set(metrics.OPERATOR_LEADING, 0)
        with self._signals():
            await health.start(self.order.bound)
            log.info("operator started", me=self._me, http=address_of(self.order.bound))
            try:
                return await self._wait_and_lead(connection, leading)
            finally:
                await leading.give_back()
                await health.stop()
                await connection.close()
                log.info("operator ended", me=self._me)
                await asyncio.to_thread(self._collecting.stop)

    async def _wait_and_lead(self, connection: Connection, leading: Leading) -> int:
        if not await self._done(_see_definition(connection, self.definition)):
            return os.EX_OK
        if not await self._done(leading.wait()):
            return os.EX_OK
        self.metrics.set(metrics.OPERATOR_LEADING, 1)
        keeping = asyncio.create_task(leading.keep(), name="lease")
        try:
            return await self._lead(connection, leading, keeping)
        finally:
            self.metrics.set(metrics.OPERATOR_LEADING, 0)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _lead(
        self, connection: Connection, leading: Leading, keeping: asyncio.Task[None]
    ) -> int:
        settings = self.order.settings
        sees_nodes = await _may_see_nodes(connection)
        operator = assemble(
            Given(
                connection=connection,
                leading=leading,
                keys=self.order.keys,
                metrics=self.metrics,
                plans=self.plans,
                traces=self._collecting.traces,
                definition=self.definition,
                me=self._me,
                namespaces=settings.namespaces,
                sees_nodes=sees_nodes,
                skew_seconds=await clock_skew_seconds(connection),
            )
        )
        try:
            if not await self._done(_list_first(operator), keeping):
                return EX_LOST if keeping.done() else os.EX_OK
            operator.following.is_settled = True
            kopf = await start_kopf(
                operator.store, self.order.config, settings.namespaces, sees_nodes=sees_nodes
            )
            self._take_signals()  # kopf took them
            self._operator = operator
            operator.rounds.start()
            return await self._act(operator, connection, keeping, kopf)
        finally:
            self._operator = None
            await operator.close()

    async def _act(
        self,
        operator: Operator,
        connection: Connection,
        keeping: asyncio.Task[None],
        kopf: asyncio.Task[None],
    ) -> int:
        """Act until something ends; then end the rest, what acts first."""
        relist_seconds = self.order.settings.relist_seconds
        parts = [
            kopf,
            asyncio.create_task(
                _relist(operator, connection, self.definition, relist_seconds), name="relist"
            ),
            asyncio.create_task(operator.posting.run(), name="events"),
        ]
        try:
            told = asyncio.create_task(self._told_to_go.wait(), name="told to go")
            await asyncio.wait({told, keeping, *parts}, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            ended = [one for one in parts if one.done()]
        finally:
            await operator.rounds.stop()
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
        for part in ended:
            error = None if part.cancelled() else part.exception()
            log.error("a part of the operator ended", part=part.get_name(), error=str(error))
        return EX_LOST if ended or keeping.done() else os.EX_OK

    async def _done(self, work: Coroutine[Any, Any, None], *ends: asyncio.Task[None]) -> bool:
        """Do some work; False where the operator is told to go, or something ends, before."""
        told = asyncio.create_task(self._told_to_go.wait())
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({told, task, *ends}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if task.cancelled():
            return False
        await task
        return True

    def go(self) -> None:
        """Tell it to end."""
        self._told_to_go.set()

    def _health(self, leading: Leading) -> Health:
        overdue = self._operator.rounds.overdue_seconds if self._operator is not None else 0.0
        return Health(
            live=overdue < _STUCK_SECONDS,
            ready=True,
            leading=leading.holds(),
            overdue_seconds=round(overdue, 3),
        )

    @contextmanager
    def _signals(self) -> Iterator[None]:
        self._take_signals()
        try:
            yield
        finally:
            loop = asyncio.get_running_loop()
            for one in _SIGNALS:
                loop.remove_signal_handler(one)

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for one in _SIGNALS:
            loop.add_signal_handler(one, self.go)


async def _see_definition(connection: Connection, definition: Definition) -> None:
    """Look for the definition, for as long as the API server does not answer."""
    while True:
        try:
            await definition.look(connection)
        except REQUEST_ERRORS as error:
            problem = explain(error, "look for the definition")
            log.warning("waiting for the API server", error=problem.sentence)
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        else:
            return


async def _may_see_nodes(connection: Connection) -> bool:
    """Ask whether nodes may be listed; without them, nodes that leave are not noticed."""
    try:
        async for _ in connection.client.list(Node, chunk_size=1):
            break
    except REQUEST_ERRORS as error:
        problem = explain(error, "list nodes")
        if problem.trouble is not Trouble.REFUSED:
            return True
        log.warning(
            "nodes cannot be seen: workers on nodes that are drained go on taking calls",
            error=f"{problem.sentence}; allow get, list and watch of nodes",
        )
        return False
    return True


async def _list_first(operator: Operator) -> None:
    """List everything once, for as long as the API server does not answer."""
    while True:
        try:
            await operator.relisting.relist()
        except REQUEST_ERRORS as error:
            problem = explain(error, "list what there is")
            log.warning("waiting for the API server", error=problem.sentence)
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        else:
            return


async def _relist(
    operator: Operator, connection: Connection, definition: Definition, seconds: float
) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await operator.relisting.relist()
            await definition.look(connection)
        except NoDefinitionError as error:
            log.error("the definition is gone", error=str(error))  # noqa: TRY400 - it says it all
        except REQUEST_ERRORS as error:
            problem = explain(error, "list everything anew")
            log.warning("not listed anew; watches go on", error=problem.sentence)
