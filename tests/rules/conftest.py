"""What tests of rules share: Prometheus' own tool."""

from pathlib import Path

import pytest
from promtool import Promtool

import callfleet_tools


@pytest.fixture
def promtool(tmp_path: Path) -> Promtool:
    """Give the program with a folder of the test's own."""
    return Promtool(callfleet_tools.find("promtool"), tmp_path)
