"""The verb ``callfleet faults``: strike one call, and see what its neighbours feel."""

import json
import signal
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from callfleet_rehearsal.bench.faults.felt import Result
from callfleet_rehearsal.bench.faults.kinds import BY_KEY, FAULTS, Mode
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
T = TypeVar("T")
KEYS = ", ".join(fault.key for fault in FAULTS)
MODES = ", ".join(Mode)

Only = Annotated[str, typer.Option(help=f"Of {KEYS}, those that strike.")]
Modes = Annotated[str, typer.Option(help=f"Of {MODES}: how calls are kept.")]
Calls = Annotated[int, typer.Option(min=2, max=200, help="Calls at the same time.")]
Rounds = Annotated[int, typer.Option(min=1, max=50, help="How often all of it is done.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write all figures here.")]


def faults(  # noqa: PLR0913 - the options of a command
    *,
    only: Only = KEYS,
    modes: Modes = MODES,
    calls: Calls = 10,
    rounds: Rounds = 1,
    seed: Annotated[int, typer.Option(help="Seeds callers and model.")] = 1,
    json_file: JsonFile = None,
) -> None:
    """Strike one call of a full worker with each fault, and measure what the others feel.

    Once with calls that share a process, once with a process each, unless --modes says one.
    """
    console = new_console()
    chosen, kept = _chosen(only, BY_KEY), _chosen(modes, {mode.value: mode for mode in Mode})
    if chosen is None:
        give_up(console, f"--only takes names of {KEYS}", USAGE)
    if kept is None:
        give_up(console, f"--modes takes names of {MODES}", USAGE)
    plan = Plan(chosen, calls, rounds, seed, kept)
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


def _chosen(names: str, of: Mapping[str, T]) -> tuple[T, ...] | None:
    try:
        return tuple(of[name.strip()] for name in names.split(","))
    except KeyError:
        return None


def _write(file: Path, results: list[Result]) -> None:
    body = {
        "machine": asdict(hardware()),
        "versions": {name: version(name) for name in ("callfleet", "livekit-agents", "livekit")},
        "faults": [asdict(result) for result in results],
    }
    file.write_text(json.dumps(body, indent=1), encoding="utf-8")
