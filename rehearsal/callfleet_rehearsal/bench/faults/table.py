"""What faults did, as a table on a terminal."""

from collections.abc import Sequence

from rich.table import Table

from callfleet_rehearsal.bench.faults.felt import Felt, Result
from callfleet_rehearsal.bench.faults.kinds import BY_KEY

_COLUMNS = (
    "added before, ms",
    "during",
    "after",
    "turns lost",
    "gaps, s",
    "cut off",
    "normal again, s",
    "the struck call",
    "heard again, s",
)


def table(results: Sequence[Result]) -> Table:
    """Lay out a line for each blow: what the neighbours felt, then what became of the call."""
    calls = max((one.neighbours.calls for one in results), default=0)
    made = Table(
        title=f"{calls} neighbours of one call that is struck; added: p50 / p95 / most",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    made.add_column("fault")
    made.add_column("processes")
    for name in _COLUMNS:
        made.add_column(name, justify="left" if name == "the struck call" else "right")
    for one in results:
        made.add_row(BY_KEY[one.blow.fault].title, one.blow.mode.value, *cells(one))
    return made


def cells(result: Result) -> tuple[str, ...]:
    """Write the figures of one blow."""
    near, struck = result.neighbours, result.struck
    turns = near.during.turns + near.after.turns
    lost = near.during.lost_turns + near.after.lost_turns
    heard = struck.heard_again_seconds
    return (
        added(near.before),
        added(near.during),
        added(near.after),
        f"{lost} of {turns}",
        f"{near.during.gap_seconds + near.after.gap_seconds:.2f}",
        f"{near.cut_off} of {near.calls}",
        f"{near.normal_again_seconds:.1f}",
        ", then ".join(struck.ends) or "not counted",
        "never" if heard is None else f"{heard:.1f}",
    )


def added(felt: Felt) -> str:
    """Write what was added in some turns, in milliseconds."""
    shown = [felt.added_at(percent) for percent in (50, 95, 100)]
    return " / ".join("-" if one is None else f"{one * 1000:,.0f}" for one in shown)
