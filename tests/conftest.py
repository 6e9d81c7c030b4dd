"""What tests share: the real programs that tests in ``calls/`` run against."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

import callfleet_tools
from callfleet_rehearsal.stack.livekit import LiveKitServer, start_livekit
from callfleet_rehearsal.stack.processes import Children

# A busy machine is slow, not wrong.
hypothesis.settings.register_profile("callfleet", deadline=None)
hypothesis.settings.load_profile("callfleet")


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """Processes that live as long as the test session; their logs are in its temporary folder."""
    with Children(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="session")
def livekit_program() -> Path:
    """The livekit-server to run: named by the environment, on PATH, built before, or built now."""
    return callfleet_tools.find("livekit-server")


@pytest.fixture(scope="session")
def livekit_server(children: Children, livekit_program: Path) -> LiveKitServer:
    """A LiveKit server on loopback for the whole session, with a key and secret of its own."""
    server, _ = start_livekit(children, livekit_program)
    return server
