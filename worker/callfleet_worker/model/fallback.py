"""One model to the framework, several behind it: a call goes on with the next when one fails.

``llm.RealtimeModelFallbackAdapter`` was measured first (docs/agents.md has the table). It loses a
greeting whose first connection is refused, tries a refused key again after ten seconds, and does
not say why nothing is left. This one is built on public names alone.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, Protocol

import structlog
from google.auth.exceptions import GoogleAuthError
from google.genai import types
from livekit import rtc
from livekit.agents import llm
from livekit.agents.metrics import RealtimeModelMetrics
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import is_given

from callfleet_contract.events import CallEvent, ModelSessionEvent
from callfleet_contract.outcomes import CallReason, ModelSessionChange
from callfleet_worker.model.asking import AskedReply
from callfleet_worker.model.failure import Failure, call_reason, failure_of
from callfleet_worker.model.roster import Candidate, Roster
from callfleet_worker.model.usage import tokens_used

_log = structlog.get_logger(__name__)

_FORWARDED: tuple[llm.realtime.EventTypes, ...] = (
    "input_speech_started",
    "input_speech_stopped",
    "input_audio_transcription_completed",
    "generation_created",
    "metrics_collected",
    "remote_item_added",
)
_CLOSE_SECONDS = 2.0

Emit = Callable[[CallEvent], None]
Open = Callable[[Candidate], llm.RealtimeModel]


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

    def generate_reply(self) -> Any:
        """Ask for a reply."""


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

    def attach(self, conversation: Conversation) -> None:
        """Name the AgentSession, so that a swap can end and renew the reply under way."""
        self.conversation = conversation

    def session(self, *, turn_detection_disabled: bool = False) -> "CallModelSession":
        """Open the call's session, on the most preferred way that has not failed."""
        del turn_detection_disabled
        return CallModelSession(self)

    def open(self, way: Candidate) -> llm.RealtimeSession[Any]:
        """Open a session on one way."""
        if way not in self._models:
            self._models[way] = self._make(way)
        session = self._models[way].session()
        self.active = way
        return session

    def failed(self, way: Candidate, error: BaseException) -> Candidate | None:
        """Note a failure; return the next way, or None when nothing is left."""
        failure = failure_of(way.label, error)
        self.failures = (*self.failures, failure)
        self.roster.fail(way, failure.refusal, time.monotonic())
        following = self.roster.pick(time.monotonic())
        _log.warning(
            "model failed",
            choice=failure.choice,
            refusal=failure.refusal.value,
            detail=failure.detail,
            next=following.label if following else None,
        )
        return following

    def tell(self, change: ModelSessionChange) -> None:
        """Report a change of the connection."""
        self._emit(ModelSessionEvent(self.call_id, change))

    def bill(self, way: Candidate, usage: types.UsageMetadata) -> None:
        """Report a usage snapshot."""
        for event in tokens_used(self.call_id, way.model, usage):
            self._emit(event)

    async def aclose(self) -> None:
        """Close every model that was opened."""
        for model in self._models.values():
            await model.aclose()


class CallModelSession(llm.RealtimeSession[str]):
    """One session to the framework; the connection behind it may be another tomorrow."""

    def __init__(self, model: CallModel) -> None:
        super().__init__(model)
        self._model = model
        self._instructions: NotGivenOr[str] = NOT_GIVEN
        self._tools: NotGivenOr[list[llm.Tool]] = NOT_GIVEN
        self._tool_choice: NotGivenOr[llm.ToolChoice | None] = NOT_GIVEN
        self._asked: AskedReply | None = None
        self._connections = 0
        self._renew_reply = False
        self._swapping = False
        self._swap_task: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._way = model.roster.pick(time.monotonic()) or model.roster.ways[0]
        self._child = self._listen(model.open(self._way))

    def _listen(self, child: llm.RealtimeSession[Any]) -> llm.RealtimeSession[Any]:
        for event in _FORWARDED:
            child.on(event, partial(self._forward, child, event))
        own: Mapping[str, Callable[..., None]] = {
            "error": self._on_error,
            "go_away": self._on_go_away,
            "usage": self._on_usage,
        }
        for name, handler in own.items():
            child.on(name, partial(handler, child))
        return child

    def _forward(self, child: llm.RealtimeSession[Any], event: str, payload: object = None) -> None:
        if child is not self._child:
            return
        if isinstance(payload, RealtimeModelMetrics) and not payload.request_id:
            self._on_connected()
        self.emit(event, payload)

    def _on_usage(self, child: llm.RealtimeSession[Any], usage: types.UsageMetadata) -> None:
        del child
        self._model.bill(self._way, usage)

    def _on_go_away(self, child: llm.RealtimeSession[Any], seconds: float) -> None:
        del child, seconds
        self._model.tell(ModelSessionChange.GO_AWAY)

    def _on_connected(self) -> None:
        self._connections += 1
        handle = getattr(self._child, "session_resumption_handle", None)
        if self._connections > 1:
            resumed = handle is not None
            self._model.tell(
                ModelSessionChange.RESUMED if resumed else ModelSessionChange.RECONNECT
            )
            self.emit("session_reconnected", llm.RealtimeSessionReconnectedEvent())
        elif not self._model.failures:
            self._model.tell(ModelSessionChange.OPENED)
        if self._connections > 1 and self._renew_reply:
            self._reply_again(was_answering=True)
        self._renew_reply = False

    def _is_answering(self) -> bool:
        conversation = self._model.conversation
        return conversation is not None and conversation.agent_state in ("speaking", "thinking")

    def _is_awaited(self) -> bool:
        return self._asked is not None and self._asked.waiting

    def _reply_again(self, *, was_answering: bool) -> None:
        """Renew the reply that a lost connection took along."""
        if self._asked is not None and self._asked.waiting:
            self._asked.ask(self._child)
        elif was_answering and self._model.conversation is not None:
            with contextlib.suppress(RuntimeError):
                self._model.conversation.generate_reply()

    def _on_error(self, child: llm.RealtimeSession[Any], error: llm.RealtimeModelError) -> None:
        if child is not self._child:
            return
        if error.recoverable:
            self._renew_reply = self._is_awaited() or self._is_answering()
            self.emit("error", error)
            return
        following = self._model.failed(self._way, error.error)
        if self._asked is not None:
            self._asked.detach()
        if following is None:
            self._give_up(error)
            return
        self.emit("error", error.model_copy(update={"recoverable": True}))
        self._swap_task = asyncio.create_task(self._swap(following, self._is_answering()))

    def _give_up(self, error: llm.RealtimeModelError) -> None:
        if self._asked is not None:
            self._asked.give_up()
        self._model.tell(ModelSessionChange.CLOSED)
        self.emit("error", error)

    async def _swap(self, way: Candidate, was_answering: bool) -> None:
        """Go on with another connection; what is said meanwhile is lost, not played late."""
        self._swapping = True
        conversation = self._model.conversation
        if was_answering and conversation is not None:
            with contextlib.suppress(RuntimeError, asyncio.TimeoutError):
                await asyncio.wait_for(conversation.interrupt(force=True), _CLOSE_SECONDS)
        history = self._child.chat_ctx if conversation is None else _heard(conversation)
        self._close_later(self._child)
        try:
            child = self._model.open(way)
        except (GoogleAuthError, ValueError, OSError) as error:
            self._swapping = False
            self._on_error(self._child, _fatal(self._model, error))
            return
        self._way, self._connections = way, 0
        self._child = self._listen(child)
        await self._prepare(child, history)
        self._swapping = False
        self._model.tell(ModelSessionChange.SWAPPED)
        self.emit("session_reconnected", llm.RealtimeSessionReconnectedEvent())
        self._reply_again(was_answering=was_answering)

    async def _prepare(self, child: llm.RealtimeSession[Any], history: llm.ChatContext) -> None:
        if is_given(self._instructions):
            await child.update_instructions(self._instructions)
        await child.update_chat_ctx(history)
        if is_given(self._tools):
            await child.update_tools(self._tools)
        if is_given(self._tool_choice):
            child.update_options(tool_choice=self._tool_choice)

    def _close_later(self, child: llm.RealtimeSession[Any]) -> None:
        async def close() -> None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(child.aclose(), _CLOSE_SECONDS)

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @property
    def capabilities(self) -> llm.RealtimeCapabilities:
        """What the model that speaks now can do."""
        return self._child.realtime_model.capabilities

    @property
    def chat_ctx(self) -> llm.ChatContext:
        """What the model knows of the conversation."""
        return self._child.chat_ctx

    @property
    def tools(self) -> llm.ToolContext:
        """The tools the model may call."""
        return self._child.tools

    async def update_instructions(self, instructions: str) -> None:
        """Tell the model who it is, now and after each swap."""
        self._instructions = instructions
        await self._child.update_instructions(instructions)

    async def update_chat_ctx(self, chat_ctx: llm.ChatContext) -> None:
        """Hand over the conversation; a swap brings it along by itself."""
        if not self._swapping:
            await self._child.update_chat_ctx(chat_ctx)

    async def update_tools(self, tools: list[llm.Tool]) -> None:
        """Give the model its tools, now and after each swap."""
        self._tools = tools
        await self._child.update_tools(tools)

    def update_options(self, *, tool_choice: NotGivenOr[llm.ToolChoice | None] = NOT_GIVEN) -> None:
        """Set how tools are chosen."""
        self._tool_choice = tool_choice
        self._child.update_options(tool_choice=tool_choice)

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        """Let the model hear; played late after a swap, sound would only make it lag."""
        if not self._swapping:
            self._child.push_audio(frame)

    def push_video(self, frame: rtc.VideoFrame) -> None:
        """Let the model see."""
        if not self._swapping:
            self._child.push_video(frame)

    def generate_reply(
        self,
        *,
        instructions: NotGivenOr[str] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        tools: NotGivenOr[list[llm.Tool]] = NOT_GIVEN,  # noqa: ARG002 - Gemini has none per reply
    ) -> asyncio.Future[llm.GenerationCreatedEvent]:
        """Ask for a reply; the future outlives the connection."""
        self._asked = AskedReply(instructions, tool_choice)
        if not self._swapping:
            self._asked.ask(self._child)
        return self._asked.reply

    def commit_audio(self) -> None:
        """Gemini ends turns itself."""

    def clear_audio(self) -> None:
        """Gemini keeps no buffer that could be cleared."""

    def interrupt(self) -> None:
        """Stop the reply, where the model can be told to."""
        self._child.interrupt()

    def start_user_activity(self) -> None:
        """Say that the caller speaks, where the model does not find out itself."""
        self._child.start_user_activity()

    def truncate(
        self,
        *,
        message_id: str,
        modalities: list[Literal["text", "audio"]],
        audio_end_ms: int,
        audio_transcript: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        """Gemini has no truncation; it learns from ``interrupted`` what it did not say."""

    async def aclose(self) -> None:
        """Close the connection, and those that still close."""
        if self._swap_task is not None and not self._swap_task.done():
            self._swap_task.cancel()
            await asyncio.gather(self._swap_task, return_exceptions=True)
        self._close_later(self._child)
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self._asked is not None:
            self._asked.give_up()


def _heard(conversation: Conversation) -> llm.ChatContext:
    history: llm.ChatContext = conversation.current_agent.chat_ctx
    return history


def _fatal(model: CallModel, error: Exception) -> llm.RealtimeModelError:
    return llm.RealtimeModelError(
        timestamp=time.time(), label=model.label, error=error, recoverable=False
    )
