"""What several boards say alike: panels of the same question, limits from the objectives. Pure."""

from callfleet_contract import metrics, slos
from callfleet_contract.profiles import EXPECTED
from callfleet_contract.slos import Slo
from callfleet_dashboards import burning
from callfleet_dashboards.boards.panels import (
    GREEN,
    RED,
    YELLOW,
    Drawing,
    Limits,
    Panel,
    Query,
    Series,
    Unit,
    at_least,
)
from callfleet_dashboards.boards.queries import of, ratio, recorded

OVERVIEW, QUALITY, OBJECTIVES, COST, OPERATOR, CALL = (
    f"callfleet-{name}" for name in ("overview", "quality", "slo", "cost", "operator", "call")
)
"""Where boards are found, for ever: links lead there."""
FLEET = "{{namespace}}/{{fleet}}"
_SLO = "sloth_slo"

_WAITS = sorted(expected.seconds for expected in EXPECTED.values())
RESPONSE_LIMITS = Limits(((None, GREEN), (_WAITS[0], YELLOW), (_WAITS[-1], RED)))
"""Late for the fastest model, and for the slowest."""


def link(uid: str) -> str:
    """Lead from a row of a table to a board about its fleet alone, at the same time."""
    namespace = "var-namespace=${__data.fields.namespace}"
    return f"/d/{uid}?{namespace}&var-fleet=${{__data.fields.fleet}}&${{__url_time_range}}"


def named(slo: Slo) -> str:
    """Write an objective's title as a heading."""
    return slo.title[0].upper() + slo.title[1:]


def good_share(*by: str) -> str:
    """Say which share of events was good within the last minutes, by objective."""
    bad = recorded(burning.BAD_EVENTS, _SLO, *by)
    return f"1 - {ratio(bad, recorded(burning.EVENTS, _SLO, *by))}"


def objectives_now() -> Panel:
    """Ask of each objective whether it is met now."""
    return Panel(
        "Objectives, last 5 minutes",
        "Share of good events by objective, of all chosen fleets together. Red is below the "
        "objective: callers suffer now. Objectives without events are not shown.",
        Drawing.FIGURE,
        (Query(good_share(), f"{{{{{_SLO}}}}}"),),
        Unit.SHARE,
        24,
        5,
        series=tuple(
            Series(slo.key, named(slo), limits=at_least(slo.objective)) for slo in slos.SLOS
        ),
        decimals=1,
        most=1,
    )


def response(width: int, *, of_pod: bool = False) -> Panel:
    """Ask how long callers wait, with the way to single slow turns."""
    turns = of(metrics.TURN_RESPONSE_SECONDS, of_pod=of_pod)
    return Panel(
        "Response time",
        "From the caller's last word to the first sound of the reply. Dashed lines: what "
        "callers of the fastest and of the slowest model may wait. Dots are single turns; each "
        "leads to its trace.",
        Drawing.LINES,
        (
            Query(turns.quantile(0.5), "half of them"),
            Query(turns.quantile(0.95), "95 %", exemplars=True),
            Query(turns.quantile(0.99), "99 %"),
        ),
        Unit.SECONDS,
        width,
        limits=RESPONSE_LIMITS,
    )


def stages(width: int, *, of_pod: bool = False) -> Panel:
    """Ask where the time of a turn goes."""
    parts = of(metrics.TURN_STAGE_SECONDS, of_pod=of_pod)
    return Panel(
        "Where a turn's time goes",
        "Mean of each stage of a reply, one above the other: up to the model, the model with the "
        "silence that it waits for, tools, and playing out. Model and tools are not the fleet's.",
        Drawing.STACK,
        (Query(parts.mean("stage"), "{{stage}}"),),
        Unit.SECONDS,
        width,
    )


def calls_and_slots(width: int) -> Panel:
    """Ask how full workers are."""
    return Panel(
        "Calls and slots",
        "Calls that workers hold, and calls that they may hold at once. Where the lines meet, "
        "the next caller waits.",
        Drawing.LINES,
        (
            Query(of(metrics.CALLS_ACTIVE).now("namespace", "fleet"), f"{FLEET} calls"),
            Query(of(metrics.CALL_SLOTS).now("namespace", "fleet"), f"{FLEET} slots"),
        ),
        Unit.NUMBER,
        width,
        decimals=0,
    )
