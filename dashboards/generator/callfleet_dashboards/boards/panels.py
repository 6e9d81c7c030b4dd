"""What a panel is: a question, the queries that answer it, how that is drawn. Data only."""

from dataclasses import dataclass, field
from enum import StrEnum

GREEN, YELLOW, RED, BLUE, GREY = "green", "yellow", "red", "blue", "text"
WHOLE_WIDTH = 24
"""Of the grid, in columns."""


class Source(StrEnum):
    """Where an answer comes from; each is a variable of the boards that ask it."""

    METRICS = "prometheus"
    LOGS = "loki"
    TRACES = "tempo"

    @property
    def variable(self) -> str:
        """The variable's name."""
        return "datasource" if self is Source.METRICS else f"{self}_datasource"


class Unit(StrEnum):
    """Units as Grafana names them."""

    NUMBER = "short"
    SECONDS = "s"
    SHARE = "percentunit"
    PERCENT = "percent"
    DOLLARS = "currencyUSD"
    PER_SECOND = "cps"
    BYTES = "bytes"


class Drawing(StrEnum):
    """How an answer is drawn."""

    FIGURE = "figure"
    LINES = "lines"
    STACK = "stack"
    BARS = "bars"
    LENGTHS = "lengths"
    """One horizontal bar for each series, as long as its last value."""
    HEAT = "heat"
    STATES = "states"
    TABLE = "table"
    TEXT = "text"
    LOGS = "logs"
    TRACE = "trace"


@dataclass(frozen=True, slots=True)
class Query:
    """One query; ``legend`` names its series, or its column in a table."""

    expression: str
    legend: str = ""
    instant: bool = False
    exemplars: bool = False
    source: Source = Source.METRICS


@dataclass(frozen=True, slots=True)
class Limits:
    """From which value on which colour; ``None`` is from the lowest on."""

    steps: tuple[tuple[float | None, str], ...]


def at_most(limit: float) -> Limits:
    """Be red above a limit."""
    return Limits(((None, GREEN), (limit, RED)))


def at_least(limit: float) -> Limits:
    """Be red below a limit."""
    return Limits(((None, RED), (limit, GREEN)))


NO_LIMITS = Limits(((None, BLUE),))
NONE_AT_ALL = Limits(((None, GREEN), (1e-9, RED)))
"""Anything above nought is red."""


@dataclass(frozen=True, slots=True)
class Series:
    """How one series, or one column, differs from the panel: found by its name as ``legend`` is."""

    name: str
    shown: str = ""
    unit: Unit | None = None
    decimals: int | None = None
    limits: Limits | None = None
    colour: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. ``text`` is what it says where it asks nothing."""

    title: str
    description: str
    drawing: Drawing
    queries: tuple[Query, ...]
    unit: Unit = Unit.NUMBER
    width: int = 8
    height: int = 8
    limits: Limits = NO_LIMITS
    series: tuple[Series, ...] = ()
    decimals: int | None = None
    least: float | None = 0
    most: float | None = None
    words: tuple[tuple[str, str, str], ...] = ()
    """Values with the words and the colours that they are shown in."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading; they fill whole lines of the grid, from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One board. ``fleets_of`` is a query for series that have the fleets to choose from."""

    uid: str
    title: str
    description: str
    fleets_of: str
    rows: tuple[Row, ...]
    span: str = "now-3h"
    asks_pod: bool = False
    asks: tuple[tuple[str, str], ...] = ()
    """Variables that are typed in: name and label."""
    sources: tuple[Source, ...] = field(default=(Source.METRICS,))
