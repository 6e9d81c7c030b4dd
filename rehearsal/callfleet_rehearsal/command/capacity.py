"""The verb ``callfleet capacity``: how many calls does this machine carry within the objectives?"""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from callfleet_contract import objectives as slo
from callfleet_rehearsal.bench.contenders import KEYS, OURS, by_key
from callfleet_rehearsal.capacity.cause import Cause, cause_of
from callfleet_rehearsal.capacity.run import Manner, Tried, try_calls
from callfleet_rehearsal.capacity.search import Bounds, Step, bounds, search
from callfleet_rehearsal.command.carrying import manner_of
from callfleet_rehearsal.command.choosing import USAGE, give_up
from callfleet_rehearsal.command.consoles import console as new_console
from callfleet_rehearsal.command.ending import SIGNALLED, signals_end_the_block
from callfleet_rehearsal.command.folders import folder_of_run
from callfleet_rehearsal.judge import show
from callfleet_rehearsal.readers import UnreadableError
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.scenario import turn_kinds
from callfleet_tools import ToolError

FAILED, INCONCLUSIVE = 1, 3
SHOWN = (slo.VOICE_TO_VOICE, slo.FLEET_ADDED, slo.BARGE_IN_STOP, slo.ANSWER)

First = Annotated[int, typer.Option("--from", min=1, max=200, help="Calls to begin with.")]
Most = Annotated[int, typer.Option("--to", min=1, max=200, help="Calls to try at most.")]
Turns = Annotated[int, typer.Option(min=2, max=60, help="Turns of each call.")]
Of = Annotated[str, typer.Option("--of", help=f"Whose capacity, of {KEYS}.")]
Values = Annotated[
    Path | None, typer.Option("--values", help="Write the number here, as a value for the chart.")
]


def capacity(  # noqa: PLR0913 - the options of a command line are what they are
    *,
    first: First = 8,
    most: Most = 60,
    turns: Turns = 4,
    seed: Annotated[int, typer.Option(help="Seeds callers and model.")] = 1,
    of: Of = OURS.key,
    values: Values = None,
) -> None:
    """Raise the number of calls until an objective breaks, and name the last one that held.

    Exit codes: 0 the number is known, 1 something broke, 2 wrong use, 3 the machine was too busy
    with other things.
    """
    console = new_console()
    worker = by_key(of)
    if worker is None:
        give_up(console, f"--of takes one of {KEYS}", USAGE)
    if values is not None and worker is not OURS:
        give_up(console, f"--values is for {OURS.key}, which the chart installs", USAGE)
    manner = manner_of(worker, lambda calls: turn_kinds(calls, turns, seed), seed)
    if values is not None and not values.absolute().parent.is_dir():
        give_up(console, f"there is no folder {values.parent} to write {values.name} in", USAGE)
    folder = folder_of_run(console, datetime.now(tz=UTC).astimezone())
    console.print(f"each number of calls takes about a minute; logs in {folder}")
    try:
        with signals_end_the_block():
            tried = list(_search(console, folder, (first, most), manner))
    except (StackError, ToolError, UnreadableError) as error:
        give_up(console, str(error), FAILED)
    except KeyboardInterrupt:
        give_up(console, f"stopped; logs are in {folder}", SIGNALLED + signal.SIGINT)
    known = bounds([one.step for one in tried])
    console.print(_table(tried))
    console.print(_sentence(known, tried), highlight=False, soft_wrap=True)
    if known.failed is None and known.held < most:
        raise typer.Exit(INCONCLUSIVE)
    if values is not None and known.held:
        values.write_text(_values(known.held), encoding="utf-8")


def _search(
    console: Console, folder: Path, limits: tuple[int, int], manner: Manner
) -> Iterator[Tried]:
    def attempt(before: int, calls: int) -> Tried:
        return try_calls(calls, manner, folder / f"{before}-{calls}")

    for tried in search(*limits, attempt):
        verdict = tried.verdict
        why = f": {verdict.reasons[0]}" if verdict.reasons else ""
        console.print(f"  {tried.step.calls} calls: {verdict.outcome.value}{why}", highlight=False)
        yield tried


def _table(tried: list[Tried]) -> Table:
    made = Table(title="All runs", title_justify="left", box=None, pad_edge=False)
    made.add_column("calls", justify="right")
    for objective in SHOWN:
        made.add_column(f"{objective.title}, p95", justify="right")
    for name in ("busy", "loop stood still"):
        made.add_column(name, justify="right")
    made.add_column("verdict")
    for one in tried:
        machine = one.evidence.machine
        made.add_row(
            str(one.step.calls),
            *(show(each, one.verdict.result(each.key).value) for each in SHOWN),
            f"{machine.busy_ratio:.0%}" if machine else "",
            f"{one.stalled_seconds:.2f} s",
            one.verdict.outcome.value,
        )
    return made


def _sentence(known: Bounds, tried: list[Tried]) -> str:
    cores = os.cpu_count()
    if known.failed is None:
        more = "or more" if known.held else "unknown"
        return f"capacity: K={known.held} {more} on {cores} cores"
    failures = [one for one in tried if one.step == Step(known.failed, held=False)]
    causes = [cause_of(one.verdict, one.evidence, one.stalled_seconds) for one in failures]
    named = next((cause for cause in causes if cause is not Cause.UNKNOWN), Cause.UNKNOWN)
    return f"capacity: K={known.held} on {cores} cores; at {known.failed}: {named.value}"


def _values(slots: int) -> str:
    return (
        f"# Measured by `callfleet capacity` on {os.cpu_count()} cores: the most calls at once of\n"
        f"# which every objective was met.\nslotsPerPod: {slots}\n"
    )
