"""What tests share: the real programs that they run against."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from side_by_side import share
from typed_rehearsal import Type, typing_in

import callfleet_tools
from callfleet_rehearsal.stack import ports
from callfleet_rehearsal.stack.emulator import Emulator, start_emulator
from callfleet_rehearsal.stack.livekit import LiveKitServer, start_livekit
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import Worker, start_worker

pytest_plugins = ("api_fixtures",)

WORKER_SLOTS = 3

# A port that is found free is taken only when its program has started: others must not find it.
ports._RANGE = share(ports._RANGE)

# A busy machine is slow, not wrong.
hypothesis.settings.register_profile("callfleet", deadline=None)
hypothesis.settings.load_profile("callfleet")

# A shell's "&" has everything below it ignore Ctrl-C; programs under test are to heed it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def emulator(children: Children) -> Emulator:
    """A Gemini Live emulator of ideal timing, as a process of its own, for the whole session."""
    started, _ = start_emulator(children, "ideal", seed=1)
    return started


@pytest.fixture(scope="session")
def worker(children: Children, livekit_server: LiveKitServer, emulator: Emulator) -> Worker:
    """A worker with three slots on that server and that emulator, ready for calls."""
    started, _ = start_worker(children, livekit_server, emulator, WORKER_SLOTS)
    return started


@pytest.fixture
def rehearse(tmp_path: Path, livekit_program: Path) -> Iterator[Type]:
    """Type ``callfleet rehearse …`` in the test's folder; ended with the test, whatever happens."""
    with typing_in(tmp_path, livekit_program) as typing:
        yield typing


# Files that take longest: begun last, one of them would be waited for by all the others.
_LONG = (
    "test_operator_alerts.py",
    "test_boards_answered.py",
    "test_operator_restarts.py",
    "test_speed_bench.py",
    "test_operator_lives.py",
    "test_fleetctl.py",
    "test_speed_commands.py",
    "test_model_emulator.py",
    "test_rehearse_ends.py",
    "test_call_ends.py",
    "test_worker_admission.py",
    "test_worker_parent.py",
    # These wait: others work meanwhile.
    "test_operator_trouble.py",
    "test_operator_stand.py",
    "test_operator_definition.py",
    "test_operator_lease.py",
    "test_operator_by_hand.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files."""
    places = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(_LONG)))


_OUTCOMES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def record_outcome(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note the outcome of a real rehearsal, for the summary."""
    return request.config.stash.setdefault(_OUTCOMES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many rehearsals could not be judged: a test passes for those as well."""
    outcomes = config.stash.get(_OUTCOMES, [])
    if outcomes:
        undecided = outcomes.count("inconclusive")
        terminalreporter.write_line(
            f"real rehearsals: {', '.join(outcomes)}; inconclusive {undecided} of {len(outcomes)}"
        )
