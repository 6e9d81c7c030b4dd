"""The verb ``callfleet bench``: measure workers against each other, in one run."""

import json
import signal
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from callfleet_rehearsal.bench.contenders import CONTENDERS, Contender, digest
from callfleet_rehearsal.bench.figures import Cell
from callfleet_rehearsal.bench.run import Plan, run
from callfleet_rehearsal.bench.table import last_line, tables
from callfleet_rehearsal.command.choosing import USAGE, give_up
from callfleet_rehearsal.command.consoles import console as new_console
from callfleet_rehearsal.command.ending import SIGNALLED, signals_end_the_block
from callfleet_rehearsal.command.folders import folder_of_run
from callfleet_rehearsal.readers import UnreadableError
from callfleet_rehearsal.stack.errors import StackError
from callfleet_tools import ToolError

FAILED = 1
KEYS = ", ".join(contender.key for contender in CONTENDERS)

Calls = Annotated[str, typer.Option(help="Numbers of simultaneous calls, with commas between.")]
Rounds = Annotated[int, typer.Option(min=1, max=50, help="How often all of it is done.")]
Only = Annotated[str, typer.Option(help=f"Of {KEYS}, those that take part.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write all figures here.")]


def bench(
    *,
    calls: Calls = "1,10,20",
    rounds: Rounds = 5,
    only: Only = "plain,tuned,callfleet,floor",
    seed: Annotated[int, typer.Option(help="Seeds callers and model.")] = 1,
    json_file: JsonFile = None,
) -> None:
    """Measure this worker against plain livekit-agents and against a bare bridge, side by side."""
    console = new_console()
    plan = _plan(calls, rounds, only, seed)
    if plan is None:
        give_up(console, f"--calls takes numbers like 1,10,20 and --only names of {KEYS}", USAGE)
    folder = folder_of_run(console, datetime.now(tz=UTC).astimezone())
    console.print(f"{sum(1 for _ in plan.order())} runs of about a minute; logs in {folder}")
    cells: list[Cell] = []
    try:
        with signals_end_the_block():
            for cell in run(plan, folder, lambda text: console.print(f"  {text}")):
                cells.append(cell)
                _write(folder / "bench.json", cells)
    except (StackError, ToolError, UnreadableError) as error:
        give_up(console, str(error), FAILED)
    except KeyboardInterrupt:
        give_up(console, f"stopped; figures are in {folder}", SIGNALLED + signal.SIGINT)
    if json_file is not None:
        _write(json_file, cells)
    for table in tables(cells, plan.contenders):
        console.print(table)
        console.print()
    console.print(last_line(cells), highlight=False)


def _plan(calls: str, rounds: int, only: str, seed: int) -> Plan | None:
    named: dict[str, Contender] = {contender.key: contender for contender in CONTENDERS}
    try:
        return Plan(
            tuple(named[key.strip()] for key in only.split(",")),
            tuple(int(number) for number in calls.split(",")),
            rounds,
            seed,
        )
    except (KeyError, ValueError):
        return None


def _write(file: Path, cells: list[Cell]) -> None:
    body = {
        "versions": {name: version(name) for name in ("callfleet", "livekit-agents", "livekit")},
        "contenders": {one.key: digest(one) for one in CONTENDERS if one.program},
        "cells": [asdict(cell) for cell in cells],
    }
    file.write_text(json.dumps(body, indent=1), encoding="utf-8")
