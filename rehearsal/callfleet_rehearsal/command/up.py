"""The verb ``callfleet up``: the local stack, there to be talked to until Ctrl-C."""

import secrets
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from livekit import api

from callfleet_rehearsal.command.choosing import ModelName, Timing, chosen_model, give_up
from callfleet_rehearsal.command.consoles import console as new_console
from callfleet_rehearsal.command.ending import SIGNALLED, signals_end_the_block
from callfleet_rehearsal.command.folders import folder_of_run, remove
from callfleet_rehearsal.command.progress import shown
from callfleet_rehearsal.emulator.timing import TimingName
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.rehearsal import Order, Stack, start_stack
from callfleet_tools import ToolError

FAILED = 1
TOKEN_LASTS = timedelta(hours=6)
_LOOK_AGAIN_SECONDS = 0.5

Slots = Annotated[int, typer.Option(min=1, max=200, help="Calls that the worker takes at once.")]


def up(
    *,
    slots: Slots = 4,
    model: ModelName = None,
    timing: Timing = TimingName.IDEAL,
    seed: Annotated[int, typer.Option(help="Seeds the emulator's random times.")] = 1,
) -> None:
    """Start LiveKit server, model and worker on this machine, say how to talk to them, and wait.

    Ctrl-C ends them all.
    """
    console = new_console()
    order = Order(slots, 0, seed, chosen_model(console, model), timing.value, 0.0)
    folder = folder_of_run(console, datetime.now(tz=UTC).astimezone())
    try:
        with signals_end_the_block(), Children(folder) as children:
            with shown(console, 0, 0) as watcher:
                stack = start_stack(order, children, watcher)
            console.print(_welcome(stack), highlight=False, soft_wrap=True, markup=False)
            while True:
                children.check()
                time.sleep(_LOOK_AGAIN_SECONDS)
    except (StackError, ToolError) as error:
        give_up(console, str(error), FAILED)
    except KeyboardInterrupt:
        remove(folder)
        console.print("stopped; nothing runs any more")
        raise typer.Exit(SIGNALLED + signal.SIGINT) from None


def room_token(stack: Stack, room: str) -> str:
    """Make a token for one participant, which has the agent come when it opens the room."""
    dispatch = api.RoomAgentDispatch(agent_name=stack.worker.agent_name)
    return (
        api.AccessToken(stack.server.api_key, stack.server.api_secret)
        .with_identity(f"you-{secrets.token_hex(2)}")
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .with_room_config(api.RoomConfiguration(agents=[dispatch]))
        .with_ttl(TOKEN_LASTS)
        .to_jwt()
    )


def _welcome(stack: Stack) -> str:
    room = f"talk-{secrets.token_hex(2)}"
    lines = [
        "",
        "The stack is up. Any LiveKit client on this machine can talk with the agent:",
        f"  URL      {stack.server.url}",
        f"  token    {room_token(stack, room)}",
        f"           (room {room}; the agent comes when you join)",
        "For tokens and programs of your own:",
        f"  export LIVEKIT_URL={stack.server.url}",
        f"  export LIVEKIT_API_KEY={stack.server.api_key}",
        f"  export LIVEKIT_API_SECRET={stack.server.api_secret}",
        f"Agent name {stack.worker.agent_name}; worker's metrics: {stack.worker.http_url}/metrics",
    ]
    if stack.emulator is not None:
        lines.append(
            f"Emulator: {stack.emulator.url}; its control port {stack.emulator.control_url}"
        )
    lines += [f"Logs: {stack.children.folder}", "Ctrl-C ends it all."]
    return "\n".join(lines)
