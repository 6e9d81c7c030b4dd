"""What tests of boards share: a Prometheus that scraped an evening of real calls."""

import os
from pathlib import Path

import pytest
from board_evening import Evening, Stage, spend
from control_plane import ControlPlane
from helm import Helm

import callfleet_tools
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer
from callfleet_rehearsal.stack.processes import Children

NAMESPACE = "evening"
WAVES = "BOARDS_WAVES"


@pytest.fixture(scope="session")
def evening(
    control_plane: ControlPlane,
    livekit_server: LiveKitServer,
    emulator: Emulator,
    children: Children,
    tmp_path_factory: pytest.TempPathFactory,
) -> Evening:
    """Have calls placed, and what became of them scraped; that Prometheus can be asked."""
    waves = int(os.environ.get(WAVES, "1"))
    folder = tmp_path_factory.mktemp("evening")
    control_plane.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    return spend(
        Stage(
            control_plane,
            NAMESPACE,
            children,
            folder,
            livekit_server,
            emulator,
            Helm(callfleet_tools.find("helm"), folder),
            Path(callfleet_tools.find("prometheus")),
            waves=waves,
            killing=(1,) if waves > 1 else (),
        )
    )
