"""What tests of the charts share: helm, without a cluster."""

import pytest
from helm import Helm

import callfleet_tools


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm: found, or built now."""
    return Helm(callfleet_tools.find("helm"), tmp_path_factory.mktemp("helm"))
