"""The verb ``callfleet up``: the local stack, there to be talked to until Ctrl-C."""

import secrets
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
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
from callfleet_rehearsal.stack.monitoring import (
    Monitoring,
    MonitoringPrograms,
    find_programs,
    livekit_target,
    rule_files,
    start_monitoring,
    worker_target,
)
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.rehearsal import Order, Stack, Watcher, start_stack
from callfleet_tools import ToolError

FAILED = 1
TOKEN_LASTS = timedelta(hours=6)
_LOOK_AGAIN_SECONDS = 0.5

Slots = Annotated[int, typer.Option(min=1, max=200, help="Calls that the worker takes at once.")]

Watched = Annotated[bool, typer.Option(help="Have Prometheus and Alertmanager watch it.")]


def up(
    *,
    slots: Slots = 4,
    model: ModelName = None,
    timing: Timing = TimingName.IDEAL,
    seed: Annotated[int, typer.Option(help="Seeds the emulator's random times.")] = 1,
    monitoring: Watched = True,
) -> None:
    """Start LiveKit server, model and worker on this machine, say how to talk to them, and wait.

    Prometheus and Alertmanager watch them. Ctrl-C ends them all.
    """
    console = new_console()
    order = Order(slots, 0, seed, chosen_model(console, model), timing.value, 0.0)
    folder = folder_of_run(console, datetime.now(tz=UTC).astimezone())
    try:
        with signals_end_the_block(), Children(folder) as children:
            programs = find_programs() if monitoring else None
            with shown(console, 0, 0) as watcher:
                stack = start_stack(order, children, watcher)
                watched = _watch(stack, programs, watcher) if programs else None
            about = _told_of(watched) if watched else []
            said = [*_welcome(stack, slots), *about, *_farewell(stack)]
            console.print("\n".join(said), highlight=False, soft_wrap=True, markup=False)
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


def _watch(stack: Stack, programs: MonitoringPrograms, watcher: Watcher) -> Monitoring:
    watcher.step("Prometheus and Alertmanager start")
    targets = (
        worker_target(f"{stack.worker.http_url}/metrics"),
        livekit_target(stack.server.metrics_url),
    )
    return start_monitoring(stack.children, programs, targets, rule_files())


def _welcome(stack: Stack, slots: int) -> list[str]:
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
        "Or, told these three, callers who talk with it, as in a rehearsal:",
        f"  {_calling(stack, slots)}",
        f"Agent name {stack.worker.agent_name}; worker's metrics: {stack.worker.http_url}/metrics",
    ]
    if stack.emulator is not None:
        lines.append(
            f"Emulator: {stack.emulator.url}; its control port {stack.emulator.control_url}"
        )
    return lines


def _calling(stack: Stack, slots: int) -> str:
    typed = Path(sys.argv[0])
    program = typed if typed.name == "callfleet" else "callfleet"
    who = f"--agent {stack.worker.agent_name} --calls {slots}"
    return f"{program} rehearse {who}{' --model emulator' if stack.emulator else ''}"


def _told_of(watched: Monitoring) -> list[str]:
    asked = f"{watched.prometheus_url}/api/v1/query?query=callfleet_calls_active"
    pages = "" if watched.prometheus_has_pages else "  (its API; it is built without pages)"
    return [
        "Prometheus watches it, with the rules and alerts of this project:",
        f"  Prometheus    {watched.prometheus_url}{pages}",
        f"                curl '{asked}'",
        f"  Alertmanager  {watched.alertmanager_url}  (shows what fires, and tells nobody)",
    ]


def _farewell(stack: Stack) -> list[str]:
    return [f"Logs: {stack.children.folder}", "Ctrl-C ends it all, and takes the logs away."]
