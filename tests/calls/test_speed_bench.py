"""`callfleet bench` as it is typed, at its smallest: each contender answers a call.

That there are figures is asked here, and not which: nothing has the machine to itself.
"""

import re
from pathlib import Path

import pytest
from typed_speed import typed

from callfleet_rehearsal.bench.cell import Cell, of_worker
from callfleet_rehearsal.bench.contenders import CONTENDERS, OURS
from callfleet_rehearsal.bench.kept import Kept, document, read
from callfleet_rehearsal.stack.hardware import Hardware

KEYS = ",".join(one.key for one in CONTENDERS)
ELSEWHERE = Hardware(64, "Another", "Linux 6.1", 256_000_000_000)
EARLIER = Kept("then", ELSEWHERE, {}, {}, 1, 2, cells=(Cell(OURS.key, 0, 1, added=(0.1,)),))


@pytest.mark.timeout(600)
def test_every_contender_of_the_bench_answers_a_call_and_is_held_against_an_earlier_run(
    tmp_path: Path,
) -> None:
    before = tmp_path / "before.json"
    before.write_text(document(EARLIER), encoding="utf-8")
    said = typed(
        tmp_path,
        *("bench", "--calls", "1", "--rounds", "1", "--turns", "2", "--only", KEYS),
        *("--compare", "before.json", "--json", "out.json"),
    )
    assert said.returncode == 0, said.stdout + said.stderr
    made = read(tmp_path / "out.json")
    assert [cell.contender for cell in made.cells] == [one.key for one in CONTENDERS]
    for cell in made.cells:
        assert_measured(cell)
    assert "differs: another machine: then 64 cores of Another" in said.stdout
    assert "about 3 min in all" in said.stdout
    (plots,) = (tmp_path / "rehearsals").glob("*/bench.html")
    assert plots.read_text(encoding="utf-8").count("<svg") == 4
    last = said.stdout.splitlines()[-1]
    assert re.fullmatch(r"bench: p95=\d+\.\d\d cpu=\d+\.\d\d memory=\d+\.\d\d capacity=\?", last)


def assert_measured(cell: Cell) -> None:
    assert (cell.broken, cell.lost_calls) == ("", 0), cell.contender
    assert len(cell.added) == cell.turns - cell.failed_turns > 0
    assert len(cell.dispatch) == len(cell.dispatch_track) == len(cell.answer) == 1
    beside = {"livekit-server", "emulator", "callers", "rehearsal"}
    for by_role in (
        cell.cpu_seconds_per_call_minute,
        cell.pss_bytes,
        cell.context_switches_per_call_second,
    ):
        assert beside < by_role.keys()
        assert (of_worker(by_role) or 0) > 0
    assert cell.idle is not None
    assert (of_worker(cell.pss_bytes) or 0) > cell.idle.pss_bytes * 0.8 > 0
