"""What several boards say alike: panels of the same question, limits from the objectives. Pure."""

from callfleet_contract import metrics, slos
from callfleet_contract.metric import Metric
from callfleet_contract.profiles import EXPECTED
from callfleet_contract.slos import Slo
from callfleet_dashboards import burning
from callfleet_dashboards.boards.panels import (
    GREEN,
    NO_LIMITS,
    RED,
    YELLOW,
    Drawing,
    Limits,
    Panel,
    Query,
    Series,
    Unit,
    at_least,
    at_most,
)
from callfleet_dashboards.boards.queries import RATE, SHOWN, Of, of, ratio, recorded
from callfleet_dashboards.promql import BY, SHARED

OVERVIEW, QUALITY, OBJECTIVES, COST, OPERATOR, CALL = (
    f"callfleet-{name}" for name in ("overview", "quality", "slo", "cost", "operator", "call")
)
"""Where boards are found, for ever: links lead there."""
FLEET = "{{namespace}}/{{fleet}}"

((_, STAGES),) = metrics.TURN_STAGE_SECONDS.labels
_HUES = ("green", "blue", "orange", "purple")
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
    bad = recorded(burning.BAD_EVENTS, burning.SLO, *by)
    return f"clamp_min(1 - {ratio(bad, recorded(burning.EVENTS, burning.SLO, *by))}, 0)"


def figure(title: str, description: str, query: Query, limits: Limits = NO_LIMITS) -> Panel:
    """Show one number, six of them in a line."""
    return Panel(
        title, description, Drawing.FIGURE, (query,), Unit.NUMBER, 4, 4, limits, decimals=0
    )


def quantiles(metric: Metric) -> tuple[Query, ...]:
    """Ask what half of the observations are below, and nearly all."""
    seen = of(metric)
    return (Query(seen.quantile(0.5), "half of them"), Query(seen.quantile(0.95), "95 %"))


def objectives_now() -> Panel:
    """Ask of each objective whether it is met now."""
    return Panel(
        "Objectives, last 5 minutes",
        "Share of good events by objective, of all chosen fleets together. Red is below the "
        "objective: callers suffer now. Objectives without events are not shown.",
        Drawing.FIGURE,
        (Query(good_share(), f"{{{{{burning.SLO}}}}}"),),
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
    return Panel(
        "Where a turn's time goes",
        "What each stage adds to the mean reply, one above the other: up to the model, the model "
        "with the silence that it waits for, tools, and playing out. Replies without tools count "
        "as well, so the top is the mean response time. Model and tools are not the fleet's.",
        Drawing.STACK,
        stage_means(of_pod=of_pod),
        Unit.SECONDS,
        width,
        series=tuple(
            Series(name, colour=colour) for name, colour in zip(STAGES, _HUES, strict=True)
        ),
    )


def stage_means(window: str = RATE, *, of_pod: bool = False) -> tuple[Query, ...]:
    """Ask what each stage adds to the mean reply, in the order in which they follow each other.

    Few replies have tools: a mean of theirs alone, on top of means of all, would be of no reply.
    """
    replies = of(metrics.TURN_RESPONSE_SECONDS, of_pod=of_pod)
    return tuple(
        Query(
            of(metrics.TURN_STAGE_SECONDS, of_pod=of_pod, stage=name).for_each(replies, window),
            name,
            instant=window == SHOWN,
        )
        for name in STAGES
    )


def strips(
    metric: Metric, label: str, colours: tuple[str, ...]
) -> tuple[Query, tuple[tuple[str, str, str], ...]]:
    """Ask which value of a label a fleet has now: a strip for each fleet, and what it says."""
    values = dict(metric.labels)[label]
    numbered = "\nor\n".join(
        f"{Of(metric, ((label, (value,)),)).series()} * {number}"
        for number, value in enumerate(values)
    )
    words = tuple(
        (f"{number}", str(value), colour)
        for number, (value, colour) in enumerate(zip(values, colours, strict=True))
    )
    return Query(f"sum {BY} (\n{numbered}\n)", FLEET), words


def calls_and_slots(width: int) -> Panel:
    """Ask how full workers are."""
    slots, accepting = of(metrics.CALL_SLOTS), of(metrics.ACCEPTING)
    return Panel(
        "Calls and slots",
        "Calls that workers hold, those that drain included, and calls that accepting workers may "
        "hold at once. Where the lines meet and nobody drains, the next caller waits.",
        Drawing.LINES,
        (
            Query(of(metrics.CALLS_ACTIVE).now(*SHARED), f"{FLEET} calls"),
            Query(f"sum {BY} ({slots.series()} * {accepting.series()})", f"{FLEET} slots"),
        ),
        Unit.NUMBER,
        width,
        decimals=0,
    )


def windows_with_loss(*by: str, of_pod: bool = False) -> Panel:
    """Ask how often more packets were lost than the objective allows."""
    lossy = of(metrics.RTP_WINDOW_LOSS_RATIO, of_pod=of_pod).share_above(slos.MEDIA.limit, *by)
    return Panel(
        "Windows with loss",
        "Share of 10 s windows in which more packets were lost between workers and LiveKit than "
        "the objective allows. Dashed: what may be.",
        Drawing.LINES,
        (Query(lossy, " ".join(f"{{{{{label}}}}}" for label in by)),),
        Unit.SHARE,
        limits=at_most(slos.MEDIA.budget),
    )


def one_way_audio() -> Panel:
    """Ask for how long somebody was not heard."""
    heard = of(metrics.ONE_WAY_AUDIO_SECONDS_TOTAL)
    return Panel(
        "One-way audio",
        "Seconds of calls in which one of the two was not heard though both were there.",
        Drawing.BARS,
        (Query(heard.increase("direction"), "{{direction}}"),),
        Unit.SECONDS,
    )
