"""A bench is held against an earlier one: what moved is told from what only jitters."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from callfleet_rehearsal.bench import comparison
from callfleet_rehearsal.bench.carried import Carried
from callfleet_rehearsal.bench.cell import Cell, Idle
from callfleet_rehearsal.bench.compare import (
    AGAINST,
    Change,
    carried_changes,
    changes,
    differences,
)
from callfleet_rehearsal.bench.contenders import OURS, PLAIN
from callfleet_rehearsal.bench.figures import BY_KEY
from callfleet_rehearsal.bench.kept import Kept, UnkeptError, document, read
from callfleet_rehearsal.stack.hardware import Hardware, hardware, memory_in, model_in

HERE = Hardware(2, "Some Processor", "Linux 6.1", 8_000_000_000)
cpus = st.lists(st.floats(0.01, 1000.0), min_size=1, max_size=6)


def kept(ours: list[float], plain: list[float] | None = None, calls: int = 10) -> Kept:
    """Make a run from the CPU of each round."""
    told = {OURS.key: ours, PLAIN.key: [8.0] * len(ours) if plain is None else plain}
    cells = tuple(
        Cell(who, number, calls, cpu_seconds_per_call_minute={"worker calls": cpu})
        for who, rounds in told.items()
        for number, cpu in enumerate(rounds)
    )
    versions, texts = {"livekit": "1.1.21"}, {PLAIN.key: "0123456789abcdef"}
    return Kept("26 November 2026, 9:00", HERE, versions, texts, 1, 5, cells)


def cpu_of(then: Kept, now: Kept, who: str = OURS.key) -> Change:
    (found,) = (one for one in changes(then, now) if (one.who, one.row.key) == (who, "cpu"))
    return found


@given(ours=cpus)
def test_against_itself_nothing_moves_and_every_known_ratio_is_one(ours: list[float]) -> None:
    run = kept(ours)
    found = list(changes(run, run))
    assert {one.ratio for one in found} <= {None, 1.0}
    assert not any(one.moved for one in found)
    assert all("one round has no spread" in one for one in differences(run, run))


@given(then=cpus, now=cpus)
def test_whether_a_figure_moved_is_the_same_from_both_sides(
    then: list[float], now: list[float]
) -> None:
    there, back = cpu_of(kept(then), kept(now)), cpu_of(kept(now), kept(then))
    assert there.moved == back.moved
    assert there.ratio == pytest.approx(1 / (back.ratio or 0.0))


@given(then=cpus, now=cpus, shared=st.floats(0.01, 1000.0))
def test_rounds_that_meet_are_never_taken_for_a_move(
    then: list[float], now: list[float], shared: float
) -> None:
    assert not cpu_of(kept([*then, shared]), kept([*now, shared])).moved


@given(then=st.lists(st.floats(1.0, 9.0), min_size=2, max_size=6), factor=st.floats(10.0, 100.0))
def test_a_move_that_is_larger_than_both_spreads_is_named(then: list[float], factor: float) -> None:
    found = cpu_of(kept(then), kept([cpu * factor for cpu in then]))
    assert found.moved
    assert found.ratio == pytest.approx(factor)


@given(then=cpus, now=cpus)
def test_one_round_has_no_spread_so_nothing_is_said_to_have_moved(
    then: list[float], now: list[float]
) -> None:
    found = cpu_of(kept(then[:1]), kept(now))
    assert not found.moved
    assert any("one round has no spread" in one for one in differences(kept(then[:1]), kept(now)))


def test_drift_of_the_whole_machine_moves_the_figures_and_not_their_ratio() -> None:
    then, now = kept([4.0, 4.1], [8.0, 8.2]), kept([6.0, 6.15], [12.0, 12.3])
    assert cpu_of(then, now).moved
    assert not cpu_of(then, now, AGAINST).moved


def test_what_one_run_could_not_measure_is_shown_as_missing_and_has_not_moved() -> None:
    broken = Cell.of_broken(OURS.key, 0, (10, 5), "worker was not registered within 120 s")
    found = cpu_of(kept([4.0, 4.1]), replace(kept([]), cells=(broken,)))
    assert (found.now, found.ratio, found.moved) == (None, None, False)


def test_only_numbers_of_calls_and_contenders_of_both_runs_are_held_together() -> None:
    then, now = kept([4.0, 4.1]), kept([4.0, 4.1], calls=20)
    assert not list(changes(then, now))
    assert "numbers of calls: then 10, now 20" in differences(then, now)
    assert {one.who for one in changes(then, kept([4.0], plain=[]))} == {OURS.key}


def test_another_machine_and_other_versions_are_said_first() -> None:
    now = replace(
        kept([4.0, 4.1]),
        machine=replace(HERE, cores=4),
        versions={"livekit": "1.1.22"},
        contenders={PLAIN.key: "fedcba9876543210"},
        seed=2,
    )
    machine, version, text, seed = differences(kept([4.0, 4.1]), now)
    assert machine.startswith("another machine: then 2 cores of Some Processor, 8 GB, Linux 6.1")
    assert version == "version of livekit: then 1.1.21, now 1.1.22"
    assert text == "text of plain: then 01234567, now fedcba98"
    assert seed == "seed: then 1, now 2"
    assert not differences(kept([4.0, 4.1]), kept([5.0, 4.1]))


def test_what_is_carried_is_held_together_as_well() -> None:
    then = replace(kept([4.0]), carried=(Carried(OURS.key, 12, 13, known=True),))
    now = replace(kept([4.0]), carried=(Carried(OURS.key, 18, 19, known=True),))
    (change,) = carried_changes(then, now)
    said = comparison.carried_sentence(change)
    assert said == "calls carried within the objectives, callfleet: 12 > 18 (1.50)"


def test_a_ratio_of_contenders_is_no_figure_in_a_unit_and_a_part_is_named_with_its_whole() -> None:
    then, now = kept([4.0, 4.0], [8.0, 8.0]), kept([6.0, 6.0], [8.0, 8.0])
    memory = {PLAIN.key: 8e8, OURS.key: 4e8}
    cells = tuple(
        replace(cell, pss_bytes={"callers": round(memory[cell.contender])}) for cell in then.cells
    )
    found = tuple(changes(replace(then, cells=cells), replace(now, cells=cells)))
    console = Console(width=160, record=True)
    for table in comparison.tables(found):
        console.print(table)
    (line,) = (one for one in console.export_text().splitlines() if "callers, MB" in one)
    assert line.endswith("0.50 > 0.50 (1.00)")
    assert BY_KEY["memory: callers"].name == (
        "memory of the worker (PSS), beside it: the callers, MB"
    )


def test_the_table_marks_what_moved_and_the_sentences_name_it() -> None:
    found = tuple(changes(kept([4.0, 4.1]), kept([8.0, 8.2])))
    console = Console(width=160, record=True)
    for table in comparison.tables(found):
        console.print(table)
    text = console.export_text()
    assert "4.05 > 8.10 (2.00) *" in text
    assert "0.51 > 1.01 (2.00) *" in text
    assert "callfleet, 10 calls, CPU of the worker, s/call-min: 4.05 > 8.10 (2.00) *" in list(
        comparison.sentences(found)
    )
    still = list(comparison.sentences(tuple(changes(kept([4.0, 4.1]), kept([4.0, 4.1])))))
    assert still[0].startswith("nothing of ")


FULL = replace(
    kept([4.0, 4.1]),
    carried=(Carried(PLAIN.key, 4, 5, known=True, why="answer"),),
    cells=(
        Cell(
            OURS.key,
            0,
            10,
            added=(0.1, 0.2),
            pss_bytes={"callers": 5},
            idle=Idle(0.01, 100),
            crossed=0,
        ),
        Cell.of_broken(PLAIN.key, 0, (10, 5), "it ended"),
    ),
)


def test_what_is_kept_is_read_back_to_the_letter(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    file.write_text(document(FULL), encoding="utf-8")
    assert read(file) == FULL


def spoiled(**changed: object) -> str:
    return json.dumps({**asdict(FULL), **changed})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read"),
        ("no JSON", "is no JSON document"),
        ('{"schema": NaN}', "NaN is no figure"),
        ("[]", "has schema None where a bench of this version has 2"),
        ('{"cells": [], "versions": {}}', "has schema None"),
        (spoiled(schema=3), "has schema 3"),
        (spoiled(cells=[{"contender": "plain"}]), "is damaged (cells.0.round: "),
        (spoiled(machine=None), "is damaged (machine: "),
        (spoiled(cells=[]), "holds no run"),
    ],
)
def test_a_file_that_is_none_of_a_benchs_is_refused_with_the_cure(
    tmp_path: Path, text: str | None, complaint: str
) -> None:
    file = tmp_path / "bench.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(UnkeptError) as refused:
        read(file)
    assert complaint in str(refused.value)
    assert "compare with the bench.json that `make bench` of this version leaves" in str(
        refused.value
    )


def test_a_machine_is_described_by_cores_model_kernel_and_memory() -> None:
    assert model_in("processor\t: 0\nmodel name\t: AMD EPYC\nflags : a b\n") == "AMD EPYC"
    assert (model_in("Features : fp"), memory_in("")) == ("", 0)
    assert memory_in("MemTotal:       1000 kB\nMemFree: 1 kB\n") == 1_024_000
    assert hardware().cores >= 1
    assert hardware().model
    assert hardware().kernel.startswith("Linux")
