"""The verb ``callfleet rehearse``: place calls, watch them, judge them."""

import os
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from callfleet_contract.objectives import ten_call_slo
from callfleet_rehearsal.callers.plan import PlanError
from callfleet_rehearsal.command.choosing import USAGE, ModelName, Timing, chosen_model, give_up
from callfleet_rehearsal.command.consoles import console as new_console
from callfleet_rehearsal.command.ending import SIGNALLED, signals_end_the_block
from callfleet_rehearsal.command.folders import folder_of_run, remove_logs
from callfleet_rehearsal.command.progress import shown
from callfleet_rehearsal.emulator.timing import TimingName
from callfleet_rehearsal.evidence import TurnKind
from callfleet_rehearsal.judge import judge, untested_by
from callfleet_rehearsal.readers import UnreadableError
from callfleet_rehearsal.relay import Weather
from callfleet_rehearsal.report.facts import RunFacts
from callfleet_rehearsal.report.table import table
from callfleet_rehearsal.report.writing import write
from callfleet_rehearsal.stack import elsewhere
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.rehearsal import Model, Order, Watcher
from callfleet_rehearsal.stack.rehearsal import rehearse as rehearse_once
from callfleet_rehearsal.stack.scenario import turn_kinds
from callfleet_rehearsal.verdict import Evidence, Outcome, Verdict
from callfleet_tools import ToolError

FAILED = 1
MOST_CALLS, MOST_TURNS = 200, 60

Calls = Annotated[int, typer.Option(min=1, max=MOST_CALLS, help="Calls at the same time.")]
Turns = Annotated[int, typer.Option(min=1, max=MOST_TURNS, help="Turns of each call.")]
Seed = Annotated[int, typer.Option(help="The same seed has callers do the same again.")]
Spacing = Annotated[
    float, typer.Option("--spacing", min=0, max=60, help="Seconds between two calls' starts.")
]
Delay = Annotated[
    float,
    typer.Option("--delay-ms", min=0, max=2000, help="Callers are so far away, each way."),
]
Loss = Annotated[
    float,
    typer.Option("--loss-percent", min=0, max=50, help="So many of callers' packets are lost."),
]
Echo = Annotated[
    bool, typer.Option("--echo", help="Callers' devices send back what they play: -12 dB, 80 ms.")
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="Also write the verdict here, for machines.")
]
HtmlFile = Annotated[
    Path | None, typer.Option("--html", help="Also write the report here, for people.")
]
Agent = Annotated[
    str | None,
    typer.Option(
        "--agent",
        help="Start nothing, and call this agent of a fleet that runs already, through LIVEKIT_URL "
        "with LIVEKIT_API_KEY and LIVEKIT_API_SECRET. --model says who answers there (gemini).",
    ),
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep all logs, also where all is well.")]


def rehearse(  # noqa: PLR0913 - the options of a command line are what they are
    *,
    calls: Calls = 10,
    turns: Turns = 6,
    model: ModelName = None,
    timing: Timing = TimingName.IDEAL,
    seed: Seed = 1,
    spacing_seconds: Spacing = 0.2,
    delay_ms: Delay = 0.0,
    loss_percent: Loss = 0.0,
    echo: Echo = False,
    agent: Agent = None,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    keep: Keep = False,
) -> None:
    """Place simultaneous calls through a real LiveKit server and a real worker, and judge them.

    Exit codes: 0 every objective is met, 1 one is missed or something broke, 2 wrong use,
    3 the machine was too busy to judge.
    """
    console = new_console()
    order = Order(
        calls,
        turns,
        seed,
        chosen_model(console, model) if agent is None else model or Model.GEMINI,
        timing.value,
        spacing_seconds,
        _weather(delay_ms / 1000, loss_percent / 100),
        echo,
    )
    if agent is not None and order.weather is not None:
        give_up(console, "--delay-ms and --loss-percent need a LiveKit server of this run", USAGE)
    for file in (json_file, html_file):
        if file is not None and not file.absolute().parent.is_dir():
            give_up(console, f"there is no folder {file.parent} to write {file.name} in", USAGE)
    now = datetime.now(tz=UTC).astimezone()
    folder = folder_of_run(console, now)
    console.print(_announcement(order, agent, folder), highlight=False, soft_wrap=True)
    try:
        with signals_end_the_block(), shown(console, calls, turns) as watcher:
            evidence = _rehearsed(order, agent, folder, watcher)
    except (StackError, ToolError, UnreadableError, PlanError) as error:
        give_up(console, str(error), FAILED)
    except KeyboardInterrupt:
        give_up(
            console,
            f"stopped; nothing runs any more; logs are in {folder}",
            SIGNALLED + signal.SIGINT,
        )
    verdict = _judged(evidence, order, agent)
    facts = _facts(order, agent, now)
    written = write(folder, verdict, evidence, facts)
    for made, asked in ((written.json, json_file), (written.html, html_file)):
        if asked is not None:
            shutil.copyfile(made, asked)
    console.print(table(verdict, evidence, facts))
    console.print(f"\nreport: {html_file or written.html}", highlight=False, soft_wrap=True)
    if verdict.outcome is Outcome.PASS and not keep:
        remove_logs(folder)
    else:
        console.print(f"logs:   {folder}", highlight=False, soft_wrap=True)
    raise typer.Exit(verdict.exit_code)


def _rehearsed(order: Order, agent: str | None, folder: Path, watcher: Watcher) -> Evidence:
    if agent is None:
        return rehearse_once(order, folder, watcher)
    fleet = elsewhere.read_elsewhere(agent, os.environ)
    return elsewhere.rehearse_elsewhere(order, fleet, folder, watcher)


def _judged(evidence: Evidence, order: Order, agent: str | None) -> Verdict:
    untested = untested_by(_kinds(order))
    if agent is not None:
        untested |= elsewhere.UNSEEN
    return judge(evidence, ten_call_slo(order.profile), untested)


def _weather(delay_seconds: float, loss_ratio: float) -> Weather | None:
    if not delay_seconds and not loss_ratio:
        return None
    return Weather(
        delay_up_seconds=delay_seconds, delay_down_seconds=delay_seconds, loss_ratio=loss_ratio
    )


def _kinds(order: Order) -> list[TurnKind]:
    return [kind for call in turn_kinds(order.calls, order.turns, order.seed) for kind in call]


def _facts(order: Order, agent: str | None, now: datetime) -> RunFacts:
    emulated = order.model is Model.EMULATOR
    return RunFacts(
        started_at=now.isoformat(timespec="seconds"),
        calls=order.calls,
        turns=order.turns,
        seed=order.seed,
        model=order.model.value,
        timing=order.timing if emulated and agent is None else "",
        emulated=emulated,
    )


def _announcement(order: Order, agent: str | None, folder: Path) -> str:
    begins = f"{order.calls} calls of {order.turns} turns with"
    if agent is not None:
        return f"{begins} the agent {agent!r} of a fleet elsewhere; logs in {folder}"
    who = {
        Model.EMULATOR: f"the embedded Gemini Live emulator ({order.timing} timing, no key needed)",
        Model.GEMINI: "Gemini itself, with your key; this costs money",
    }
    return f"{begins} {who[order.model]}; logs in {folder}"
