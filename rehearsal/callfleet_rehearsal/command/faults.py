"""The verb ``callfleet faults``: strike one call, and see what its neighbours feel."""

import json
import signal
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from callfleet_rehearsal.bench.faults.felt import Result
from callfleet_rehearsal.bench.faults.kinds import BY_KEY, FAULTS, Fault
from callfleet_rehearsal.bench.faults.run import Plan, run
from callfleet_rehearsal.bench.faults.table import table
from callfleet_rehearsal.command.choosing import USAGE, give_up
from callfleet_rehearsal.command.consoles import console as new_console
from callfleet_rehearsal.command.ending import SIGNALLED, signals_end_the_block
from callfleet_rehearsal.command.folders import folder_of_run
from callfleet_rehearsal.readers import UnreadableError
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.hardware import hardware
from callfleet_tools import ToolError

FAILED = 1
KEYS = ", ".join(fault.key for fault in FAULTS)

Only = Annotated[str, typer.Option(help=f"Of {KEYS}, those that strike.")]
Calls = Annotated[int, typer.Option(min=2, max=200, help="Calls at the same time.")]
Rounds = Annotated[int, typer.Option(min=1, max=50, help="How often all of it is done.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write all figures here.")]


def faults(
    *,
    only: Only = KEYS,
    calls: Calls = 10,
    rounds: Rounds = 1,
    seed: Annotated[int, typer.Option(help="Seeds callers and model.")] = 1,
    json_file: JsonFile = None,
) -> None:
    """Strike one call of a full worker with each fault, and measure what the others feel.

    Once with calls that share a process, once with a process each.
    """
    console = new_console()
    chosen = _chosen(only)
    if chosen is None:
        give_up(console, f"--only takes names of {KEYS}", USAGE)
    plan = Plan(chosen, calls, rounds, seed)
    folder = folder_of_run(console, datetime.now(tz=UTC).astimezone())
    runs = sum(1 for _ in plan.order())
    console.print(f"{runs} runs of about a minute; logs in {folder}", highlight=False)
    results: list[Result] = []
    try:
        with signals_end_the_block():
            for result in run(plan, folder, lambda text: console.print(f"  {text}")):
                results.append(result)
                _write(folder / "faults.json", results)
    except (StackError, ToolError, UnreadableError) as error:
        give_up(console, str(error), FAILED)
    except KeyboardInterrupt:
        give_up(console, f"stopped; figures are in {folder}", SIGNALLED + signal.SIGINT)
    if json_file is not None:
        _write(json_file, results)
    console.print(table(results))


def _chosen(only: str) -> tuple[Fault, ...] | None:
    try:
        return tuple(BY_KEY[key.strip()] for key in only.split(","))
    except KeyError:
        return None


def _write(file: Path, results: list[Result]) -> None:
    body = {
        "machine": asdict(hardware()),
        "versions": {name: version(name) for name in ("callfleet", "livekit-agents", "livekit")},
        "faults": [asdict(result) for result in results],
    }
    file.write_text(json.dumps(body, indent=1), encoding="utf-8")
