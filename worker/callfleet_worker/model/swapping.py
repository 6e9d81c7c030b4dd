"""One session to the framework; the connection behind it may be another tomorrow."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from livekit import rtc
from livekit.agents import APIConnectionError, llm
from livekit.agents.metrics import RealtimeModelMetrics
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import is_given

from callfleet_contract.outcomes import ModelSessionChange
from callfleet_worker.model.asking import AskedReply
from callfleet_worker.model.backing import Backing, Conversation
from callfleet_worker.model.renewal import Renewal
from callfleet_worker.model.roster import Candidate

_FORWARDED: tuple[llm.realtime.EventTypes, ...] = (
    "input_speech_started",
    "input_speech_stopped",
    "input_audio_transcription_completed",
    "generation_created",
    "metrics_collected",
    "remote_item_added",
)
_CLOSE_SECONDS = 2.0
_PREPARE_SECONDS = 5.0


class CallModelSession(llm.RealtimeSession[str]):
    """Passes everything on to the connection of the moment, and swaps that when it fails."""

    def __init__(self, model: llm.RealtimeModel, backing: Backing) -> None:
        super().__init__(model)
        self._backing = backing
        self._instructions: NotGivenOr[str] = NOT_GIVEN
        self._tools: NotGivenOr[list[llm.Tool]] = NOT_GIVEN
        self._tool_choice: NotGivenOr[llm.ToolChoice | None] = NOT_GIVEN
        self._renewal = Renewal(backing)
        self._connections = 0
        self._first_child = True
        self._has_replied = False
        self._passing = True
        """False during a swap and after the last: what comes then goes to no connection."""
        self._over = False
        self._died: llm.RealtimeModelError | None = None
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
        self._backing.account(way).follow(child)
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
        del seconds
        if child is self._child:
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
        if self._passing:
            self.emit("session_reconnected", llm.RealtimeSessionReconnectedEvent())
            self._renewal.resumed(self._child, remembers=handle is not None)

    def _on_error(self, child: llm.RealtimeSession[Any], error: llm.RealtimeModelError) -> None:
        if child is not self._child or self._over:
            return
        if error.recoverable:
            self._backing.dropped(self._way, error.error)
            self._renewal.lost()
            self.emit("error", error)
        elif self._passing:
            self._begin_swap(error)
        else:
            # The swap under way sees it and takes the next way: there is never a second beside it.
            self._died = error

    def _begin_swap(self, error: llm.RealtimeModelError) -> None:
        self._passing = False
        was_answering = self._renewal.is_answering
        self._renewal.lost()
        following = self._next_way(error)
        if following is not None:
            self._swap_task = asyncio.create_task(self._swap(following, was_answering))

    def _next_way(self, error: llm.RealtimeModelError) -> Candidate | None:
        following = self._backing.failed(self._way, error.error, fresh=not self._has_replied)
        self._renewal.detach()
        if following is None:
            self._give_up(error)
        else:
            self.emit("error", error.model_copy(update={"recoverable": True}))
        return following

    def _give_up(self, error: llm.RealtimeModelError) -> None:
        self._over = True
        self._renewal.give_up()
        self._backing.tell(ModelSessionChange.CLOSED)
        # The framework writes a traceback for any other kind of error; each was told already.
        last = APIConnectionError("no model is left", retryable=False)
        self.emit("error", error.model_copy(update={"error": last}))

    async def _swap(self, way: Candidate, was_answering: bool) -> None:
        """Go on with another connection; what is said meanwhile is lost, not played late.

        A way that cannot be prepared, or dies while it is, has failed like any other.
        """
        conversation = self._backing.conversation
        if was_answering and conversation is not None:
            # Not by wait_for: in Python 3.11 it forgets that it is cancelled as its work ends.
            with contextlib.suppress(RuntimeError, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await conversation.interrupt(force=True)
        known = self._child.chat_ctx
        following: Candidate | None = way
        while following is not None:
            error = await self._change_to(following, known)
            if error is None:
                self._passing = True
                self.emit("session_reconnected", llm.RealtimeSessionReconnectedEvent())
                self._renewal.swapped(self._child)
                return
            following = self._next_way(error)

    async def _change_to(
        self, way: Candidate, known: llm.ChatContext
    ) -> llm.RealtimeModelError | None:
        """Open another way and tell it who it is; return how it failed, if it did."""
        conversation = self._backing.conversation
        self._close_later(self._child)
        self._way, self._connections = way, 0
        self._first_child = self._has_replied = False
        self._died = None
        try:
            self._child = self._listen(self._backing.open(way), way)
            async with asyncio.timeout(_PREPARE_SECONDS):
                await self._prepare(
                    self._child, known if conversation is None else _heard(conversation)
                )
        except Exception as error:  # noqa: BLE001 - a swap that died unseen would leave a mute line
            return self._fatal(error)
        return self._died

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
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await child.aclose()

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
        if self._passing:
            await self._child.update_chat_ctx(chat_ctx)

    async def update_tools(self, tools: list[llm.Tool]) -> None:
        """Give the model its tools, now and after each swap."""
        self._tools = tools
        self._backing.offers(tools)
        await self._child.update_tools(tools)

    def update_options(self, *, tool_choice: NotGivenOr[llm.ToolChoice | None] = NOT_GIVEN) -> None:
        """Set how tools are chosen."""
        self._tool_choice = tool_choice
        self._child.update_options(tool_choice=tool_choice)

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        """Let the model hear; played late after a swap, sound would only make it lag."""
        if self._passing:
            self._child.push_audio(frame)

    def push_video(self, frame: rtc.VideoFrame) -> None:
        """Let the model see."""
        if self._passing:
            self._child.push_video(frame)

    def generate_reply(
        self,
        *,
        instructions: NotGivenOr[str] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        tools: NotGivenOr[list[llm.Tool]] = NOT_GIVEN,  # noqa: ARG002 - Gemini has none per reply
    ) -> asyncio.Future[llm.GenerationCreatedEvent]:
        """Ask for a reply; the future outlives the connection."""
        asked = AskedReply(instructions, tool_choice)
        self._renewal.expect(asked)
        if self._over:
            asked.give_up()
        elif self._passing:
            asked.ask(self._child)
        return asked.reply

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
        self._over = True
        if self._swap_task is not None and not self._swap_task.done():
            self._swap_task.cancel()
            await asyncio.gather(self._swap_task, return_exceptions=True)
        self._close_later(self._child)
        await asyncio.gather(*self._closing, return_exceptions=True)
        self._renewal.give_up()

    def _fatal(self, error: Exception) -> llm.RealtimeModelError:
        label = self.realtime_model.label
        return llm.RealtimeModelError(
            timestamp=time.time(), label=label, error=error, recoverable=False
        )


def _heard(conversation: Conversation) -> llm.ChatContext:
    history: llm.ChatContext = conversation.current_agent.chat_ctx
    return history
