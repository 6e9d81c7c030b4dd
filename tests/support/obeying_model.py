"""A model that calls the tools it is told to, in the framework's own session, without sound."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.types import APIConnectOptions

_CALM = APIConnectOptions()


class _Reply(llm.LLMStream):
    async def _run(self) -> None:
        last = self._chat_ctx.items[-1]
        delta = llm.ChoiceDelta(role="assistant", content="Well.")
        if isinstance(last, llm.ChatMessage) and last.role == "user":
            name, _, arguments = (last.text_content or "").partition(" ")
            called = llm.FunctionToolCall(name=name, arguments=arguments or "{}", call_id=last.id)
            delta = llm.ChoiceDelta(role="assistant", tool_calls=[called])
        self._event_ch.send_nowait(llm.ChatChunk(id="reply", delta=delta))


class ObeyingModel(llm.LLM):
    """Is told ``NAME ARGUMENTS`` and calls that; then, and when it is asked, it says a word."""

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = _CALM,
        **_: Any,
    ) -> llm.LLMStream:
        return _Reply(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


def silent_session() -> AgentSession[None]:
    """Make a session of the framework that hears and says nothing aloud."""
    return AgentSession(llm=ObeyingModel(), vad=None)


@contextlib.asynccontextmanager
async def started(session: AgentSession[None], agent: Agent) -> AsyncIterator[None]:
    """Have an agent talk in a session, and close it."""
    await session.start(agent, record=False)
    try:
        yield
    finally:
        await session.aclose()
