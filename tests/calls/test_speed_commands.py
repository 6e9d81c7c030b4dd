"""`callfleet faults` and `profile` as they are typed, at their smallest.

That there are figures is asked here, and not which: nothing has the machine to itself.
"""

import json
from pathlib import Path

import pytest
from typed_speed import typed


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
