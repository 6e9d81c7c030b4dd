"""The stack's processes end on every way out, and say why when they end too early."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from callfleet_rehearsal.stack import keeper
from callfleet_rehearsal.stack.emulator import Emulator
from callfleet_rehearsal.stack.errors import StackError
from callfleet_rehearsal.stack.livekit import answers, start_livekit
from callfleet_rehearsal.stack.processes import Children
from callfleet_rehearsal.stack.worker import Worker

# With job control on, each job of the shell is a process group of its own.
STUBBORN = "trap '' TERM; set -m; sleep 600 & sleep 600 & echo started; wait"
OWNER = f"""
import sys
from pathlib import Path
from callfleet_rehearsal.command.ending import signals_end_the_block
from callfleet_rehearsal.stack.processes import Children
with signals_end_the_block(), Children(Path(sys.argv[1])) as children:
    child = children.start("stubborn", ["/bin/sh", "-c", {STUBBORN!r}], {{}}, grace_seconds=0.2)
    child.wait_until(lambda: "started" in child.log.read_text(), 10, "started")
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def owned(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A process that owns a stack of stubborn children; and the children's session."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as owner:
        assert owner.stdout is not None
        yield owner, int(owner.stdout.readline())
        owner.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_children_that_ignore_it(
    owned: tuple["subprocess.Popen[str]", int], number: signal.Signals
) -> None:
    owner, session = owned
    assert keeper.members(session)
    owner.send_signal(number)
    owner.wait(20)
    assert keeper.members(session) == []


def test_a_killed_owner_leaves_nothing_behind(
    owned: tuple["subprocess.Popen[str]", int],
) -> None:
    owner, session = owned
    children = [os.pidfd_open(pid) for pid in keeper.members(session)]
    owner.kill()
    owner.wait(20)
    for child in children:
        assert wait_for_end(child, 20), "a process outlived its killed owner"
        os.close(child)


def wait_for_end(pidfd: int, seconds: float) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])


def test_a_child_that_dies_is_told_of_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("worker", ["/bin/sh", "-c", "echo no such key >&2; exit 3"], {})
        with pytest.raises(
            StackError, match=r"worker ended by itself with exit code 3[\s\S]*no such key"
        ):
            child.wait_until(lambda: False, 20, "ready")


def test_a_child_that_is_not_ready_in_time_is_told_of(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("worker", ["/bin/sh", "-c", "echo still trying; sleep 600"], {})
        child.wait_until(lambda: "trying" in child.last_lines(), 10, "talking")
        with pytest.raises(StackError, match=r"not ready within 0 s[\s\S]*still trying"):
            child.wait_until(lambda: False, 0.1, "ready")


def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with (
        Children(tmp_path) as children,
        pytest.raises(StackError, match="worker cannot be started"),
    ):
        children.start("worker", [str(tmp_path / "nothing")], {})


def test_a_real_server_answers_and_is_gone_with_its_block(
    tmp_path: Path, livekit_program: Path
) -> None:
    with Children(tmp_path) as children:
        server, child = start_livekit(children, livekit_program)
        assert answers(server.http_url)
        assert server.api_secret not in child.log.read_text(encoding="utf-8")
    assert not answers(server.http_url)
    assert keeper.members(child.pid) == []


def test_a_whole_stack_is_there_for_tests(emulator: Emulator, worker: Worker) -> None:
    assert emulator.ca_file.read_text(encoding="utf-8").startswith("-----BEGIN CERTIFICATE-----")
    assert answers(f"{emulator.control_url}/events")
    for truth in ("healthz/live", "healthz/ready", "healthz/accepting", "metrics"):
        assert answers(f"{worker.http_url}/{truth}"), truth
