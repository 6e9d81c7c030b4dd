"""The control group of a node's pods: found fit for them, and removed, in either version."""

from pathlib import Path

import pytest

from callfleet_tools.node import cgroups


@pytest.mark.parametrize(("name", "weight"), [("cpu.shares", 1024), ("cpu.weight", 100)])
def test_pods_of_a_node_weigh_more_than_one_process(
    name: str, weight: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "_ROOT", tmp_path)
    is_first = name == "cpu.shares"
    hierarchy = tmp_path / "cpu" if is_first else tmp_path
    made = hierarchy / "callfleet0-node1"
    made.mkdir(parents=True)
    (hierarchy / ("cgroup.procs" if is_first else "cgroup.controllers")).touch()
    (made / name).write_text(str(weight), encoding="utf-8")
    cgroups.make("/callfleet0-node1")
    assert int((made / name).read_text(encoding="utf-8")) == 16 * weight
