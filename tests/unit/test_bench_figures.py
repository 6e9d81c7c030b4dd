"""The bench compares like with like: round by round, and the texts that it says it compares."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from synthetic import change_call, rehearsal

from callfleet_rehearsal.bench import contenders
from callfleet_rehearsal.bench.carried import Carried, capacity_ratio
from callfleet_rehearsal.bench.cell import Cell
from callfleet_rehearsal.bench.contenders import CONTENDERS, FLOOR, OURS, PLAIN, Contender, digest
from callfleet_rehearsal.bench.figures import BY_KEY, ROWS, Middle, figure, middle, ratio
from callfleet_rehearsal.bench.run import Plan
from callfleet_rehearsal.bench.table import last_line, reservations, tables
from callfleet_rehearsal.evidence import CallEnd, Dispatch, ProcessCost
from callfleet_rehearsal.verdict import Evidence

CPU, ADDED, FAILED = BY_KEY["cpu"], BY_KEY["added_p50"], BY_KEY["failed"]
MS = 1_000_000
costs_of_cpu = st.floats(0.01, 1000.0)


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
BROKEN = Cell.of_broken(PLAIN.key, 3, (10, 5), "worker ended by itself with signal SIGKILL")


def shown(cells: list[Cell]) -> str:
    console = Console(width=200, record=True)
    for table in tables(cells, (PLAIN, OURS)):
        console.print(table)
    return console.export_text()


def test_a_ratio_is_taken_within_a_round_so_that_drift_cancels_out() -> None:
    assert ratio(DRIFTING, OURS.key, PLAIN.key, 10, CPU) == Middle(0.5, 0.25, 0.5, 3)


@given(
    plain=st.lists(costs_of_cpu, min_size=1, max_size=6),
    share=st.floats(0.01, 100.0),
)
def test_a_ratio_that_is_the_same_in_each_round_has_no_spread(
    plain: list[float], share: float
) -> None:
    cells = [cell(PLAIN, number, cpu) for number, cpu in enumerate(plain)]
    cells += [cell(OURS, number, cpu * share) for number, cpu in enumerate(plain)]
    found = ratio(cells, OURS.key, PLAIN.key, 10, CPU)
    assert found is not None
    assert (found.least, found.most) == pytest.approx((share, share))
    assert found.count == len(plain)


@given(
    ours=st.lists(costs_of_cpu, min_size=1, max_size=6), plain=st.lists(costs_of_cpu, max_size=6)
)
def test_a_ratio_counts_the_rounds_that_both_were_in_and_no_other(
    ours: list[float], plain: list[float]
) -> None:
    cells = [cell(OURS, number, cpu) for number, cpu in enumerate(ours)]
    cells += [cell(PLAIN, number, cpu) for number, cpu in enumerate(plain)]
    found = ratio(cells, OURS.key, PLAIN.key, 10, CPU)
    assert (found.count if found else 0) == min(len(ours), len(plain))


def test_a_figure_is_the_median_over_the_rounds_of_its_number_of_calls() -> None:
    assert figure(DRIFTING, PLAIN.key, 10, CPU) == Middle(8.0, 6.0, 12.0, 3)


def test_what_was_not_measured_has_no_figure_and_no_ratio() -> None:
    assert middle([None, None]) is None
    assert figure(DRIFTING, PLAIN.key, 10, ADDED) is None
    assert ratio(DRIFTING, OURS.key, PLAIN.key, 20, CPU) is None
    assert ratio(DRIFTING, OURS.key, FLOOR.key, 10, CPU) is None


def test_processes_of_workers_that_are_made_differently_have_no_ratio() -> None:
    assert figure(DRIFTING, OURS.key, 10, BY_KEY["cpu: worker calls"]) is not None
    assert ratio(DRIFTING, OURS.key, PLAIN.key, 10, BY_KEY["cpu: worker calls"]) is None


def test_a_workers_cost_is_its_parents_and_its_calls_and_nobody_elses() -> None:
    costs = (
        ProcessCost("worker parent", 1, 1.0, 10),
        ProcessCost("worker calls", 2, 2.0, 20),
        ProcessCost("callers", 1, 50.0, 500),
    )
    calls = rehearsal(calls=1, turns=2).calls
    seen = Cell.of(OURS.key, 0, (1, 2), Evidence(calls=calls, costs=costs))
    minutes = (calls[0].ended_ns - (calls[0].joined_ns or 0)) / 60e9
    assert CPU.of(seen) == pytest.approx(3.0 / minutes)
    assert BY_KEY["memory"].of(seen) == 30
    assert BY_KEY["cpu: callers"].of(seen) == pytest.approx(50.0 / minutes)
    assert BY_KEY["memory: callers"].of(seen) == 500


def test_what_is_added_is_split_without_a_rest_into_up_down_and_the_callers_ear() -> None:
    seen = Cell.of(OURS.key, 0, (10, 6), rehearsal())
    parts = zip(seen.up, seen.down, seen.ear, strict=True)
    assert [sum(one) for one in parts] == pytest.approx(seen.added)


def test_dispatch_is_from_the_callers_being_let_in_to_the_agents_being_there() -> None:
    came = Dispatch(let_in_ns=100 * MS, agent_came_ns=350 * MS, agent_track_ns=None)
    seen = Cell.of(
        OURS.key,
        0,
        (1, 6),
        change_call(rehearsal(calls=1), 0, lambda call: replace(call, dispatch=came)),
    )
    assert BY_KEY["dispatch_p95"].of(seen) == pytest.approx(0.25)
    assert BY_KEY["dispatch_track_p95"].of(seen) is None


def test_turns_that_never_came_to_be_are_failed_turns() -> None:
    silent = change_call(
        rehearsal(calls=2, turns=3),
        1,
        lambda call: replace(
            call, end=CallEnd.NEVER_ANSWERED, greeting_heard_ns=None, turns=(), segments=()
        ),
    )
    seen = Cell.of(PLAIN.key, 0, (2, 3), silent)
    assert (seen.turns, seen.failed_turns, seen.lost_calls) == (6, 3, 1)
    assert len(seen.added) == 3


def test_a_run_that_broke_is_shown_with_all_its_turns_failed_and_spoils_no_other_figure() -> None:
    cells = [*DRIFTING, BROKEN, cell(OURS, 3, 5.0)]
    assert FAILED.of(BROKEN) == 50
    assert ratio(cells, OURS.key, PLAIN.key, 10, CPU) == Middle(0.5, 0.25, 0.5, 3)
    assert f"plain, 10 calls, round 4: {BROKEN.broken}" in list(reservations(cells))
    assert "0 (0 to 50)" in shown(cells)


@pytest.mark.parametrize(
    ("failed", "said"), [(0, []), (5, []), (6, ["6 of 50"]), (50, ["50 of 50"])]
)
def test_where_many_turns_failed_it_is_said_that_times_are_those_of_the_others(
    failed: int, said: list[str]
) -> None:
    found = list(reservations([Cell(PLAIN.key, 0, 10, turns=50, failed_turns=failed)]))
    assert [one.partition(" turns failed; ")[0] for one in found] == [
        f"plain, 10 calls: {one}" for one in said
    ]


def test_where_every_run_broke_ratios_are_shown_as_missing() -> None:
    cells = [BROKEN, cell(OURS, 3, 5.0)]
    assert last_line(cells) == "bench: p95=? cpu=? memory=? capacity=?"
    (line,) = (line for line in shown(cells).splitlines() if line.startswith("CPU of the worker"))
    assert line.split()[-3:] == ["—", "5.00", "—"]


def test_every_round_begins_with_another_contender_and_each_has_its_turn() -> None:
    plan = Plan((PLAIN, OURS, FLOOR), (10,), rounds=3)
    order = [(number, one.key) for number, _, one in plan.order()]
    assert [key for _, key in order[::3]] == [PLAIN.key, OURS.key, FLOOR.key]
    assert sorted(order) == sorted((n, one.key) for n in range(3) for one in plan.contenders)


def test_the_table_and_the_last_line_say_what_ours_is_of_others() -> None:
    text = shown(DRIFTING)
    assert "10 calls at once, median of 3 rounds" in text
    assert "0.50 (0.25 to 0.50)" in text
    carried = (Carried(PLAIN.key, 4, 5, known=True), Carried(OURS.key, 18, 19, known=True))
    assert last_line(DRIFTING, carried) == "bench: p95=? cpu=0.50 memory=? capacity=4.50"


@pytest.mark.parametrize(
    ("plain", "ratio_of_calls"),
    [
        (Carried(PLAIN.key, 6, 7, known=True), 2.0),
        (Carried(PLAIN.key, 0, 1, known=True), None),
        (Carried(PLAIN.key, 6, None, known=False), None),
        (Carried("tuned", 6, 7, known=True), None),
    ],
)
def test_capacities_are_divided_where_both_are_known_and_plain_carries_any(
    plain: Carried, ratio_of_calls: float | None
) -> None:
    ours = Carried(OURS.key, 12, None, known=True)
    assert capacity_ratio((plain, ours), OURS.key, PLAIN.key) == ratio_of_calls


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            Carried("plain", 3, 4, known=True, why="answer: p95 is 4 s"),
            "plain carries 3 calls within the objectives; at 4: answer: p95 is 4 s",
        ),
        (
            Carried("plain", 0, 1, known=True),
            "plain carries not a single call within the objectives; at 1",
        ),
        (
            Carried("callfleet", 60, None, known=True),
            "callfleet carries 60 calls or more within the objectives",
        ),
        (
            Carried("plain", 3, None, known=False),
            "plain: 3 calls held; what more would do is unknown",
        ),
    ],
)
def test_a_capacity_is_told_in_a_sentence(found: Carried, sentence: str) -> None:
    assert found.sentence == sentence


def test_every_figure_has_a_key_of_its_own() -> None:
    assert len(BY_KEY) == len(ROWS)


@pytest.mark.parametrize("contender", [one for one in CONTENDERS if one.sha256])
def test_who_we_are_measured_against_is_pinned_to_the_letter(contender: Contender) -> None:
    assert digest(contender) == contender.sha256


def test_both_workers_of_others_are_pinned() -> None:
    assert {one.key for one in CONTENDERS if one.sha256} == {PLAIN.key, contenders.TUNED.key}
