"""Every query of every panel gets an answer from a Prometheus that scraped real calls.

What is asked of logs and traces has none here, and is listed with its reason. All is in one file,
so that one evening is enough.

``BOARDS_WAVES=4 DRAW_BOARDS=1 pytest tests/boards`` draws the pictures of docs/
anew, of a longer evening, on which a worker is killed while callers talk with it.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from board_evening import FLEET, Evening

from callfleet_contract import metrics
from callfleet_dashboards.boards import quality
from callfleet_dashboards.boards.all import boards
from callfleet_dashboards.boards.built import written
from callfleet_drawing.asking import ask, exemplars
from callfleet_drawing.command import draw_all

pytestmark = pytest.mark.timeout(1800)

Json = dict[str, Any]
MAY_BE_EMPTY = {
    ("callfleet-call", "Lines of the call"): "no Loki runs here",
    ("callfleet-call", "Trace"): "no Tempo runs here",
    ("callfleet-quality", "Stand-stills by tool"): "no tool holds up a loop unless it is at fault",
}
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "boards"
PNG = b"\x89PNG\r\n\x1a\n"
NEVER_EMPTY = {"callfleet-overview", "callfleet-slo", "callfleet-operator"}
ALL = {board.uid: json.loads(written(board)) for board in boards()}


def queries(board: Json) -> Iterator[tuple[str, Json]]:
    """Every query of a board, with the title of its panel."""
    for panel in board["panels"]:
        for query in panel.get("targets", []):
            yield panel["title"], query


def unanswered(evening: Evening, board: Json) -> list[str]:
    """Name the panels with a query that nothing answers."""
    return [
        f"{title}: {query['expr']}"
        for title, query in queries(board)
        if (board["uid"], title) not in MAY_BE_EMPTY and not ask(evening.url, query, evening.span)
    ]


@pytest.mark.parametrize("uid", ALL)
def test_every_query_is_answered(evening: Evening, uid: str) -> None:
    assert unanswered(evening, ALL[uid]) == []


def test_what_may_be_empty_is_little_and_is_there() -> None:
    there = {(uid, title) for uid, board in ALL.items() for title, _ in queries(board)}
    assert set(MAY_BE_EMPTY) <= there
    assert len(MAY_BE_EMPTY) <= 5
    assert NEVER_EMPTY.isdisjoint(uid for uid, _ in MAY_BE_EMPTY)


def test_fleets_and_pods_to_choose_from_are_those_that_there_are(evening: Evening) -> None:
    for uid, board in ALL.items():
        chosen = [each for each in board["templating"]["list"] if each["type"] == "query"]
        for each in chosen:
            series, _, label = each["query"].removeprefix("label_values(").rpartition(", ")
            query = {"expr": f"count by ({label.rstrip(')')}) ({series})"}
            found = {
                line.labels.get(each["name"]) for line in ask(evening.url, query, evening.span)
            }
            if each["name"] == "pod":
                assert len(found) > 1
                assert all(str(name).startswith(FLEET) for name in found)
            else:
                known = {"namespace": evening.namespace, "fleet": FLEET}
                assert found == {known[each["name"]]}, uid


def test_another_fleet_has_none_of_it(evening: Evening) -> None:
    span = replace(evening.span, chosen={"fleet": "another"})
    calls = {"expr": 'sum(callfleet_calls_active{fleet=~"$fleet"})'}
    assert ask(evening.url, calls, evening.span)
    assert ask(evening.url, calls, span) == []


def test_slow_turns_lead_to_their_calls(evening: Evening) -> None:
    dots = [
        labels
        for _, query in queries(ALL["callfleet-call"])
        if query.get("exemplar")
        for _, _, labels in exemplars(evening.url, query, evening.span)
    ]
    assert dots
    assert all("call_id" in labels for labels in dots)


def test_a_deploy_and_an_alert_are_marked(evening: Evening) -> None:
    for mark in ALL["callfleet-overview"]["annotations"]["list"]:
        if mark["name"] != "Alerts":
            assert ask(evening.url, mark, evening.span), mark["name"]


def test_a_metric_that_nothing_exports_by_this_name_would_be_seen(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = replace(metrics.TURNS_TOTAL, name="replies_total")
    monkeypatch.setattr(metrics, "TURNS_TOTAL", renamed)
    monkeypatch.setattr(metrics, "CATALOGUE", (*metrics.CATALOGUE, renamed))
    (told,) = unanswered(evening, json.loads(written(quality.board())))
    assert told.startswith("Replies by how they ended")


def busiest_pod(evening: Evening) -> str:
    """The worker that answered most turns: a board of one call shows one worker."""
    turns = "sum by (pod) (increase(callfleet_turn_response_seconds_count[$__range]))"
    lines = ask(evening.url, {"expr": turns, "instant": True}, evening.span)
    return max(lines, key=lambda line: line.last).labels["pod"]


def test_every_board_is_drawn(evening: Evening, tmp_path: Path) -> None:
    folder = PICTURES if os.environ.get("DRAW_BOARDS") else tmp_path
    span = replace(evening.span, chosen={"pod": busiest_pod(evening)})
    made = draw_all(evening.url, folder, span)
    assert [picture.stem for picture in made] == sorted(ALL)
    for picture in made:
        told = picture.read_bytes()
        assert told.startswith(PNG)
        # Frames and titles alone are less.
        assert len(told) > 30_000
