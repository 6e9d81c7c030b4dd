"""One model to the framework, several behind it: a call goes on with the next when one fails.

``llm.RealtimeModelFallbackAdapter`` was measured first (docs/agents.md has the table). It loses a
greeting whose first connection is refused, tries a refused key again after ten seconds, and does
not say why nothing is left. This one is built on public names alone.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog
from livekit.agents import llm

from callfleet_contract.events import CallEvent, ModelSessionEvent, ToolOffered
from callfleet_contract.metrics import TOOL_NAMES
from callfleet_contract.outcomes import CallReason, ModelSessionChange
from callfleet_worker.model.account import Account
from callfleet_worker.model.backing import Conversation
from callfleet_worker.model.failure import Failure, Refusal, call_reason, failure_of
from callfleet_worker.model.roster import Candidate, Roster
from callfleet_worker.model.swapping import CallModelSession

_log = structlog.get_logger(__name__)

Emit = Callable[[CallEvent], None]
Open = Callable[[Candidate], llm.RealtimeModel]


class CallModel(llm.RealtimeModel):
    """The model of one call. ``failures`` and ``reason`` say what happened when it fell silent."""

    def __init__(self, call_id: str, roster: Roster, make: Open, emit: Emit) -> None:
        first = roster.ways[0]
        self._models: dict[Candidate, llm.RealtimeModel] = {first: make(first)}
        super().__init__(capabilities=self._models[first].capabilities)
        self._make = make
        self._emit = emit
        self.call_id = call_id
        self.roster = roster
        self.active = first
        self.failures: tuple[Failure, ...] = ()
        self.conversation: Conversation | None = None
        self._owes_reply: Callable[[], bool] = lambda: False
        self._sessions: list[CallModelSession] = []
        self._offered: set[str] = set()

    @property
    def model(self) -> str:
        """The name of the model that speaks now."""
        return self.active.model

    @property
    def provider(self) -> str:
        """Whose it is."""
        return self._models[self.active].provider

    @property
    def reason(self) -> CallReason:
        """For what reason a call ends whose model fell silent."""
        return call_reason(self.failures)

    def attach(
        self, conversation: Conversation, owes_reply: Callable[[], bool] = lambda: False
    ) -> None:
        """Name the AgentSession, so that a swap can end and renew the reply under way.

        ``owes_reply`` tells whether the caller has ended a sentence that was not answered yet:
        the framework cannot know, and a connection lost just then would leave silence.
        """
        self.conversation = conversation
        self._owes_reply = owes_reply

    def owes_reply(self) -> bool:
        """Tell whether the caller waits."""
        return self._owes_reply()

    def session(self, *, turn_detection_disabled: bool = False) -> CallModelSession:
        """Open the call's session, on the most preferred way that has not failed."""
        del turn_detection_disabled
        self._sessions.append(CallModelSession(self, self))
        return self._sessions[-1]

    def first(self) -> Candidate:
        """Return the way to begin with; a later session of the call does not try what failed."""
        return self.roster.pick(time.monotonic()) or self.roster.ways[0]

    def open(self, way: Candidate) -> llm.RealtimeSession[Any]:
        """Open a session on one way."""
        if way not in self._models:
            self._models[way] = self._make(way)
        session = self._models[way].session()
        self.active = way
        return session

    def failed(self, way: Candidate, error: BaseException, *, fresh: bool) -> Candidate | None:
        """Note a failure; return the next way, or None when nothing is left.

        Args:
            way: What failed.
            error: How.
            fresh: It never replied. A way that did is tried once more with a session of its own
                before any other: it may be the old session that cannot be resumed.

        """
        failure = failure_of(way.label, error)
        self.failures = (*self.failures, failure)
        now = time.monotonic()
        if fresh or failure.refusal in {Refusal.KEY, Refusal.QUOTA}:
            self.roster.fail(way, failure.refusal, now)
        following = self.roster.pick(now)
        _log.warning(
            "model failed",
            choice=failure.choice,
            refusal=failure.refusal.value,
            detail=failure.detail,
            next=following.label if following else None,
        )
        return following

    def dropped(self, way: Candidate, error: BaseException) -> None:
        """Note that a connection was lost which is being opened again."""
        failure = failure_of(way.label, error)
        _log.warning("model connection lost", choice=failure.choice, detail=failure.detail)

    def tell(self, change: ModelSessionChange) -> None:
        """Report a change of the connection."""
        self._emit(ModelSessionEvent(self.call_id, change, self.active.model))

    def offers(self, tools: list[llm.Tool]) -> None:
        """Tell of tools that are new to the call: an agent's, or those of one that took over."""
        kinds = (llm.FunctionTool, llm.RawFunctionTool)
        for name in (tool.info.name for tool in tools if isinstance(tool, kinds)):
            if name not in self._offered and len(self._offered) <= TOOL_NAMES:
                self._offered.add(name)
                self._emit(ToolOffered(self.call_id, name))

    def account(self, way: Candidate) -> Account:
        """Open an account for a session on one way."""
        return Account(self.call_id, way.model, self._emit)

    async def aclose(self) -> None:
        """Hang up on every model that was opened, in the middle of a reply if need be."""
        for session in self._sessions:
            await session.aclose()
        for model in self._models.values():
            await model.aclose()
