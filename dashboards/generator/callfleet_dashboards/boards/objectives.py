"""Objectives: what is left of error budgets, how fast they burn, and what burns them. Pure."""

from callfleet_contract import metrics, slos
from callfleet_contract.slos import SLOS, WINDOW_DAYS, Above, Events, Slo, Urgency
from callfleet_dashboards import burning
from callfleet_dashboards.boards.panels import (
    GREEN,
    RED,
    YELLOW,
    Board,
    Drawing,
    Limits,
    Panel,
    Query,
    Row,
    Series,
    Unit,
    at_least,
    at_most,
)
from callfleet_dashboards.boards.queries import SHOWN, of, recorded, recorded_share
from callfleet_dashboards.boards.words import (
    FLEET,
    OBJECTIVES,
    RESPONSE_LIMITS,
    named,
    objectives_now,
    stage_means,
    stages,
)
from callfleet_dashboards.promql import SHARED

_BY = (burning.SLO, *SHARED)
_LEGEND = f"{{{{{burning.SLO}}}}} {FLEET}"
_NOW = "5m"
_LEFT = Limits(((None, RED), (0, YELLOW), (0.5, GREEN)))


def board() -> Board:
    """Give it."""
    return Board(
        OBJECTIVES,
        "callfleet / Objectives",
        "Which objectives are met, how much of their error budgets is left, how fast these burn, "
        "and where the time of a turn goes.",
        metrics.CALLS_ACTIVE.full_name,
        (
            Row("Are objectives met?", (objectives_now(), _left(), _promised())),
            Row("How fast do budgets burn?", tuple(map(_burning, burning.BURNS))),
            Row("What is left of them", (_left_over_time(), _bad_events())),
            Row("Latency", _latency()),
        ),
    )


def _left() -> Panel:
    return Panel(
        f"Error budget left, {WINDOW_DAYS} days",
        "Share of the bad events that may be and were not yet, of the fleet that has the least "
        "left. Below nought the objective is missed. Weighted by events: a bad night with three "
        "calls is no bad month.",
        Drawing.LENGTHS,
        (Query(recorded(burning.BUDGET_LEFT, burning.SLO, how="min"), f"{{{{{burning.SLO}}}}}"),),
        Unit.SHARE,
        12,
        9,
        _LEFT,
        tuple(Series(slo.key, named(slo)) for slo in SLOS),
        1,
        most=1,
    )


def _promised() -> Panel:
    head = "| objective | at least | is | else |\n|---|---|---|---|\n"
    return Panel(
        "What is promised",
        "The objectives, as the contract has them.",
        Drawing.TEXT,
        (),
        width=12,
        height=9,
        text=head + "\n".join(_promise(slo) for slo in SLOS),
    )


def _promise(slo: Slo) -> str:
    tells = "somebody is woken" if slo.urgency is Urgency.PAGE else "a ticket is written"
    what = ", ".join(map(_good, slo.bad))
    return f"| {named(slo)} | {slo.objective:.0%} | {what} | {tells} |"


def _good(bad: Above | Events) -> str:
    if isinstance(bad, Above):
        return f"`{bad.metric.name}` ≤ {bad.limit:g}"
    ((_, values), *_) = bad.only or (("", (f"`{bad.metric.name}`",)),)
    return f"not {' or '.join(values)}"


def _burning(burn: burning.Burn) -> Panel:
    spent = recorded_share(burning.ratio_of(burn.long), *_BY)
    allowed = f"max by ({burning.SLO}) ({burning.BUDGET})"
    rate = f"{spent}\n/ on ({burning.SLO}) group_left ()\n{allowed}"
    is_page = burn.urgency is Urgency.PAGE
    told = "pages, where the objective is one that pages" if is_page else "writes a ticket"
    return Panel(
        f"Burn rate over {burn.long}",
        f"How many times faster than allowed the budget is used up. Above {burn.factor:g}, and "
        f"still so over {burn.short}, an alert {told}, unless it was chance: fewer than "
        f"{burn.least} events, or {burn.least_bad} bad ones.",
        Drawing.LINES,
        (Query(rate, _LEGEND),),
        Unit.NUMBER,
        8 if is_page else 12,
        9,
        at_most(burn.factor),
    )


def _left_over_time() -> Panel:
    return Panel(
        "Error budget left over time",
        "By objective and fleet. A steep fall is an incident, a slow one a habit.",
        Drawing.LINES,
        (Query(recorded(burning.BUDGET_LEFT, *_BY, how="min"), _LEGEND),),
        Unit.SHARE,
        12,
        limits=at_least(0),
        least=None,
        most=1,
    )


def _bad_events() -> Panel:
    return Panel(
        "Bad events",
        "How many events each second were bad, by objective: what burns the budgets.",
        Drawing.STACK,
        (Query(recorded(burning.BAD_EVENTS, burning.SLO), f"{{{{{burning.SLO}}}}}"),),
        Unit.PER_SECOND,
        12,
    )


def _latency() -> tuple[Panel, ...]:
    turns = of(metrics.TURN_RESPONSE_SECONDS, tools="none")
    overhead = of(metrics.FLEET_OVERHEAD_SECONDS)
    which = "|".join(slo.key for slo in slos.TURN_LATENCY.values())
    late = recorded_share(burning.ratio_of(_NOW), burning.SLO, sloth_slo=which)
    return (
        Panel(
            "Response time by load, 95 %",
            "Of turns without tools, by calls that the worker held at the time. Dashed: what "
            "callers of the fastest and of the slowest model may wait.",
            Drawing.LINES,
            (Query(turns.quantile(0.95, "load_band"), "{{load_band}} calls"),),
            Unit.SECONDS,
            limits=RESPONSE_LIMITS,
        ),
        Panel(
            "Turns that were late",
            f"Share of the turns of {_NOW}, those with tools left out, that took longer than their "
            "model's profile allows, of the fleet that has most of them.",
            Drawing.LINES,
            (Query(late, f"{{{{{burning.SLO}}}}}"),),
            Unit.SHARE,
            series=tuple(Series(slo.key, named(slo)) for slo in slos.TURN_LATENCY.values()),
        ),
        Panel(
            "What the fleet adds, 99 %",
            "Response time without the model. Dashed: the objective's limit.",
            Drawing.LINES,
            (Query(overhead.quantile(0.99, "namespace", "fleet"), FLEET),),
            Unit.SECONDS,
            limits=at_most(slos.FLEET_OVERHEAD.limit),
        ),
        Panel(
            "Stages of a turn",
            "What each stage adds to the mean reply of the time shown, on its way from the "
            "caller's last word to its first sound. Replies without tools count as well.",
            Drawing.LENGTHS,
            stage_means(SHOWN),
            Unit.SECONDS,
            12,
            decimals=3,
        ),
        stages(12),
    )
