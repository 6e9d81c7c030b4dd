"""An agent whose look-up takes as long as a tool may, for tests of callers who do not wait."""

import asyncio

from livekit.agents import function_tool

from callfleet_worker.persona import PersonaAgent

LOOK_UP_SECONDS = 4.0


class WaitingAgent(PersonaAgent):
    """Looks orders up, slowly."""

    @function_tool
    async def look_up_order(self, order_number: str) -> str:
        """Look up the state of an order.

        Args:
            order_number: The order number as the caller said it.

        """
        del order_number
        await asyncio.sleep(LOOK_UP_SECONDS)
        return "It was sent yesterday."
