"""Values are shown in their units, and queries asked as Grafana would."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from callfleet_drawing.asking import Line, Span, resolved
from callfleet_drawing.command import BOARDS, main
from callfleet_drawing.frames import Drawn, properties, series
from callfleet_drawing.graphs import graph
from callfleet_drawing.units import shown

SPAN = Span(1000.0, 1600.0, 5.0, 20.0, {"fleet": "support"})


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "told"),
    [
        (0.0004, "s", None, "400 µs"),
        (0.0046, "s", None, "4.6 ms"),
        (0.5, "s", None, "500 ms"),
        (1.25, "s", None, "1.25 s"),
        (300, "s", None, "5.0 mins"),
        (0, "s", None, "0 s"),
        (0.995, "percentunit", 1, "99.5%"),
        (3, "percent", 0, "3%"),
        (0.0208, "currencyUSD", 4, "$0.0208"),
        (7900, "short", 1, "7.9 K"),
        (3, "short", 0, "3"),
        (2.5, "cps", None, "2.5 c/s"),
        (2**21, "bytes", None, "2.0 MiB"),
    ],
)
def test_a_value_is_written_in_its_unit(
    value: float, unit: str, decimals: int | None, told: str
) -> None:
    assert shown(value, unit, decimals) == told


def test_variables_have_their_values_and_those_that_are_not_chosen_any() -> None:
    asked = 'rate(x{fleet=~"$fleet", pod=~"${pod}"}[$__rate_interval]) / y[$__range]'
    assert resolved(asked, SPAN) == 'rate(x{fleet=~"support", pod=~".*"}[20s]) / y[600s]'


def test_a_series_is_named_by_its_labels_and_shown_as_its_board_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [Line({"leg": name}, ((1000.0, 1.0),)) for name in ("agent_in", "agent_out")]
    monkeypatch.setattr("callfleet_drawing.frames.ask", lambda *_: lines)
    override = {
        "matcher": {"id": "byName", "options": "leg agent_in"},
        "properties": [
            {"id": "displayName", "value": "In"},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
        ],
    }
    panel = {
        "targets": [
            {"expr": "x", "legendFormat": "leg {{leg}}", "datasource": {"type": "prometheus"}}
        ],
        "fieldConfig": {"defaults": {}, "overrides": [override]},
    }
    first, second = series(panel, "http://nowhere", SPAN)
    assert (first.name, second.name) == ("In", "leg agent_out")
    assert first.colour == "#f2495c"
    assert properties(panel, "leg agent_out") == {}


def test_what_is_nought_is_not_seen_on_a_stack() -> None:
    points = [tuple((at, value) for at in (1000.0, 1300.0, 1600.0)) for value in (2.0, 0.0)]
    drawn = [
        Drawn(name, Line({}, each), colour, {})
        for name, each, colour in zip(("good", "poor"), points, ("#73bf69", "#f2495c"), strict=True)
    ]
    custom = {"drawStyle": "line", "fillOpacity": 60, "stacking": {"mode": "normal"}}
    axes = Figure().add_subplot()
    panel = {"fieldConfig": {"defaults": {"unit": "short", "custom": custom}}}
    graph(axes, panel, drawn, [], SPAN)
    assert list(axes.lines) == []
    heights = [float(np.ptp(area.get_paths()[0].vertices[:, 1])) for area in axes.collections]
    assert heights == [2.0, 0.0]


def test_docs_have_a_picture_of_every_board() -> None:
    pictures = Path(__file__).resolve().parents[2] / "docs" / "boards"
    there = {file.stem for file in pictures.glob("*.png")}
    assert there == {file.stem for file in BOARDS.glob("*.json")}


def test_a_prometheus_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["http://127.0.0.1:9", str(tmp_path)]) == 1
    assert "nothing drawn" in capsys.readouterr().err
