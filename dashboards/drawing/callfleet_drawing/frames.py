"""What a panel has to draw: series with names, colours and units. Pure but for the asking."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from callfleet_drawing.asking import Json, Labels, Line, Span, ask

PALETTE = (
    "#73bf69",
    "#f2cc0c",
    "#8ab8ff",
    "#ff780a",
    "#f2495c",
    "#5794f2",
    "#b877d9",
    "#705da0",
    "#37872d",
    "#fade2a",
)
COLOURS = {
    "green": "#73bf69",
    "light-green": "#96d98d",
    "yellow": "#fade2a",
    "orange": "#ff9830",
    "red": "#f2495c",
    "dark-red": "#c4162a",
    "blue": "#5794f2",
    "purple": "#b877d9",
    "light-blue": "#8ab8ff",
    "light-orange": "#ffb357",
    "text": "#ccccdc",
}
_LEGEND = re.compile(r"\{\{\s*([\w]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One series as it is drawn."""

    name: str
    line: Line
    colour: str
    properties: Json


def series(panel: Json, url: str, span: Span) -> list[Drawn]:
    """Ask all that a panel asks of Prometheus."""
    found = [
        (_named(query["legendFormat"], line.labels), line)
        for query in promql(panel)
        for line in ask(url, query, span)
    ]
    return [_drawn(panel, name, line, place) for place, (name, line) in enumerate(found)]


def promql(panel: Json) -> Iterator[Json]:
    """Give the queries of a panel that Prometheus answers."""
    for query in panel.get("targets", []):
        if query["datasource"]["type"] == "prometheus":
            yield query


def _named(legend: str, labels: Labels) -> str:
    if legend != "__auto":
        return _LEGEND.sub(lambda found: labels.get(found[1], ""), legend).strip()
    return ", ".join(labels.values()) or "Value"


def _drawn(panel: Json, name: str, line: Line, place: int) -> Drawn:
    own = properties(panel, name)
    fixed = own.get("color", {}).get("fixedColor", "")
    colour = COLOURS.get(fixed) or PALETTE[place % len(PALETTE)]
    return Drawn(own.get("displayName", name), line, colour, own)


def properties(panel: Json, name: str) -> Json:
    """Say how a series or a column differs from its panel."""
    return {
        one["id"]: one["value"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == name
        for one in override["properties"]
    }


def steps(panel: Json, own: Json) -> list[tuple[float | None, str]]:
    """Give from which value on which colour."""
    told = own.get("thresholds") or panel["fieldConfig"]["defaults"]["thresholds"]
    return [(step.get("value"), COLOURS[step["color"]]) for step in told["steps"]]


def coloured(panel: Json, own: Json, value: float) -> str:
    """Choose a value's colour."""
    colour = COLOURS["text"]
    for least, each in steps(panel, own):
        if least is None or value >= least:
            colour = each
    return colour


def unit(panel: Json, own: Json) -> tuple[str, int | None]:
    """Give unit and decimals."""
    defaults = panel["fieldConfig"]["defaults"]
    has_own = "unit" in own or "decimals" in own
    decimals = own.get("decimals") if has_own else defaults.get("decimals")
    return own.get("unit", defaults["unit"]), decimals
