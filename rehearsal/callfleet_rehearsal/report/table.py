"""The verdict as tables on a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from callfleet_rehearsal.judge import show
from callfleet_rehearsal.report.facts import REAL_MODEL_SENTENCE, RunFacts, role_costs
from callfleet_rehearsal.report.figures import Figure, figures, milliseconds
from callfleet_rehearsal.verdict import Evidence, ObjectiveResult, Outcome, Spread, Verdict

_STYLES = {
    Outcome.PASS: "bold green",
    Outcome.FAIL: "bold red",
    Outcome.INCONCLUSIVE: "bold yellow",
}


def table(verdict: Verdict, evidence: Evidence, facts: RunFacts) -> RenderableType:
    """Lay out the verdict, its parts and its circumstances."""
    return Group(
        _objectives(verdict, facts),
        "",
        _parts(figures(verdict)),
        "",
        *_circumstances(evidence),
        Text(f"{facts.model_sentence} {REAL_MODEL_SENTENCE}", style="dim"),
        "",
        _outcome(verdict),
    )


def _objectives(verdict: Verdict, facts: RunFacts) -> Table:
    title = f"{facts.calls} calls at once, {facts.turns} turns each"
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    made.add_column("objective")
    for name in ("p50", "p95", "p99", "measured", "at most", "samples"):
        made.add_column(name, justify="right")
    made.add_column("")
    for result in verdict.results:
        objective = result.objective
        spread = result.spread or Spread(0)
        made.add_row(
            objective.title,
            *(show(objective, p) if p is not None else "" for p in _percentiles(spread)),
            Text(show(objective, result.value), style="bold"),
            show(objective, objective.limit),
            f"{result.count:,}",
            _met(result),
        )
    return made


def _percentiles(spread: Spread) -> tuple[float | None, float | None, float | None]:
    return spread.p50, spread.p95, spread.p99


def _met(result: ObjectiveResult) -> Text:
    if result.met is None:
        return Text("not tested" if result.untested else "not judged", style="yellow")
    return Text("met", style="green") if result.met else Text("missed", style="bold red")


def _parts(shown: tuple[Figure, ...]) -> Table:
    made = Table(title="Where the time goes", title_justify="left", box=None, pad_edge=False)
    made.add_column("part")
    made.add_column("whose")
    for name in ("p50", "p95", "p99", "turns"):
        made.add_column(name, justify="right")
    for figure in shown:
        spread = figure.spread
        made.add_row(
            figure.title,
            figure.share,
            *(milliseconds(value) for value in _percentiles(spread)),
            str(spread.count),
        )
    return made


def _circumstances(evidence: Evidence) -> list[RenderableType]:
    rows: list[RenderableType] = []
    costs = role_costs(evidence.calls, evidence.costs)
    if costs:
        made = Table(title="What it cost", title_justify="left", box=None, pad_edge=False)
        made.add_column("role")
        for name in ("processes", "CPU s", "CPU s per call-minute", "memory MB"):
            made.add_column(name, justify="right")
        for cost in costs:
            rate = cost.cpu_seconds_per_call_minute
            made.add_row(
                cost.role,
                str(cost.processes),
                f"{cost.cpu_seconds:.1f}",
                "" if rate is None else f"{rate:.2f}",
                f"{cost.pss_bytes / 1e6:.0f}",
            )
        rows += [made, ""]
    if evidence.machine:
        state = evidence.machine
        known = state.other_cpu_ratio is not None
        others = f", others {state.other_cpu_ratio:.1%}" if known else " with all that runs here"
        rows.append(
            f"machine: {state.cores} cores, {state.busy_ratio:.0%} busy{others}, "
            f"steal {state.steal_ratio:.1%}, "
            f"load {state.load_1m:.1f}, "
            f"callers late {state.send_late_p95_seconds * 1e3:.1f} ms at p95"
        )
    return rows


def _outcome(verdict: Verdict) -> Text:
    text = Text(verdict.outcome.upper(), style=_STYLES[verdict.outcome])
    for reason in verdict.reasons:
        text.append(f"\n  {reason}", style="not bold")
    if verdict.cross_talk:
        text.append(f"\n  ALARM: {verdict.cross_talk} replies of other calls were heard")
    return text
