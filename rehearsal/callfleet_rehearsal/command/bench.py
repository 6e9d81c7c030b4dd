"""The verb ``callfleet bench``: measure workers against each other, in one run."""

import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from callfleet_rehearsal.bench import compare, comparison, duration, kept
from callfleet_rehearsal.bench.contenders import CONTENDERS, KEYS, OURS, PLAIN, by_key, digest
from callfleet_rehearsal.bench.kept import Kept, UnkeptError
from callfleet_rehearsal.bench.page import page
from callfleet_rehearsal.bench.run import KINDS, Plan, run
from callfleet_rehearsal.bench.table import last_line, reservations, tables
from callfleet_rehearsal.command.carrying import carried
from callfleet_rehearsal.command.choosing import USAGE, give_up
from callfleet_rehearsal.command.consoles import console as new_console
from callfleet_rehearsal.command.ending import SIGNALLED, signals_end_the_block
from callfleet_rehearsal.command.folders import folder_of_run
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.hardware import hardware
from callfleet_tools import ToolError

FAILED = 1
WIDTH_OF_FILES = 220
"""Four contenders and three ratios, each with its least and most."""
ALL_CALLS, ALL_ROUNDS, ALL_TURNS = "1,10,20", 5, len(KINDS)
ALL_CONTENDERS = "plain,tuned,callfleet,floor"
SEARCHED = (PLAIN, OURS)

Calls = Annotated[str, typer.Option(help="Numbers of simultaneous calls, with commas between.")]
Rounds = Annotated[int, typer.Option(min=1, max=50, help="How often all of it is done.")]
Turns = Annotated[int, typer.Option(min=2, max=ALL_TURNS, help="Turns of each call.")]
Only = Annotated[str, typer.Option(help=f"Of {KEYS}, those that take part.")]
Capacity = Annotated[
    bool | None,
    typer.Option(
        "--capacity/--no-capacity",
        help=f"Also search what {PLAIN.key} and {OURS.key} carry within the objectives. "
        "Unset: where what is measured is left as it is.",
    ),
]
CompareFile = Annotated[
    Path | None, typer.Option("--compare", help="Hold it against an earlier run's bench.json.")
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write all figures here.")]


@dataclass(frozen=True, slots=True)
class _Wanted:
    plan: Plan
    searches: bool
    before: Kept | None


def bench(  # noqa: PLR0913 - the options of a command line are what they are
    *,
    calls: Calls = ALL_CALLS,
    rounds: Rounds = ALL_ROUNDS,
    turns: Turns = ALL_TURNS,
    only: Only = ALL_CONTENDERS,
    capacity: Capacity = None,
    compare_file: CompareFile = None,
    seed: Annotated[int, typer.Option(help="Seeds callers and model.")] = 1,
    json_file: JsonFile = None,
) -> None:
    """Measure this worker against plain livekit-agents and against a bare bridge, side by side."""
    console = new_console(WIDTH_OF_FILES)
    plan = _plan(calls, only)
    if plan is None:
        give_up(console, f"--calls takes numbers like 1,10,20 and --only names of {KEYS}", USAGE)
    if json_file is not None and not json_file.absolute().parent.is_dir():
        give_up(console, f"there is no folder {json_file.parent} for {json_file.name}", USAGE)
    plan = replace(plan, rounds=rounds, turns=turns, seed=seed)
    all_of_it = (ALL_CALLS, ALL_ROUNDS, ALL_TURNS, ALL_CONTENDERS)
    searches = (calls, rounds, turns, only) == all_of_it if capacity is None else capacity
    wanted = _Wanted(plan, searches, _before(console, compare_file))
    now = datetime.now(tz=UTC).astimezone()
    folder = folder_of_run(console, now)
    console.print(_announcement(wanted, folder), highlight=False, soft_wrap=True)
    try:
        with signals_end_the_block():
            made = _measured(wanted, _new(now, plan), folder, lambda text: _say(console, text))
    except (StackError, ToolError) as error:
        give_up(console, str(error), FAILED)
    except KeyboardInterrupt:
        give_up(console, f"stopped; figures are in {folder}", SIGNALLED + signal.SIGINT)
    if json_file is not None:
        shutil.copyfile(folder / "bench.json", json_file)
    _show(console, made, wanted, folder)


def _measured(wanted: _Wanted, made: Kept, folder: Path, say: Callable[[str], None]) -> Kept:
    """Measure all; what is known is written after each cell and each search."""
    for cell in run(wanted.plan, folder, say):
        made = replace(made, cells=(*made.cells, cell))
        _write(made, folder)
    if wanted.searches:
        made = replace(made, carried=carried(SEARCHED, wanted.plan, folder, say))
        _write(made, folder)
    return made


def _plan(calls: str, only: str) -> Plan | None:
    named = [by_key(key) for key in only.split(",")]
    try:
        numbers = tuple(int(number) for number in calls.split(","))
    except ValueError:
        return None
    known = tuple(one for one in named if one is not None)
    if len(known) < len(named) or min(numbers) < 1:
        return None
    return Plan(known, numbers, ALL_ROUNDS)


def _before(console: Console, file: Path | None) -> Kept | None:
    if file is None:
        return None
    try:
        return kept.read(file)
    except UnkeptError as error:
        give_up(console, str(error), USAGE)


def _announcement(wanted: _Wanted, folder: Path) -> str:
    cells = [calls for _, calls, _ in wanted.plan.order()]
    searches = len(SEARCHED) if wanted.searches else 0
    takes = duration.minutes(duration.bench_seconds(cells, searches, wanted.plan.turns))
    more = f", then {searches} searches for what is carried" if searches else ""
    return f"{len(cells)} runs{more}: about {takes} in all; figures and logs in {folder}"


def _say(console: Console, text: str) -> None:
    console.print(f"  {text}", highlight=False, soft_wrap=True, markup=False)


def _new(now: datetime, plan: Plan) -> Kept:
    return Kept(
        started_at=now.isoformat(timespec="seconds"),
        machine=hardware(),
        versions={name: version(name) for name in ("callfleet", "livekit-agents", "livekit")},
        contenders={one.key: digest(one) for one in CONTENDERS if one.program},
        seed=plan.seed,
        turns=plan.turns,
    )


def _write(made: Kept, folder: Path) -> None:
    (folder / "bench.json").write_text(kept.document(made), encoding="utf-8")
    (folder / "bench.html").write_text(page(made), encoding="utf-8")


def _show(console: Console, made: Kept, wanted: _Wanted, folder: Path) -> None:
    for table in tables(made.cells, wanted.plan.contenders):
        console.print(table)
        console.print()
    for sentence in (*reservations(made.cells), *(one.sentence for one in made.carried)):
        _say(console, sentence)
    if wanted.before is not None:
        _compare(console, wanted.before, made)
    _say(console, f"plots: {folder / 'bench.html'}, figures: {folder / 'bench.json'}")
    _say(console, f"machine: {made.machine}")
    console.print(last_line(made.cells, made.carried), highlight=False)


def _compare(console: Console, then: Kept, now: Kept) -> None:
    console.print(f"Against the run of {then.started_at}", highlight=False)
    for sentence in compare.differences(then, now):
        _say(console, f"differs: {sentence}")
    found = tuple(compare.changes(then, now))
    for table in comparison.tables(found):
        console.print(table)
        console.print()
    for change in compare.carried_changes(then, now):
        _say(console, comparison.carried_sentence(change))
    for sentence in comparison.sentences(found):
        _say(console, sentence)
