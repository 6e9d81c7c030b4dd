"""The bench compares like with like: round by round, and the texts that it says it compares."""

import pytest
from rich.console import Console

from callfleet_rehearsal.bench import contenders
from callfleet_rehearsal.bench.contenders import CONTENDERS, FLOOR, OURS, PLAIN, Contender, digest
from callfleet_rehearsal.bench.figures import ROWS, Cell, Middle, figure, middle, ratio
from callfleet_rehearsal.bench.run import Plan
from callfleet_rehearsal.bench.table import last_line, tables
from callfleet_rehearsal.evidence import ProcessCost
from callfleet_rehearsal.verdict import Evidence

CPU = next(row for row in ROWS if row.key == "cpu")
ADDED = next(row for row in ROWS if row.key == "added_p50")


def cell(contender: Contender, number: int, cpu: float, calls: int = 10) -> Cell:
    return Cell(contender.key, number, calls, cpu_seconds_per_call_minute={"worker calls": cpu})


DRIFTING = [
    cell(PLAIN, 0, 6.0),
    cell(OURS, 0, 3.0),
    cell(PLAIN, 1, 12.0),
    cell(OURS, 1, 6.0),
    cell(PLAIN, 2, 8.0),
    cell(OURS, 2, 2.0),
    cell(OURS, 0, 100.0, calls=20),
]


def test_a_ratio_is_taken_within_a_round_so_that_drift_cancels_out() -> None:
    assert ratio(DRIFTING, OURS.key, PLAIN.key, 10, CPU) == Middle(0.5, 0.25, 0.5)


def test_a_figure_is_the_median_over_the_rounds_of_its_number_of_calls() -> None:
    assert figure(DRIFTING, PLAIN.key, 10, CPU) == Middle(8.0, 6.0, 12.0)


def test_what_was_not_measured_has_no_figure_and_no_ratio() -> None:
    assert middle([None, None]) is None
    assert figure(DRIFTING, PLAIN.key, 10, ADDED) is None
    assert ratio(DRIFTING, OURS.key, PLAIN.key, 20, CPU) is None
    assert ratio(DRIFTING, OURS.key, FLOOR.key, 10, CPU) is None


def test_a_workers_cost_is_its_parents_and_its_calls_and_nobody_elses() -> None:
    costs = (
        ProcessCost("worker parent", 1, 1.0, 10),
        ProcessCost("worker calls", 2, 2.0, 20),
        ProcessCost("callers", 1, 50.0, 500),
    )
    seen = Cell.of(OURS.key, 0, 1, Evidence(calls=(), costs=costs))
    assert (seen.worker_cpu, seen.pss_bytes) == (180.0 / 60, 30)


def test_every_round_begins_with_another_contender_and_each_has_its_turn() -> None:
    plan = Plan((PLAIN, OURS, FLOOR), (10,), rounds=3)
    order = [(number, one.key) for number, _, one in plan.order()]
    assert [key for _, key in order[::3]] == [PLAIN.key, OURS.key, FLOOR.key]
    assert sorted(order) == sorted((n, one.key) for n in range(3) for one in plan.contenders)


def test_the_table_and_the_last_line_say_what_ours_is_of_others() -> None:
    console = Console(width=200, record=True)
    for table in tables(DRIFTING, (PLAIN, OURS)):
        console.print(table)
    shown = console.export_text()
    assert "10 calls at once, median of 3 rounds" in shown
    assert "0.50 (0.25 to 0.50)" in shown
    assert last_line(DRIFTING) == "bench: p95=? cpu=0.50 memory=?"


@pytest.mark.parametrize("contender", [one for one in CONTENDERS if one.sha256])
def test_who_we_are_measured_against_is_pinned_to_the_letter(contender: Contender) -> None:
    assert digest(contender) == contender.sha256


def test_both_workers_of_others_are_pinned() -> None:
    assert {one.key for one in CONTENDERS if one.sha256} == {PLAIN.key, contenders.TUNED.key}
