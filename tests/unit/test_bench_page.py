"""The bench's plots show every cell, whole and harmless, also where runs broke."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from synthetic import rehearsal

from callfleet_rehearsal.bench.carried import Carried
from callfleet_rehearsal.bench.cell import Cell, Idle
from callfleet_rehearsal.bench.contenders import FLOOR, OURS, PLAIN
from callfleet_rehearsal.bench.duration import bench_seconds, left_seconds, minutes
from callfleet_rehearsal.bench.kept import Kept
from callfleet_rehearsal.bench.page import page
from callfleet_rehearsal.command.bench import ALL_CALLS, ALL_CONTENDERS, ALL_ROUNDS, ALL_TURNS
from callfleet_rehearsal.stack.hardware import Hardware

VOID = {"meta", "br"}
BROKEN = Cell.of_broken(PLAIN.key, 1, (20, 6), "worker <b>died</b>")


def run(*cells: Cell) -> Kept:
    found = (
        Carried(PLAIN.key, 0, 1, known=True, why="<script>alert(1)</script>"),
        Carried(OURS.key, 12, 13, known=True),
    )
    return Kept("now", Hardware(2, "A < B", "Linux 6", 0), {"livekit": "1"}, {}, 1, 5, cells, found)


def cells(*numbers: int) -> tuple[Cell, ...]:
    return tuple(
        replace(
            Cell.of(one.key, 0, (calls, 6), rehearsal(calls=calls)), idle=Idle(0.01, 200_000_000)
        )
        for calls in numbers
        for one in (PLAIN, OURS, FLOOR)
    )


class Balance(HTMLParser):
    """Sees that every tag that is opened is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    ("kept", "numbers"),
    [
        (run(*cells(1, 4)), 2),
        (run(*cells(1), BROKEN), 2),
        (run(BROKEN), 1),
        (run(Cell(OURS.key, 0, 1)), 1),
    ],
    ids=["sound", "broken beside sound", "only broken", "nothing measured"],
)
def test_every_number_of_calls_has_its_four_plots(kept: Kept, numbers: int) -> None:
    balance = Balance()
    balance.feed(page(kept))
    assert not balance.open
    assert balance.tags.count("svg") == 4 * numbers
    assert not {"script", "img", "link", "b-died"} & set(balance.tags)


def test_a_broken_run_is_named_and_its_failed_turns_stand_in_its_plot() -> None:
    text = page(run(*cells(20), BROKEN))
    assert "plain, 20 calls, round 2: worker &lt;b&gt;died&lt;/b&gt;" in text
    assert "120 of 240 turns failed" in text
    assert "0 of 120 turns failed" in text


def test_each_answered_turn_is_a_dot() -> None:
    assert page(run(*cells(4))).count("<circle") == 3 * 4 * 6


def test_a_whole_bench_with_its_searches_takes_at_most_an_hour_and_a_half() -> None:
    calls = [int(number) for number in ALL_CALLS.split(",")]
    whole = calls * len(ALL_CONTENDERS.split(",")) * ALL_ROUNDS
    assert bench_seconds(whole, searches=2, turns=ALL_TURNS) <= 90 * 60


def test_what_is_left_is_told_at_the_pace_of_what_is_done() -> None:
    assert left_seconds([], 0.0, [10, 10], 5) == bench_seconds([10, 10], 0, 5)
    took = 2 * bench_seconds([10], 0, 5)
    assert left_seconds([10], took, [10, 10], 5) == pytest.approx(2 * took)
    assert (minutes(10), minutes(89), minutes(3600)) == ("1 min", "1 min", "60 min")
