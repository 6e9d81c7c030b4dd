"""The verb ``callfleet profile``: where does the CPU time of a call go?"""

import signal
from datetime import UTC, datetime
from io import StringIO
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from callfleet_rehearsal.command.choosing import give_up
from callfleet_rehearsal.command.consoles import console as new_console
from callfleet_rehearsal.command.ending import SIGNALLED, signals_end_the_block
from callfleet_rehearsal.command.folders import folder_of_run
from callfleet_rehearsal.command.progress import shown
from callfleet_rehearsal.profile.figures import Row, python_share
from callfleet_rehearsal.profile.run import Plan, Seen, run
from callfleet_rehearsal.profile.sampler import SamplerError
from callfleet_rehearsal.readers import UnreadableError
from callfleet_rehearsal.stack.errors import StackError
from callfleet_tools import ToolError

FAILED = 1
_ROWS, _STANDSTILLS = 15, 10
_WIDTH = 120

Calls = Annotated[int, typer.Option(min=1, max=200, help="Calls at the same time.")]
Seconds = Annotated[float, typer.Option(min=2, max=600, help="For how long they are looked at.")]
Join = Annotated[
    bool, typer.Option("--join", help="Look only at how they begin: first join to last greeting.")
]
Spacing = Annotated[
    float, typer.Option("--spacing", min=0, max=60, help="Seconds between two calls' starts.")
]


def profile(
    *,
    calls: Calls = 10,
    seconds: Seconds = 60.0,
    join: Join = False,
    spacing_seconds: Spacing = 0.2,
    seed: Annotated[int, typer.Option(help="Seeds callers and model.")] = 1,
) -> None:
    """Sample the processes of calls, and say where their CPU time goes.

    Writes a flame graph, the stacks it is made of, and the tables into the run's folder. Needs
    py-spy, Linux, and to be allowed to look into processes as a debugger does.
    """
    console = new_console()
    plan = Plan(calls, seconds, join, seed, spacing_seconds)
    folder = folder_of_run(console, datetime.now(tz=UTC).astimezone())
    what = "as they begin" if join else f"for {seconds:g} s"
    console.print(f"{calls} calls, looked at {what}; all is written into {folder}")
    try:
        with signals_end_the_block(), shown(console, calls, plan.order().turns) as watcher:
            seen = run(plan, folder, watcher)
    except (SamplerError, StackError, ToolError, UnreadableError) as error:
        give_up(console, str(error), FAILED)
    except KeyboardInterrupt:
        give_up(console, f"stopped; logs are in {folder}", SIGNALLED + signal.SIGINT)
    tables = list(_tables(seen, join=join))
    written = Console(width=_WIDTH, file=StringIO(), record=True)
    for table in tables:
        console.print(table)
        console.print()
        written.print(table, "")
    (folder / "tables.txt").write_text(written.export_text(), encoding="utf-8")
    console.print(f"flame graph: {folder / 'flame.svg'}", highlight=False, soft_wrap=True)
    console.print(
        f"stacks:      {folder / 'stacks.txt'} (speedscope.app and flamegraph.pl read it)",
        highlight=False,
        soft_wrap=True,
    )


def _tables(seen: Seen, *, join: bool) -> list[Table]:
    """Lay out what was seen; while calls talk, the main thread's CPU is shared out by samples."""
    sampled = sum(seen.stacks.values())
    cpu_unit = "CPU s of the burst" if join else "CPU s a call-minute"
    cpu = 1 / seen.call_minutes
    python = 1.0 if join else cpu * python_share(seen.threads, sampled)
    python_unit = "s, waits included" if join else cpu_unit
    made = [_table("By thread", cpu_unit, seen.threads, cpu)]
    for title, rows in (
        ("Python, by whose code it is", seen.parts),
        ("Python, by function", seen.functions),
    ):
        made.append(_table(title, python_unit, rows, python))
    ours = "Python, by function of ours with all that it calls"
    made.append(_table(ours, python_unit, seen.ours, python, sampled))
    return [*made, _stood(seen)] if join else made


def _table(
    title: str, unit: str, rows: list[Row], factor: float, whole: float | None = None
) -> Table:
    """Lay out the dearest; ``factor`` makes seconds the unit, ``whole`` is what shares are of."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in (unit, "share"):
        made.add_column(name, justify="right")
    made.add_column("")
    made.add_column("")
    if whole is None:
        whole = sum(row.seconds for row in rows)
    for row in rows[:_ROWS]:
        share = f"{row.seconds / whole:.1%}" if whole else ""
        made.add_row(f"{row.seconds * factor:.3f}", share, row.name, row.meaning)
    made.add_row(f"{whole * factor:.3f}", "", "all", "")
    return made


def _stood(seen: Seen) -> Table:
    made = Table(
        title="The main loop did not turn for", title_justify="left", box=None, pad_edge=False
    )
    for name in ("ms", "at, s"):
        made.add_column(name, justify="right")
    made.add_column("it had called")
    made.add_column("and was mostly in")
    for one in seen.standstills[:_STANDSTILLS]:
        made.add_row(
            f"{one.seconds * 1000:.0f}", f"{one.at_seconds:.2f}", one.callback, one.deepest
        )
    return made
