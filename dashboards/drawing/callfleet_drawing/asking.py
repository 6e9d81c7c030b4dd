"""Ask a Prometheus what a panel asks, as Grafana would."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Labels = Mapping[str, str]
_PATIENCE_SECONDS = 60
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in seconds since 1970, how far points are apart, and how rates look back.

    ``chosen`` are the values of the board's variables; one that is not named has any.
    """

    start: float
    end: float
    step: float
    window: float
    chosen: Labels

    @property
    def seconds(self) -> int:
        """How long it is."""
        return max(1, round(self.end - self.start))


@dataclass(frozen=True, slots=True)
class Line:
    """One series of an answer: times and values, of which an instant has one."""

    labels: Labels
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """Its last value."""
        return self.points[-1][1]


def resolved(expression: str, span: Span) -> str:
    """Put values in the place of Grafana's variables."""
    own = {"__rate_interval": f"{span.window:g}s", "__range": f"{span.seconds}s"}

    def put(found: "re.Match[str]") -> str:
        name = found[1] or found[2]
        return own.get(name) or span.chosen.get(name, ".*")

    return _VARIABLE.sub(put, expression)


def ask(url: str, query: Json, span: Span) -> list[Line]:
    """Ask one query of a panel; series without a number are left out.

    Raises:
        ValueError: Prometheus does not understand it.
        OSError: Prometheus does not answer.

    """
    told = {"query": resolved(query["expr"], span)}
    if query.get("instant"):
        found = _get(url, "query", {**told, "time": f"{span.end}"})["result"]
        lines = [Line(each["metric"], _numbers([each["value"]])) for each in found]
    else:
        times = {"start": f"{span.start}", "end": f"{span.end}", "step": f"{span.step}"}
        found = _get(url, "query_range", {**told, **times})["result"]
        lines = [Line(each["metric"], _numbers(each["values"])) for each in found]
    return [line for line in lines if line.points]


def exemplars(url: str, query: Json, span: Span) -> list[tuple[float, float, Labels]]:
    """Give the single events that lead to traces: time, value, labels.

    Raises:
        OSError: Prometheus does not answer.

    """
    times = {"start": f"{span.start}", "end": f"{span.end}"}
    found = _get(url, "query_exemplars", {"query": resolved(query["expr"], span), **times})
    return [
        (float(each["timestamp"]), float(each["value"]), each["labels"])
        for series in found
        for each in series["exemplars"]
    ]


def _numbers(values: list[list[Any]]) -> tuple[tuple[float, float], ...]:
    told = ((float(at), float(value)) for at, value in values)
    return tuple((at, value) for at, value in told if abs(value) < float("inf"))


def _get(url: str, path: str, told: Mapping[str, str]) -> Any:
    form = urllib.parse.urlencode(told).encode()
    asked = urllib.request.Request(f"{url}/api/v1/{path}", data=form)  # noqa: S310 - the user's own
    try:
        with urllib.request.urlopen(asked, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 - as above
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        message = f"Prometheus refuses {told['query']!r}: {error.read().decode()}"
        raise ValueError(message) from error
