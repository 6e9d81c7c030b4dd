"""The fleet overview: do callers suffer now, which fleet, and why. Pure."""

from callfleet_contract import metrics, operator_metrics, slos
from callfleet_contract.outcomes import CallOutcome
from callfleet_contract.slos import Events
from callfleet_dashboards import burning
from callfleet_dashboards.alerts.alert import Severity
from callfleet_dashboards.boards.foreign import firing
from callfleet_dashboards.boards.panels import (
    NONE_AT_ALL,
    RED,
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
from callfleet_dashboards.boards.queries import (
    RATE,
    SHOWN,
    Of,
    grouped,
    of,
    recorded,
    recorded_share,
)
from callfleet_dashboards.boards.words import (
    FLEET,
    OVERVIEW,
    QUALITY,
    RESPONSE_LIMITS,
    calls_and_slots,
    figure,
    link,
    objectives_now,
    one_way_audio,
    response,
    stages,
    windows_with_loss,
)
from callfleet_dashboards.promql import SHARED, most_of

_SOME = Limits(((None, RED), (1, "green")))
_LOST = (CallOutcome.FAILED, CallOutcome.DROPPED)
_LOUD = {
    Severity.NONE: "green",
    Severity.WARNING: "yellow",
    Severity.CRITICAL: RED,
}
_WARNED = 'severity=~"critical|warning"'


def board() -> Board:
    """Give it."""
    return Board(
        OVERVIEW,
        "callfleet / Fleet overview",
        "Do callers suffer now, of which fleet, and why. The first board to look at.",
        metrics.CALLS_ACTIVE.full_name,
        (
            Row("Do callers suffer now?", (*_now(), objectives_now(), _alerts())),
            Row("Which fleet?", (_fleets(),)),
            Row("Why? The reply", (response(12), stages(12))),
            Row("Why? The call", _of_calls()),
            Row("Why? The sound", _of_sound()),
            Row("Why? Too few workers", (calls_and_slots(12), _pods())),
        ),
    )


def _free_slots(*by: str) -> str:
    slots, calls = of(metrics.CALL_SLOTS).series(), of(metrics.CALLS_ACTIVE).series()
    return f"sum {grouped(by)}(({slots} - {calls}) * {of(metrics.ACCEPTING).series()})"


def _lost(*by: str) -> str:
    """Count what the objective counts, but for slow greetings; each call once."""
    events = [each for each in slos.CALL_SUCCESS.bad if isinstance(each, Events)]
    counted = "\nor\n".join(
        f'label_replace({_shown(each)}, "term", "{number}", "", "")'
        for number, each in enumerate(events, start=1)
    )
    return f"sum {grouped(by)}(\n{counted}\n)"


def _shown(events: Events) -> str:
    told = Of(events.metric, events.only).increase(*SHARED, window=SHOWN)
    return most_of(told, _shown(events.also)) if events.also else told


def _now() -> tuple[Panel, ...]:
    blocked = of(operator_metrics.CALLS_BLOCKED_TOTAL).increase(window=SHOWN)
    return (
        figure(
            "Alerts that fire",
            "Pages and tickets of the chosen fleets and of the installation. The strip below says "
            "which.",
            Query(f"count({firing(_WARNED)}) or vector(0)"),
            NONE_AT_ALL,
        ),
        figure(
            "Calls now",
            "Calls in progress, as the workers count them.",
            Query(of(metrics.CALLS_ACTIVE).now()),
        ),
        figure(
            "Free slots",
            "Calls that accepting workers can still take. At nought the next caller waits.",
            Query(_free_slots()),
            _SOME,
        ),
        figure(
            "Workers that accept",
            "Workers that take new calls.",
            Query(of(metrics.ACCEPTING).now()),
            _SOME,
        ),
        figure(
            "Calls lost",
            "Calls within the time shown that failed, were dropped, or ended because a worker, its "
            "pod or its node did.",
            Query(_lost(), instant=True),
            NONE_AT_ALL,
        ),
        figure(
            "Offers passed on",
            "Times within the time shown that a worker had no free slot for a call. Another "
            "worker may have taken it.",
            Query(blocked, instant=True),
            NONE_AT_ALL,
        ),
    )


def _alerts() -> Panel:
    by_severity = "\nor\n".join(
        f"""{firing(f'severity="{severity}"')} * {number}"""
        for number, severity in enumerate(_LOUD)
    )
    return Panel(
        "Alerts over time",
        "Each alert while it fires. CallfleetWatchdog always does: where its strip has a gap, no "
        "alert would have been told.",
        Drawing.STATES,
        (Query(f"max by (alertname) (\n{by_severity}\n)", "{{alertname}}"),),
        Unit.NUMBER,
        24,
        5,
        words=tuple(
            (f"{number}", str(severity), colour)
            for number, (severity, colour) in enumerate(_LOUD.items())
        ),
    )


def _fleets() -> Panel:
    turns = of(metrics.TURN_RESPONSE_SECONDS)
    left = recorded(burning.BUDGET_LEFT, *SHARED, how="min")
    worst = recorded_share(burning.ratio_of("1h"), *SHARED, sloth_slo=slos.FLEET_OVERHEAD.key)
    late = f"1 - {worst}"
    columns = (
        Query(of(metrics.CALLS_ACTIVE).now(*SHARED), "Calls", instant=True),
        Query(_free_slots(*SHARED), "Free slots", instant=True),
        Query(turns.quantile(0.95, *SHARED, window=SHOWN), "Response, 95 %", instant=True),
        Query(late, "Fleet in time, 1 h", instant=True),
        Query(_lost(*SHARED), "Calls lost", instant=True),
        Query(left, "Budget left, least", instant=True),
    )
    return Panel(
        "Fleets",
        "Each fleet, with what its callers notice. Lost calls and response time are those of the "
        "time shown; the budget is that of the objective that has the least of it left, over "
        f"{slos.WINDOW_DAYS} days. A fleet's name leads to its call quality.",
        Drawing.TABLE,
        columns,
        Unit.NUMBER,
        24,
        6,
        series=(
            Series("fleet", link=link(QUALITY)),
            Series("Free slots", limits=_SOME),
            Series("Response, 95 %", unit=Unit.SECONDS, decimals=2, limits=RESPONSE_LIMITS),
            Series(
                "Fleet in time, 1 h",
                unit=Unit.SHARE,
                decimals=1,
                limits=at_least(slos.FLEET_OVERHEAD.objective),
            ),
            Series("Calls lost", limits=NONE_AT_ALL, decimals=0),
            Series("Budget left, least", unit=Unit.SHARE, decimals=1, limits=at_least(0)),
        ),
        decimals=0,
        least=None,
    )


def _of_calls() -> tuple[Panel, ...]:
    ended = of(metrics.CALLS_TOTAL)
    unfinished = of(metrics.CALLS_TOTAL, outcome=(*_LOST, CallOutcome.ABANDONED))
    infrastructure = of(operator_metrics.CALLS_ENDED_BY_INFRASTRUCTURE_TOTAL)
    model = of(metrics.MODEL_SESSION_EVENTS_TOTAL, event=("go_away", "reconnect", "swapped"))
    return (
        Panel(
            "Calls that ended",
            "By outcome. Failed and dropped calls are the fleet's; abandoned ones left before a "
            "greeting.",
            Drawing.BARS,
            (Query(ended.increase("outcome"), "{{outcome}}"),),
            series=(
                Series(CallOutcome.COMPLETED, colour="green"),
                Series(CallOutcome.ABANDONED, colour="yellow"),
                Series(CallOutcome.FAILED, colour="red"),
                Series(CallOutcome.DROPPED, colour="dark-red"),
            ),
        ),
        Panel(
            "Calls not completed, by reason",
            "Why calls failed, were dropped or abandoned, and how many of them ended because a "
            "worker, its pod or its node did.",
            Drawing.BARS,
            (
                Query(f"{unfinished.increase('reason')} > 0", "{{reason}}"),
                Query(infrastructure.increase(), "infrastructure, as the operator saw it"),
            ),
        ),
        Panel(
            "Trouble with the model",
            "Connections to the model that it ended, that were made again, or that went to another "
            "model in mid-call.",
            Drawing.BARS,
            (Query(model.increase("event"), "{{event}}"),),
        ),
    )


def _of_sound() -> tuple[Panel, ...]:
    blocked = of(metrics.EVENT_LOOP_BLOCKED_SECONDS)
    return (
        windows_with_loss("leg"),
        one_way_audio(),
        Panel(
            "Stand-stills of calls' loops",
            "Times that the loop which calls run on stood still for 50 ms or more: callers hear "
            "gaps.",
            Drawing.BARS,
            (Query(blocked.increase(*SHARED, window=RATE), FLEET),),
        ),
    )


def _pods() -> Panel:
    coming = of(operator_metrics.PODS, state=("accepting", "starting"))
    return Panel(
        "Workers there, coming and wanted",
        "Pods that accept calls, pods that start, and how many accepting ones the operator wants.",
        Drawing.LINES,
        (
            Query(coming.now("state"), "{{state}}"),
            Query(of(operator_metrics.DESIRED_PODS).now(), "wanted"),
        ),
        Unit.NUMBER,
        12,
        decimals=0,
    )
