"""An agent that misbehaves in the calls whose room is named ``fault-KIND-…``, and in no other.

It does so when its tool is called, so a caller's turn decides the moment. Everything it does wrong
is something that agents have done.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

from livekit.agents import function_tool, get_job_context

from callfleet_worker.persona import PersonaAgent

ANSWER = "It was sent yesterday."
BLOCK_SECONDS = 5.0
CHUNK_BYTES = 10_000_000
CHUNK_SECONDS = 0.05
RAISE_SECONDS = 0.1
SESSION_EVENTS = (
    "agent_state_changed",
    "conversation_item_added",
    "function_tools_executed",
    "speech_created",
    "user_input_transcribed",
    "user_state_changed",
)
ROOM_EVENTS = ("active_speakers_changed", "participant_disconnected", "transcription_received")

leaked = []


class BrokenError(RuntimeError):
    """What a broken callback raises."""


class FaultyAgent(PersonaAgent):
    @function_tool
    async def look_up_order(self, order_number: str) -> str:
        """Look up the state of an order.

        Args:
            order_number: The order number as the caller said it.

        """
        del order_number
        room = get_job_context().job.room.name
        kind = room.split("-")[1] if room.startswith("fault-") else ""
        misbehave = MISBEHAVIOURS.get(kind)
        if misbehave is not None:
            await misbehave(self, room)
        return ANSWER


async def block(_: FaultyAgent, __: str) -> None:
    """Hold the event loop up, as a tool does that waits for a server in the old way."""
    time.sleep(BLOCK_SECONDS)  # noqa: ASYNC251 - the fault


async def fail_everywhere(agent: FaultyAgent, _: str) -> None:
    """From now on, raise in every callback there is, ten times a second in the loop's own."""
    for name in SESSION_EVENTS:
        agent.session.on(name, broken)
    for name in ROOM_EVENTS:
        get_job_context().room.on(name, broken)
    agent.raising = asyncio.create_task(keep_raising())
    broken()


async def keep_raising() -> None:
    """Leave broken callbacks to the loop."""
    while True:
        asyncio.get_running_loop().call_soon(broken)
        await asyncio.sleep(RAISE_SECONDS)


def broken(*_: Any) -> None:
    """Be a callback that is broken."""
    raise BrokenError


async def cancel(_: FaultyAgent, room: str) -> None:
    """Cancel the task in which one's own call lives."""
    for task in asyncio.all_tasks():
        if task.get_name() == "call" and is_of(task, room):
            task.cancel()


def is_of(task: asyncio.Task[Any], room: str) -> bool:
    """Whether a call's task belongs to a room: its coroutine holds the call."""
    frame = task.get_coro().cr_frame
    return frame is not None and frame.f_locals["self"]._name.room == room  # noqa: SLF001 - a fault


async def leak(_: FaultyAgent, __: str) -> None:
    """Take memory and never give it back."""
    for _chunk in range(int(os.environ["BENCH_LEAK_MB"]) * 1_000_000 // CHUNK_BYTES):
        leaked.append(b"x" * CHUNK_BYTES)
        await asyncio.sleep(CHUNK_SECONDS)


async def die(_: FaultyAgent, __: str) -> None:
    """Have the process killed, as the kernel does where memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


MISBEHAVIOURS: dict[str, Callable[[FaultyAgent, str], Awaitable[None]]] = {
    "block": block,
    "raise": fail_everywhere,
    "cancel": cancel,
    "leak": leak,
    "kill": die,
}
