"""`callfleet bench`, `faults` and `profile` as they are typed, at their smallest.

That there are figures is asked here, and not which: nothing has the machine to itself.
"""

import json
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


def test_a_fault_is_struck_in_one_call_and_its_neighbours_are_measured(tmp_path: Path) -> None:
    smallest = ("--only", "signal", "--modes", "shared", "--calls", "2", "--json", "out.json")
    said = typed(tmp_path, "faults", *smallest)
    assert said.returncode == 0, said.stdout + said.stderr
    results = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["faults"]
    assert [one["blow"]["mode"] for one in results] == ["shared"]
    for one in results:
        assert one["neighbours"]["calls"] == 1
        assert one["neighbours"]["before"]["turns"] > 0
        assert one["struck"]["ends"] == ["completed/caller_hung_up"]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (("--seconds", "3"), ("By thread", "AudioEncoderQue", "the event loop itself")),
        (("--join",), ("By thread", "tokio-rt-worker", "The main loop did not turn for")),
    ],
)
def test_a_profile_says_where_a_calls_cpu_goes(
    tmp_path: Path, options: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    said = typed(tmp_path, "profile", "--calls", "1", *options)
    if "may not look into process" in said.stdout:
        pytest.skip(said.stdout.splitlines()[-1])
    assert said.returncode == 0, said.stdout + said.stderr
    (folder,) = (tmp_path / "rehearsals").iterdir()
    tables = (folder / "tables.txt").read_text(encoding="utf-8")
    assert [each for each in shown if each not in tables] == []
    assert "_ProcClient.run (livekit" in (folder / "stacks.txt").read_text(encoding="utf-8")
    assert (folder / "flame.svg").read_text(encoding="utf-8").endswith("</svg>\n")
