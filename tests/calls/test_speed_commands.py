"""`callfleet bench` and `callfleet capacity` as they are typed, at their smallest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from callfleet_rehearsal.bench.contenders import CONTENDERS, Contender


def typed(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "callfleet", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.parametrize("contender", CONTENDERS, ids=[one.key for one in CONTENDERS])
def test_every_contender_of_the_bench_answers_a_call(contender: Contender, tmp_path: Path) -> None:
    smallest = ("--calls", "1", "--rounds", "1", "--only", contender.key, "--json", "out.json")
    said = typed(tmp_path, "bench", *smallest)
    assert said.returncode == 0, said.stdout + said.stderr
    (cell,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["cells"]
    assert (cell["contender"], cell["lost_calls"]) == (contender.key, 0)
    assert len(cell["added"]) == cell["turns"] - cell["failed_turns"] > 0
    assert cell["pss_bytes"] > cell["idle"]["pss_bytes"] * 0.8 > 0
    assert cell["context_switches_per_call_second"] > 0
    assert "bench: p95=" in said.stdout


def test_a_capacity_is_named_and_written_for_the_chart(tmp_path: Path) -> None:
    said = typed(
        tmp_path, "capacity", "--from", "1", "--to", "1", "--turns", "2", "--values", "slots.yaml"
    )
    if said.returncode == 3:
        pytest.skip("the machine was too busy with other things to judge")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "capacity: K=1 or more" in said.stdout
    assert "slotsPerPod: 1" in (tmp_path / "slots.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("bench", "--calls", "ten"), "--calls takes numbers like 1,10,20"),
        (("bench", "--only", "nobody"), "--only names of plain, tuned, callfleet, apart, floor"),
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
