"""Tests that run side by side take nothing from one another."""

from itertools import pairwise

import pytest
from side_by_side import MOST, share

WHOLE = range(20_000, 32_000)


def share_of(worker: str, monkeypatch: pytest.MonkeyPatch) -> range:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    return share(WHOLE)


def test_each_process_has_a_share_that_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = [share_of(f"gw{number}", monkeypatch) for number in range(MOST)]
    assert all(shares)
    assert all(one.stop <= other.start for one, other in pairwise(shares))
    assert (shares[0].start, shares[-1].stop) == (WHOLE.start, WHOLE.stop)


def test_a_process_without_others_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    assert share(WHOLE) == WHOLE
