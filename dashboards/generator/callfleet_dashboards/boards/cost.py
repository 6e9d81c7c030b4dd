"""Cost and tokens: what calls cost, what for, and whether the figures can be believed. Pure."""

from dataclasses import replace

from callfleet_contract import metrics
from callfleet_dashboards.boards.panels import (
    Board,
    Drawing,
    Panel,
    Query,
    Row,
    Series,
    Unit,
)
from callfleet_dashboards.boards.queries import RATE, SHOWN, of, ratio
from callfleet_dashboards.boards.words import COST, FLEET, figure
from callfleet_dashboards.promql import SHARED

_HOUR, _MINUTE = 3600, 60
_COST = of(metrics.COST_USD_TOTAL)
_SPOKEN = of(metrics.SPEECH_SECONDS_TOTAL)
_TOKENS = of(metrics.TOKENS_TOTAL)
_ENDED = of(metrics.CALLS_TOTAL)


def board() -> Board:
    """Give it."""
    return Board(
        COST,
        "callfleet / Cost and tokens",
        "What calls cost by the price table, which tokens that is for, and how far what the model "
        "says of usage can be believed. An estimate: the bill is Google's.",
        metrics.CALLS_ACTIVE.full_name,
        (
            Row("In the time shown", _figures()),
            Row("Over time", _over_time()),
            Row("By fleet", (_fleets(),)),
            Row("Can these figures be believed?", _doubts()),
        ),
        span="now-24h",
    )


def _minutes(*by: str, window: str = RATE) -> str:
    return f"{_SPOKEN.increase(*by, window=window)} / {_MINUTE}"


def _figures() -> tuple[Panel, ...]:
    cost = _COST.increase(window=SHOWN)
    tokens = _TOKENS.increase(window=SHOWN)
    cached = of(metrics.TOKENS_TOTAL, direction="input", kind="cached").increase(window=SHOWN)
    given = of(metrics.TOKENS_TOTAL, direction="input").increase(window=SHOWN)
    unknown = of(metrics.TOKENS_TOTAL, modality="unknown").increase(window=SHOWN)
    return (
        _figure("Cost", "Of all tokens within the time shown.", cost, Unit.DOLLARS, 2),
        _figure(
            "Cost of a minute",
            "Of calls, their silence included. Long calls cost more a minute: their context is "
            "billed again in each turn.",
            ratio(cost, _minutes(window=SHOWN)),
            Unit.DOLLARS,
            4,
        ),
        _figure(
            "Cost of a call",
            "Cost within the time shown, for each call that ended in it.",
            ratio(cost, _ENDED.increase(window=SHOWN)),
            Unit.DOLLARS,
            3,
        ),
        _figure(
            "Tokens of a minute",
            "Tokens that are billed for each minute of calls.",
            ratio(tokens, _minutes(window=SHOWN)),
            Unit.NUMBER,
            1,
        ),
        _figure(
            "Input from the cache",
            "Share of input tokens that the model had cached, which cost less.",
            ratio(cached, given),
            Unit.SHARE,
            1,
        ),
        _figure(
            "Tokens of no modality",
            "Share of tokens of which the model does not say what they were. The cost is as wrong.",
            ratio(unknown, tokens),
            Unit.SHARE,
            1,
        ),
    )


def _figure(title: str, description: str, expression: str, unit: Unit, decimals: int) -> Panel:
    number = figure(title, description, Query(expression, instant=True))
    return replace(number, unit=unit, decimals=decimals)


def _over_time() -> tuple[Panel, ...]:
    return (
        Panel(
            "Cost of an hour",
            "What an hour like this one costs, by fleet.",
            Drawing.STACK,
            (Query(f"{_COST.rate(*SHARED)} * {_HOUR}", FLEET),),
            Unit.DOLLARS,
            12,
            decimals=2,
        ),
        Panel(
            "Cost of a minute of calls",
            "By fleet. It rises with the length of calls, unless their context is compressed.",
            Drawing.LINES,
            (Query(ratio(_COST.increase(*SHARED), _minutes(*SHARED)), FLEET),),
            Unit.DOLLARS,
            12,
            decimals=4,
        ),
        Panel(
            "Tokens by direction and modality",
            "Tokens billed in each second. Audio costs more than text, output more than input.",
            Drawing.STACK,
            (Query(f"{_TOKENS.rate('direction', 'modality')} > 0", "{{direction}} {{modality}}"),),
            Unit.PER_SECOND,
            12,
        ),
        Panel(
            "Tokens by kind",
            "Billed in full, taken from the model's cache, and spent on thoughts.",
            Drawing.STACK,
            (Query(_TOKENS.rate("kind"), "{{kind}}"),),
            Unit.PER_SECOND,
            12,
        ),
    )


def _fleets() -> Panel:
    cost, tokens = _COST.increase(*SHARED, window=SHOWN), _TOKENS.increase(*SHARED, window=SHOWN)
    minutes = _minutes(*SHARED, window=SHOWN)
    columns = (
        Query(_ENDED.increase(*SHARED, window=SHOWN), "Calls ended", instant=True),
        Query(minutes, "Minutes", instant=True),
        Query(cost, "Cost", instant=True),
        Query(ratio(cost, minutes), "Cost of a minute", instant=True),
        Query(tokens, "Tokens", instant=True),
    )
    return Panel(
        "Cost of fleets",
        "Each fleet within the time shown.",
        Drawing.TABLE,
        columns,
        Unit.NUMBER,
        24,
        6,
        series=(
            Series("Minutes", decimals=1),
            Series("Cost", unit=Unit.DOLLARS, decimals=2),
            Series("Cost of a minute", unit=Unit.DOLLARS, decimals=4),
        ),
        decimals=0,
    )


def _doubts() -> tuple[Panel, ...]:
    unknown = of(metrics.TOKENS_TOTAL, modality="unknown")
    return (
        Panel(
            "Usage that cannot be right",
            "Usage messages of the model that are missing, doubled, or do not add up. Tokens are "
            "counted from what there is.",
            Drawing.BARS,
            (Query(of(metrics.USAGE_PROBLEMS_TOTAL).increase("problem"), "{{problem}}"),),
            width=8,
        ),
        Panel(
            "Share of tokens of no modality",
            "What the model bills without saying what for.",
            Drawing.LINES,
            (Query(ratio(unknown.rate(*SHARED), _TOKENS.rate(*SHARED)), FLEET),),
            Unit.SHARE,
            8,
        ),
        Panel(
            "Price tables",
            "Which prices workers reckon with, and of which day these are. More than one, and "
            "workers are of several versions.",
            Drawing.TABLE,
            (
                Query(
                    of(metrics.PRICE_TABLE_INFO).now("name", "as_of", how="count"),
                    "Workers",
                    instant=True,
                ),
            ),
            width=8,
            decimals=0,
        ),
    )
