"""Operator and autoscaling: how many workers there are, why so many, and what the operator does."""

from callfleet_contract import operator_metrics as operator
from callfleet_contract.metric import Metric
from callfleet_dashboards.boards.panels import (
    NONE_AT_ALL,
    Board,
    Drawing,
    Limits,
    Panel,
    Query,
    Row,
    Series,
    Unit,
    at_least,
)
from callfleet_dashboards.boards.queries import SHOWN, of
from callfleet_dashboards.boards.words import FLEET, OPERATOR, figure, quantiles, strips
from callfleet_dashboards.promql import SHARED

_STATES = ("green", "blue", "yellow", "red", "purple", "text")
_LIMITS = (
    *("green", "text", "orange", "red", "dark-red", "purple", "yellow", "blue"),
    *("light-orange", "light-blue"),
)
_PHASES = ("green", "blue", "yellow", "orange", "purple", "red")
"""Colours, in the order of what they stand for in the catalogue."""


def board() -> Board:
    """Give it."""
    return Board(
        OPERATOR,
        "callfleet / Operator and autoscaling",
        "How many workers fleets have and want, what keeps them from it, how rollouts and drains "
        "go, and how the operator itself is.",
        operator.PODS.full_name,
        (
            Row("Is there room, and is somebody in charge?", _figures()),
            Row("Size", _size()),
            Row("Why this size", _why()),
            Row("Coming and going", _coming()),
            Row("Reports of workers", _reports()),
            Row("The operator itself", _itself()),
        ),
    )


def _figures() -> tuple[Panel, ...]:
    ended = of(operator.CALLS_ENDED_BY_INFRASTRUCTURE_TOTAL)
    blocked = of(operator.CALLS_BLOCKED_TOTAL)
    return (
        figure(
            "Operators that lead",
            "By the operators' namespace, as each release has its own: one acts. None: its fleets "
            "stay as they are. Two: they quarrel.",
            Query(of(operator.OPERATOR_LEADING).now(SHARED[0]), "{{namespace}}"),
            Limits(((None, "red"), (1, "green"), (2, "red"))),
        ),
        figure(
            "Accepting workers",
            "Workers that take calls.",
            Query(of(operator.PODS, state="accepting").now()),
            at_least(1),
        ),
        figure("Wanted", "Accepting workers that are wanted.", Query(_sum(operator.DESIRED_PODS))),
        figure(
            "Degraded fleets",
            "Fleets that a person has to mend. `kubectl describe vf` says what is wrong.",
            Query(_sum(operator.DEGRADED)),
            NONE_AT_ALL,
        ),
        figure(
            "Offers passed on",
            "Times within the time shown that a worker had no free slot for a call.",
            Query(blocked.increase(window=SHOWN), instant=True),
            NONE_AT_ALL,
        ),
        figure(
            "Calls cut",
            "Calls that ended within the time shown because a worker, its pod or its node did.",
            Query(ended.increase(window=SHOWN), instant=True),
            NONE_AT_ALL,
        ),
    )


def _sum(metric: Metric, *by: str) -> str:
    return of(metric).now(*by)


def _size() -> tuple[Panel, ...]:
    return (
        Panel(
            "Workers by state",
            "Pods one above the other: unheard ones do not report, ending ones let their calls "
            "finish.",
            Drawing.STACK,
            (Query(_sum(operator.PODS, "state"), "{{state}}"),),
            series=tuple(
                Series(state, colour=colour)
                for state, colour in zip(operator.POD_STATES, _STATES, strict=True)
            ),
            decimals=0,
        ),
        Panel(
            "Accepting and wanted",
            "By fleet. Apart for long, something keeps workers from coming.",
            Drawing.LINES,
            (
                Query(of(operator.PODS, state="accepting").now(*SHARED), f"{FLEET} accepting"),
                Query(_sum(operator.DESIRED_PODS, *SHARED), f"{FLEET} wanted"),
            ),
            decimals=0,
        ),
        Panel(
            "Calls and slots",
            "Calls in progress, those of draining workers included; calls that accepting workers "
            "hold, and how many of these are free. Without a free one the next caller waits.",
            Drawing.LINES,
            (
                Query(_sum(operator.FLEET_CALLS, *SHARED), f"{FLEET} calls"),
                Query(_sum(operator.FLEET_SLOTS, *SHARED), f"{FLEET} slots"),
                Query(_sum(operator.FLEET_FREE_SLOTS, *SHARED), f"{FLEET} free"),
            ),
            decimals=0,
        ),
    )


def _why() -> tuple[Panel, ...]:
    limit, limits = strips(operator.LIMITED_BY, "limit", _LIMITS)
    phase, phases = strips(operator.ROLLOUT_PHASE, "phase", _PHASES)
    decisions = of(operator.DECISIONS_TOTAL)
    return (
        Panel(
            "What limits the size",
            "What keeps each fleet from the number of workers that was wanted. “None” is nothing.",
            Drawing.STATES,
            (limit,),
            width=12,
            height=6,
            words=limits,
        ),
        Panel(
            "Rollouts",
            "The phase that each fleet's rollout is in.",
            Drawing.STATES,
            (phase,),
            width=12,
            height=6,
            words=phases,
        ),
        Panel(
            "Decisions",
            "What the operator decided to do, and why.",
            Drawing.BARS,
            (Query(decisions.happened("action", "reason"), "{{action}}: {{reason}}"),),
            width=24,
        ),
    )


def _coming() -> tuple[Panel, ...]:
    return (
        Panel(
            "No slot free to pods made",
            "From the report that no slot is free to the API server's answer that pods are made.",
            Drawing.LINES,
            quantiles(operator.EXHAUSTED_TO_CREATED_SECONDS),
            Unit.SECONDS,
        ),
        Panel(
            "Pod made to taking calls",
            "How long a worker takes to come: what scheduling, the image and the worker's own "
            "start take together.",
            Drawing.LINES,
            quantiles(operator.POD_START_SECONDS),
            Unit.SECONDS,
        ),
        Panel(
            "Drains",
            "From the order to take no more calls to the deletion of the idle pod: as long as the "
            "last call.",
            Drawing.LINES,
            quantiles(operator.DRAIN_SECONDS),
            Unit.SECONDS,
        ),
    )


def _reports() -> tuple[Panel, ...]:
    ignored = of(operator.ADMISSION_REPORTS_IGNORED_TOTAL)
    return (
        Panel(
            "Age of the oldest report",
            "Of the worker heard the longest ago. Old reports stop a fleet from shrinking.",
            Drawing.LINES,
            (Query(of(operator.ADMISSION_REPORT_AGE_SECONDS).now(*SHARED, how="max"), FLEET),),
            Unit.SECONDS,
        ),
        Panel(
            "Reports not believed",
            "Of another pod, of an earlier boot, or unreadable.",
            Drawing.BARS,
            (Query(ignored.increase("reason"), "{{reason}}"),),
        ),
        Panel(
            "Offers passed on, by fleet",
            "Offers that workers passed on because no slot was free.",
            Drawing.BARS,
            (Query(of(operator.CALLS_BLOCKED_TOTAL).increase(*SHARED), FLEET),),
        ),
    )


def _itself() -> tuple[Panel, ...]:
    ticks = of(operator.RECONCILE_SECONDS)
    return (
        Panel(
            "Time of a tick, 95 %",
            "By what the operator does in it: look, decide, act, say so.",
            Drawing.LINES,
            (Query(ticks.quantile(0.95, "step"), "{{step}}"),),
            Unit.SECONDS,
        ),
        Panel(
            "Ticks that failed",
            "Ticks of a fleet that ended in an error.",
            Drawing.BARS,
            (Query(of(operator.RECONCILE_ERRORS_TOTAL).increase(*SHARED), FLEET),),
        ),
        Panel(
            "Writes to the API server",
            "By what was written and how it ended.",
            Drawing.BARS,
            (
                Query(
                    f"{of(operator.API_WRITES_TOTAL).increase('what', 'result')} > 0",
                    "{{what}}: {{result}}",
                ),
            ),
        ),
    )
