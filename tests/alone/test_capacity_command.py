"""`callfleet capacity` as it is typed, at its smallest."""

import re
from pathlib import Path

import pytest
from typed_speed import typed

OF_THE_MACHINE = "(processes took|the host withheld|callers sent|processes waited)"
"""What machine.py has against a machine: whatever else cannot be judged is no machine's fault."""


def test_a_capacity_is_named_and_written_for_the_chart(tmp_path: Path) -> None:
    said = typed(
        tmp_path, "capacity", "--from", "1", "--to", "1", "--turns", "2", "--values", "slots.yaml"
    )
    if said.returncode == 3:
        why = re.search(rf"1 calls: inconclusive: (.*{OF_THE_MACHINE}.*)", said.stdout)
        assert why is not None, said.stdout
        pytest.skip(f"the machine is too busy to judge: {why[1]}")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "capacity: K=1 or more" in said.stdout
    assert "slotsPerPod: 1" in (tmp_path / "slots.yaml").read_text(encoding="utf-8")
