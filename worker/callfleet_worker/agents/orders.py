"""A customer-service agent that looks orders up while it talks: an example to start from.

Set ``CALLFLEET_AGENT_CLASS=callfleet_worker.agents.orders:OrdersAgent``, and for a database of
your own ``CALLFLEET_DATABASE_URL=postgresql://user:password@host/shop``.
"""

import asyncio

import structlog
from livekit.agents import ToolError, function_tool

from callfleet_worker.agents.order_book import (
    DatabaseUrlError,
    Order,
    OrderBook,
    OrderBookUnavailableError,
    order_number,
)
from callfleet_worker.persona import AgentClassError, PersonaAgent
from callfleet_worker.settings import Settings

_log = structlog.get_logger(__name__)

LOOK_UP_SECONDS = 4.0
_NO_NUMBER = (
    "That is not an order number. Order numbers have at least three digits, for example 1042. "
    "Ask the caller to say it again, digit by digit."
)
_NOT_ANSWERING = (
    "The order system does not answer right now. Say so, apologise, and offer to try again."
)


class OrdersAgent(PersonaAgent):
    """Tells callers how their orders are doing."""

    house_rules = (
        "You work for a shop and tell callers about their orders. Ask for the order number. "
        "Before you look an order up, say in a few words that you are looking. Tell only what "
        "the look-up returned. If the caller interrupts, answer that first, then go on."
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._book = OrderBook(settings.database_url.get_secret_value())

    @classmethod
    def check(cls, settings: Settings) -> None:
        """See whether the database's URL can be used; whether it answers is each call's matter.

        Raises:
            AgentClassError: it cannot.

        """
        try:
            OrderBook(settings.database_url.get_secret_value())
        except DatabaseUrlError as error:
            raise AgentClassError(str(error)) from error

    async def on_exit(self) -> None:
        """Give the database back."""
        await self._book.close()

    @function_tool
    async def look_up_order(self, order_number: str) -> str:
        """Look up the state of an order.

        Args:
            order_number: The order number as the caller said it.

        """
        return await self.answer(order_number)

    async def answer(self, spoken_number: str) -> str:
        """Find an order and say how it is doing, within a bound.

        Raises:
            ToolError: a sentence for the model, because the database did not answer.

        """
        number = order_number(spoken_number)
        if number is None:
            return _NO_NUMBER
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                order = await self._book.find(number)
        except TimeoutError as error:
            _log.warning("order look-up timed out", seconds=LOOK_UP_SECONDS)
            raise ToolError(_NOT_ANSWERING) from error
        except OrderBookUnavailableError as error:
            _log.warning("order look-up failed", error=type(error.__cause__).__name__)
            raise ToolError(_NOT_ANSWERING) from error
        if order is None:
            return (
                f"There is no order {_digit_by_digit(number)}. Read the number back to the "
                "caller and ask whether it is right."
            )
        return told(order)


def told(order: Order) -> str:
    """Say all that the model may tell of an order."""
    expected = f" It is expected on {order.expected_on:%B %d}." if order.expected_on else ""
    return (
        f"Order {_digit_by_digit(order.number)}: {order.items}, ordered on "
        f"{order.placed_on:%B %d}. Its state is: {order.status}.{expected}"
    )


def _digit_by_digit(number: str) -> str:
    return " ".join(number)
