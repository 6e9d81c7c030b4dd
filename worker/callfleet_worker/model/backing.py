"""What a call's session asks of the two around it: the model behind, the conversation before."""

import asyncio
from typing import Any, Protocol

from livekit.agents import llm

from callfleet_contract.outcomes import ModelSessionChange
from callfleet_worker.model.account import Account
from callfleet_worker.model.roster import Candidate


class Conversation(Protocol):
    """What a swap needs of the AgentSession."""

    @property
    def agent_state(self) -> str:
        """``speaking`` and ``thinking`` mean that a reply is under way."""

    @property
    def current_agent(self) -> Any:
        """The agent, whose ``chat_ctx`` is what the caller heard."""

    def interrupt(self, *, force: bool = False) -> asyncio.Future[None]:
        """End the reply that is under way."""

    def generate_reply(self, *, instructions: str = ...) -> Any:
        """Ask for a reply."""


class Backing(Protocol):
    """What the session needs of the model behind it."""

    @property
    def conversation(self) -> Conversation | None:
        """The AgentSession, once it is known."""

    def owes_reply(self) -> bool:
        """Tell whether the caller has ended a sentence that was not answered yet."""

    def first(self) -> Candidate:
        """Return the way to begin with."""

    def open(self, way: Candidate) -> llm.RealtimeSession[Any]:
        """Open a session on one way."""

    def failed(self, way: Candidate, error: BaseException, *, fresh: bool) -> Candidate | None:
        """Note a failure; return the next way, or None when nothing is left."""

    def dropped(self, way: Candidate, error: BaseException) -> None:
        """Note that a connection was lost which is being opened again."""

    def tell(self, change: ModelSessionChange) -> None:
        """Report a change of the connection."""

    def offers(self, tools: list[llm.Tool]) -> None:
        """Note what the model may call from now on."""

    def account(self, way: Candidate) -> Account:
        """Open an account for a session on one way."""
