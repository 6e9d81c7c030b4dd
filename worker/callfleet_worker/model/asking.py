"""A reply that was asked for survives the connection it was asked on.

A greeting is asked for before the model's first connection is there. If that one is refused, the
plugin's future dies with it; the one handed out here waits for the next model.
"""

import asyncio
from typing import Any

from livekit.agents import llm
from livekit.agents.types import NotGivenOr

Reply = asyncio.Future[llm.GenerationCreatedEvent]


class AskedReply:
    """One reply that somebody waits for, whichever connection brings it."""

    def __init__(
        self, instructions: NotGivenOr[str], tool_choice: NotGivenOr[llm.ToolChoice]
    ) -> None:
        self._instructions = instructions
        self._tool_choice = tool_choice
        self._asked: Reply | None = None
        self.reply: Reply = asyncio.get_running_loop().create_future()
        self.reply.add_done_callback(self._withdraw)

    @property
    def waiting(self) -> bool:
        """Tell whether nobody has answered yet."""
        return not self.reply.done()

    def ask(self, session: llm.RealtimeSession[Any]) -> None:
        """Ask on this connection; what an earlier one still says is ignored from now on."""
        self.detach()
        asked = session.generate_reply(
            instructions=self._instructions, tool_choice=self._tool_choice
        )
        self._asked = asked
        asked.add_done_callback(self._answered)

    def detach(self) -> None:
        """Ignore the connection asked last: it is dead, and its dying is no answer."""
        self._asked = None

    def give_up(self) -> None:
        """Tell who waits that no model is left."""
        self.detach()
        if self.waiting:
            self.reply.set_exception(llm.RealtimeError("no model is left to reply"))
            self.reply.exception()

    def _answered(self, asked: Reply) -> None:
        error = None if asked.cancelled() else asked.exception()
        if asked is not self._asked or self.reply.done():
            return
        if asked.cancelled():
            self.reply.cancel()
        elif error is not None:
            self.reply.set_exception(error)
        else:
            self.reply.set_result(asked.result())

    def _withdraw(self, reply: Reply) -> None:
        if reply.cancelled() and self._asked is not None and not self._asked.done():
            self._asked.cancel()
