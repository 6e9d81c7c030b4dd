"""Boards are what Grafana takes, are tidy, lead to each other, and ask for what is exported."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from grafana_schema import UNKNOWN_TO_THE_SDK, complaints

from callfleet_contract import metrics, operator_metrics, slos
from callfleet_contract.metric import Metric
from callfleet_dashboards import burning
from callfleet_dashboards.boards import overview, quality
from callfleet_dashboards.boards.all import boards
from callfleet_dashboards.boards.built import TAG, built, written
from callfleet_dashboards.boards.foreign import ALERTS, Process
from callfleet_dashboards.boards.panels import Drawing, Panel, Query, Row, Unit
from callfleet_dashboards.boards.queries import of
from callfleet_dashboards.livekit import LiveKit

Json = dict[str, Any]
ALL: dict[str, Json] = {board.uid: json.loads(written(board)) for board in boards()}
UIDS = [f"callfleet-{name}" for name in ("overview", "quality", "slo", "cost", "operator", "call")]
"""They are in links that people keep: none may change."""
KNOWN = {metric.shown_as for metric in (*metrics.CATALOGUE, *operator_metrics.CATALOGUE)}
RECORDED = {
    *(burning.ratio_of(window) for window in (*burning.SHORT_WINDOWS, *burning.LONG_WINDOWS)),
    *(burning.EVENTS, burning.BAD_EVENTS, burning.OBJECTIVE, burning.BUDGET, burning.BUDGET_LEFT),
}
each_board = pytest.mark.parametrize("board", ALL.values(), ids=list(ALL))


def panels(board: Json) -> list[Json]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: Json) -> Iterator[Json]:
    for panel in panels(board):
        yield from panel.get("targets", [])


def expressions(board: Json) -> Iterator[str]:
    yield from (query["expr"] for query in queries(board) if is_promql(query))
    yield from (each["expr"] for each in board["annotations"]["list"])


def is_promql(query: Json) -> bool:
    return bool(query["datasource"]["type"] == "prometheus")


def names_in(expression: str) -> set[str]:
    """Every metric that an expression names: what a brace or a range follows, or stands alone."""
    bare = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"\b(?:callfleet_|livekit_|process_|slo:)[\w:]+|\bALERTS\b", bare))


def test_there_are_six_and_they_are_found_where_they_always_were() -> None:
    assert list(ALL) == UIDS
    assert all(board["uid"] == uid for uid, board in ALL.items())


@each_board
def test_grafana_understands_all_of_it(board: Json) -> None:
    assert complaints(board) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"colour": "red"}, "Panel has no colour"),
        ({"title": 7}, "7 is no str"),
        ({"type": "graph"}, "there is no plugin graph"),
        ({"gridPos": {"x": 0, "y": 0, "w": 4}}, "h of GridPos is missing"),
        ({"options": {"graphMode": "areas"}}, "'areas' is no BigValueGraphMode"),
    ],
)
def test_what_grafana_does_not_understand_would_be_seen(change: Json, told: str) -> None:
    board = copy.deepcopy(ALL["callfleet-overview"])
    panels(board)[0].update(change)
    assert any(told in complaint for complaint in complaints(board))


@each_board
def test_panels_fill_the_grid_without_holes_and_none_covers_another(board: Json) -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in board["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    height = 1 + max(y for _, y in cells)
    assert len(cells) == len(set(cells))
    assert set(cells) == {(x, y) for x in range(24) for y in range(height)}


@each_board
def test_every_panel_has_a_number_of_its_own_and_says_what_it_shows(board: Json) -> None:
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    assert all(panel["title"] for panel in board["panels"])
    assert all(panel["description"].endswith(".") for panel in panels(board))
    assert board["description"].endswith(".")


@each_board
def test_every_figure_has_a_unit(board: Json) -> None:
    plain = {"text", "logs", *UNKNOWN_TO_THE_SDK}
    figures = [panel for panel in panels(board) if panel["type"] not in plain]
    assert all(panel["fieldConfig"]["defaults"]["unit"] in set(Unit) for panel in figures)
    assert all(panel["targets"] for panel in figures)


@each_board
def test_nothing_that_is_nought_is_drawn_over_what_is_stacked(board: Json) -> None:
    drawn = [panel.get("fieldConfig", {}).get("defaults", {}) for panel in panels(board)]
    custom = [each["custom"] for each in drawn if "stacking" in each.get("custom", ())]
    assert {each["lineWidth"] for each in custom} == {0}


@each_board
def test_no_source_is_named_but_by_a_variable_that_the_board_has(board: Json) -> None:
    has = {each["name"] for each in board["templating"]["list"] if each["type"] == "datasource"}
    asks = [
        *queries(board),
        *(panel for panel in panels(board) if "datasource" in panel),
        *board["annotations"]["list"],
        *(each for each in board["templating"]["list"] if each["type"] == "query"),
    ]
    assert {each["datasource"]["uid"] for each in asks} == {f"${{{name}}}" for name in has}


@each_board
def test_loki_takes_what_it_is_asked_whatever_is_chosen(board: Json) -> None:
    """It refuses a selector whose every matcher an empty label would meet."""
    for query in queries(board):
        if query["datasource"]["type"] == "loki":
            (selector,) = re.findall(r"^\{(.*?)\}", query["expr"])
            matchers = re.findall(r'=~"([^"]*)"', re.sub(r"\$\w+", ".*", selector))
            assert any(not re.fullmatch(each, "") for each in matchers)


@each_board
def test_queries_use_the_variables_that_are_there_and_the_windows_that_grafana_chooses(
    board: Json,
) -> None:
    has = {each["name"] for each in board["templating"]["list"]}
    given = {"__rate_interval", "__range"}
    used = {name for each in expressions(board) for name in re.findall(r"\$\{?(\w+)", each)}
    assert used <= has | given
    for query in filter(is_promql, queries(board)):
        windows = set(re.findall(r"\[([^\]]+)\]", query["expr"]))
        assert windows <= {"$__range" if query["instant"] else "$__rate_interval"}


@each_board
def test_a_share_of_nothing_is_not_shown(board: Json) -> None:
    """It is recorded as NaN, which is above no limit, and Grafana would write so."""
    for each in expressions(board):
        assert bool("ratio_rate" in each) == bool(re.search(r"ratio_rate\w+\{[^}]*\}\) >= 0", each))


@each_board
def test_names_are_of_the_catalogue_of_the_rules_or_of_a_few_others(board: Json) -> None:
    parts = {f"{name}{part}" for name in KNOWN for part in ("_bucket", "_count", "_sum")}
    others = {*LiveKit, *Process, ALERTS, f"{LiveKit.PACKET_LOSS}_bucket"}
    named = {name for each in expressions(board) for name in names_in(each)}
    assert named
    assert named <= KNOWN | parts | RECORDED | others


def test_every_metric_is_on_some_board() -> None:
    whole = " ".join(each for board in ALL.values() for each in expressions(board))
    assert {name for name in KNOWN if name not in whole} == set()


@each_board
def test_boards_lead_to_each_other_with_fleets_and_time(board: Json) -> None:
    (link,) = board["links"]
    assert link["tags"] == board["tags"] == [TAG]
    assert link["includeVars"]
    assert link["keepTime"]


def test_links_in_tables_lead_to_boards_that_there_are() -> None:
    whole = json.dumps(list(ALL.values()))
    assert set(re.findall(r"/d/([\w-]+)", whole)) <= set(UIDS)
    assert "/d/callfleet-quality" in whole


@each_board
def test_deploys_and_alerts_are_marked(board: Json) -> None:
    marks = {each["name"]: each["expr"] for each in board["annotations"]["list"]}
    assert "callfleet_build_info" in marks["New versions"]
    assert "callfleet_rollout_phase" in marks["Rollouts"]
    assert 'ALERTS{alertstate="firing"' in marks["Alerts"]


def test_slow_turns_lead_to_their_traces() -> None:
    for uid in ("callfleet-overview", "callfleet-quality", "callfleet-call"):
        with_dots = [each for each in queries(ALL[uid]) if each.get("exemplar")]
        assert with_dots
        assert all("turn_response_seconds_bucket" in each["expr"] for each in with_dots)


def test_limits_are_those_of_the_objectives() -> None:
    found = {
        panel["title"]: [step.get("value") for step in fields["defaults"]["thresholds"]["steps"]]
        for board in ALL.values()
        for panel in panels(board)
        if (fields := panel.get("fieldConfig"))
    }
    assert found["Silent after an interruption"] == [None, slos.BARGE_IN.limit]
    assert found["Time to the greeting"] == [None, slos.CALL_SUCCESS.limit]
    assert found["What the fleet adds, 99 %"] == [None, slos.FLEET_OVERHEAD.limit]
    for burn in burning.BURNS:
        assert found[f"Burn rate over {burn.long}"] == [None, burn.factor]


def test_a_metric_that_is_renamed_is_renamed_on_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = replace(metrics.TURNS_TOTAL, name="replies_total")
    monkeypatch.setattr(metrics, "TURNS_TOTAL", renamed)
    monkeypatch.setattr(metrics, "CATALOGUE", (*metrics.CATALOGUE, renamed))
    told = written(quality.board())
    assert "callfleet_replies_total" in told
    assert "callfleet_turns_total" not in told


@pytest.mark.parametrize(
    ("metric", "labels", "told"),
    [
        (Metric("made_up", metrics.CALLS_ACTIVE.kind, "."), {}, "not in the catalogue"),
        (metrics.TURNS_TOTAL, {"end_reason": "bored"}, "no end_reason of bored"),
        (metrics.TURNS_TOTAL, {"room": "x"}, "no label room"),
    ],
)
def test_what_nothing_exports_cannot_be_asked_for(
    metric: Metric, labels: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        of(metric, **labels)


def test_a_gauge_has_no_rate_and_a_limit_is_a_bucket() -> None:
    with pytest.raises(ValueError, match="is a gauge"):
        of(metrics.CALLS_ACTIVE).rate()
    with pytest.raises(ValueError, match="no bucket that ends at"):
        of(metrics.CALL_SETUP_SECONDS).share_above(0.7)


@pytest.mark.parametrize(
    ("widths", "heights", "told"),
    [((12, 8), (8, 8), "not full"), ((16, 12), (8, 8), "too wide"), ((12, 12), (8, 6), "as high")],
)
def test_a_line_that_leaves_a_hole_is_refused(
    widths: tuple[int, int], heights: tuple[int, int], told: str
) -> None:
    told_panels = tuple(
        Panel(f"{place}", ".", Drawing.LINES, (Query("1"),), width=width, height=height)
        for place, (width, height) in enumerate(zip(widths, heights, strict=True))
    )
    board = replace(overview.board(), rows=(Row("One", told_panels),))
    with pytest.raises(ValueError, match=told):
        built(board)
