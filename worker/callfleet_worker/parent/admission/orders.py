"""Take orders one at a time: judge, keep, do, and only then say that it is done."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from callfleet_contract.admission import Order, Report
from callfleet_worker.parent.admission.desk import Desk, Seen, Verdict

# A disk that takes longer than this for one order may never answer: the next is not kept waiting.
_TURN_SECONDS = 10.0

_log = structlog.get_logger("callfleet.worker")


class Cordon(Protocol):
    """Cordons and uncordons the worker at once; calls that are up go on."""

    def __call__(self, *, cordoned: bool) -> None:
        """Take no more calls, or take them again."""


class NotKeptError(Exception):
    """An order could not be written down, and so was not obeyed; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How the worker stands after an order, and why it was refused where it was."""

    report: Report
    refused: str = ""


class Orders:
    """The way of an order from its signature to its effect."""

    def __init__(
        self,
        desk: Desk,
        look: Callable[[], Seen],
        keep: Callable[[Order], Awaitable[None]],
        cordon: Cordon,
    ) -> None:
        """Take no order yet.

        Args:
            desk: Decides.
            look: Says how the worker and its calls are now.
            keep: Writes an order down, however long that takes; raises an OSError if it cannot.
            cordon: Does what the order says.

        """
        self._desk, self._look, self._keep, self._cordon = desk, look, keep, cordon
        self._turn = asyncio.Lock()

    @property
    def ends_calls(self) -> bool:
        """Whether calls had their time, and are to end when the worker is told to go."""
        return self._desk.ends_calls

    def report(self) -> Report:
        """Say how the worker stands now."""
        return self._desk.report(self._look())

    async def take(self, order: Order) -> Answer:
        """Obey an order, or say why not.

        Raises:
            NotKeptError: the order is to be obeyed, but cannot be kept; nothing has changed.

        """
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            message = f"the order before this one is not written down after {_TURN_SECONDS:.0f} s"
            raise NotKeptError(message) from error
        try:
            judged = self._desk.judge(order)
            if judged.verdict is Verdict.OBEY:
                await self._obey(order)
            elif judged.verdict is Verdict.STANDS:
                self._desk.add(order)
            return Answer(self.report(), judged.sentence)
        finally:
            self._turn.release()

    async def _obey(self, order: Order) -> None:
        try:
            await self._keep(order)
        except OSError as error:
            _log.error("an order cannot be kept, and so is not obeyed", error=str(error))
            message = f"this worker cannot write the order down ({error.strerror or error})"
            raise NotKeptError(message) from error
        # Between here and the report nothing else runs: what it says of calls is all there can be.
        self._desk.obey(order)
        self._cordon(cordoned=order.cordon)
        _log.info(
            "cordoned" if order.cordon else "uncordoned", epoch=order.epoch, reason=order.reason
        )
