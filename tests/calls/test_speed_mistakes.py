"""`callfleet bench`, `capacity` and `faults` where they are typed wrong, or a contender breaks."""

from pathlib import Path

import pytest
from typed_speed import typed

from callfleet_rehearsal.bench.contenders import Contender
from callfleet_rehearsal.bench.run import Plan, run


def test_a_contender_that_breaks_is_a_cell_with_its_failed_turns_and_the_bench_goes_on(
    tmp_path: Path,
) -> None:
    dead = Contender("dead", "a program that is not there", "dead.py")
    cells = list(run(Plan((dead,), (3,), rounds=2), tmp_path, lambda _: None))
    assert [cell.broken for cell in cells] == ["worker ended by itself with exit code 2"] * 2
    assert [(cell.failed_turns, cell.turns, cell.lost_calls) for cell in cells] == [(15, 15, 3)] * 2
    for number in (0, 1):
        log = tmp_path / f"{number}-3-dead" / "worker.log"
        assert log.read_text(encoding="utf-8").count("can't open file") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("bench", "--calls", "ten"), "--calls takes numbers like 1,10,20"),
        (("bench", "--only", "nobody"), "--only names of plain, tuned, callfleet, apart, floor"),
        (("faults", "--only", "earthquake"), "--only takes names of block, raise"),
        (("faults", "--modes", "alone"), "--modes takes names of shared, apart"),
        (("bench", "--compare", "no/such.json"), "no/such.json cannot be read"),
        (("bench", "--json", "no/such/out.json"), "there is no folder no/such for out.json"),
        (("capacity", "--of", "nobody"), "--of takes one of plain, tuned, callfleet, apart, floor"),
        (("capacity", "--values", "no/such/slots.yaml"), "there is no folder no/such"),
    ],
)
def test_wrong_use_is_exit_code_2_and_starts_nothing(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    said = typed(tmp_path, *arguments)
    assert sentence in " ".join(said.stdout.split())
    assert said.returncode == 2
    assert not (tmp_path / "rehearsals").exists()
