"""One session to the framework; the connection behind it may be another tomorrow."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from google.auth.exceptions import GoogleAuthError
from livekit import rtc
from livekit.agents import APIConnectionError, APIError, llm
from livekit.agents.metrics import RealtimeModelMetrics
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import is_given

from callfleet_contract.outcomes import ModelSessionChange
from callfleet_worker.model.asking import AskedReply
from callfleet_worker.model.backing import Backing, Conversation
from callfleet_worker.model.roster import Candidate

_FORWARDED: tuple[llm.realtime.EventTypes, ...] = (
    "input_speech_started",
    "input_speech_stopped",
    "input_audio_transcription_completed",
    "generation_created",
    "metrics_collected",
    "remote_item_added",
)
_OPENING_ERRORS = (GoogleAuthError, APIError, llm.RealtimeError, ValueError, RuntimeError, OSError)
_CLOSE_SECONDS = 2.0
_SAY_IT_AGAIN = (
    "You could not hear the caller for a moment. Say sorry in a few words and ask the caller to "
    "say the last thing again."
)


class CallModelSession(llm.RealtimeSession[str]):
    """Passes everything on to the connection of the moment, and swaps that when it fails."""

    def __init__(self, model: llm.RealtimeModel, backing: Backing) -> None:
        super().__init__(model)
        self._backing = backing
        self._instructions: NotGivenOr[str] = NOT_GIVEN
        self._tools: NotGivenOr[list[llm.Tool]] = NOT_GIVEN
        self._tool_choice: NotGivenOr[llm.ToolChoice | None] = NOT_GIVEN
        self._asked: AskedReply | None = None
        self._connections = 0
        self._first_child = True
        self._has_replied = False
        self._lost = self._renew_reply = False
        self._swapping = False
        self._swap_task: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._way = backing.first()
        self._child = self._listen(backing.open(self._way), self._way)

    def _listen(self, child: llm.RealtimeSession[Any], way: Candidate) -> llm.RealtimeSession[Any]:
        for event in _FORWARDED:
            child.on(event, partial(self._forward, child, event))
        own: Mapping[str, Callable[..., None]] = {
            "error": self._on_error,
            "go_away": self._on_go_away,
        }
        for name, handler in own.items():
            child.on(name, partial(handler, child))
        # A connection that closes may still tell what it used; that was its way's, not the next's.
        child.on("usage", partial(self._backing.bill, way))
        return child

    def _forward(self, child: llm.RealtimeSession[Any], event: str, payload: object = None) -> None:
        if child is not self._child:
            return
        if isinstance(payload, RealtimeModelMetrics) and not payload.request_id:
            self._on_connected()
        if isinstance(payload, llm.GenerationCreatedEvent):
            self._has_replied = True
        self.emit(event, payload)

    def _on_go_away(self, child: llm.RealtimeSession[Any], seconds: float) -> None:
        del child, seconds
        self._backing.tell(ModelSessionChange.GO_AWAY)

    def _on_connected(self) -> None:
        self._connections += 1
        if self._connections == 1:
            opened, swapped = ModelSessionChange.OPENED, ModelSessionChange.SWAPPED
            self._backing.tell(opened if self._first_child else swapped)
            return
        handle = getattr(self._child, "session_resumption_handle", None)
        resumed, anew = ModelSessionChange.RESUMED, ModelSessionChange.RECONNECT
        self._backing.tell(anew if handle is None else resumed)
        self.emit("session_reconnected", llm.RealtimeSessionReconnectedEvent())
        # What was speech a moment ago may be known to be over only now.
        lost, self._lost = self._lost, False
        if lost and (self._renew_reply or self._backing.owes_reply()):
            self._reply_again(was_answering=True, remembers=handle is not None)

    def _is_answering(self) -> bool:
        """Tell whether a reply is under way, or owed to a caller who has just asked."""
        conversation = self._backing.conversation
        speaks = conversation is not None and conversation.agent_state in ("speaking", "thinking")
        return speaks or self._backing.owes_reply()

    def _is_awaited(self) -> bool:
        return self._asked is not None and self._asked.waiting

    def _reply_again(self, *, was_answering: bool, remembers: bool) -> None:
        """Renew the reply that a lost connection took along.

        A resumed session knows the question. A new one has at most the words of the conversation,
        and with transcription off none: it asks the caller.
        """
        conversation = self._backing.conversation
        if self._asked is not None and self._asked.waiting:
            self._asked.ask(self._child)
        elif was_answering and conversation is not None:
            with contextlib.suppress(RuntimeError):
                if remembers:
                    conversation.generate_reply()
                else:
                    conversation.generate_reply(instructions=_SAY_IT_AGAIN)

    def _on_error(self, child: llm.RealtimeSession[Any], error: llm.RealtimeModelError) -> None:
        if child is not self._child:
            return
        if error.recoverable:
            self._lost = True
            self._backing.dropped(self._way, error.error)
            self._renew_reply = self._is_awaited() or self._is_answering()
            self.emit("error", error)
            return
        following = self._backing.failed(self._way, error.error, fresh=not self._has_replied)
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
        self._backing.tell(ModelSessionChange.CLOSED)
        # The framework writes a traceback for any other kind of error; each was told already.
        last = APIConnectionError("no model is left", retryable=False)
        self.emit("error", error.model_copy(update={"error": last}))

    async def _swap(self, way: Candidate, was_answering: bool) -> None:
        """Go on with another connection; what is said meanwhile is lost, not played late."""
        self._swapping = True
        try:
            await self._change_to(way, was_answering)
        except _OPENING_ERRORS as error:
            self._way, self._has_replied = way, False
            self._on_error(self._child, self._fatal(error))
            return
        finally:
            self._swapping = False
        self.emit("session_reconnected", llm.RealtimeSessionReconnectedEvent())
        self._reply_again(was_answering=was_answering, remembers=False)

    async def _change_to(self, way: Candidate, was_answering: bool) -> None:
        conversation = self._backing.conversation
        if was_answering and conversation is not None:
            with contextlib.suppress(RuntimeError, asyncio.TimeoutError):
                await asyncio.wait_for(conversation.interrupt(force=True), _CLOSE_SECONDS)
        history = self._child.chat_ctx if conversation is None else _heard(conversation)
        self._close_later(self._child)
        child = self._backing.open(way)
        self._way, self._connections = way, 0
        self._first_child = self._has_replied = False
        self._child = self._listen(child, way)
        await self._prepare(child, history)

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

    def _fatal(self, error: Exception) -> llm.RealtimeModelError:
        label = self.realtime_model.label
        return llm.RealtimeModelError(
            timestamp=time.time(), label=label, error=error, recoverable=False
        )


def _heard(conversation: Conversation) -> llm.ChatContext:
    history: llm.ChatContext = conversation.current_agent.chat_ctx
    return history
